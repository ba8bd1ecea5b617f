"""What the ledger and the registers already say, so that a submission can be held against it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from factory_kit.district.definitions import Campaign
from factory_kit.district.register import Registers
from factory_kit.district.rules import Ruling
from factory_kit.i18n import N_
from factory_kit.model.assessment import Assessment
from factory_kit.model.credit_code import fault
from factory_kit.seal.chain import Link

__all__ = ["Entry", "Known"]

FEW = 3
"""Receipts that a sentence names."""


@dataclass
class Entry:
    """One record of the ledger; its hash is known once it is written."""

    number: int
    record: dict[str, Any]
    hash: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it counts."""
        return bool(self.record["outcome"].startswith("accepted"))


class Known:
    """Earlier receipts by what a rule asks for."""

    def __init__(
        self,
        links: Iterator[Link],
        campaign: Campaign,
        registers: Registers,
        last: Link | None,
        withdrawn: Collection[int] = (),
    ) -> None:
        self.by_file: dict[str, Entry] = {}
        self.by_content: dict[str, Entry] = {}
        self.kept: set[str] = set()
        """The sha256 of accepted files."""
        self._campaign, self._registers, self._withdrawn = campaign, registers, withdrawn
        self._accepted: dict[tuple[str, ...], Entry] = {}
        self._documents: dict[str, tuple[int, str]] = {}
        self._last = 0
        for link in links:
            self._take(Entry(link.n, link.record, link.hash))
        self._last = last.n if last else 0

    def add(self, record: dict[str, Any]) -> Entry:
        """The entry that *record* becomes, next in number."""
        self._last += 1
        entry = Entry(self._last, record)
        self._take(entry)
        return entry

    def about(self, record: Mapping[str, Any], assessment: Assessment | None) -> Iterator[Ruling]:
        """R03, R11, R13 and R14, as far as they need the registers and earlier receipts."""
        if assessment is None:
            return
        yield from self._registered(assessment)
        yield from self._repeated(record, assessment)
        yield from self._seen(record)

    def _take(self, entry: Entry) -> None:
        record = entry.record
        self.by_file[record["sha256"]] = entry
        if not entry.accepted:
            return
        self.kept.add(record["sha256"])
        self.by_content[record["content"]] = entry
        if entry.number not in self._withdrawn:  # what the office sent back may be sent again, mended
            self._accepted[_key(record)] = entry
        for sha256 in record.get("documents", ()):
            self._documents.setdefault(sha256, (entry.number, _plant(record)))

    def _registered(self, assessment: Assessment) -> Iterator[Ruling]:
        plant, found = assessment.plant, self._registers
        if found.plants and not found.has_plant(plant.credit_code, plant.site_no) and fault(plant.credit_code) is None:
            details = {"code": plant.credit_code, "site": plant.site_no}
            if self._campaign.unknown_plants == "return":
                message = N_(
                    "the plant {code}-{site} is not in the district's register; check code and site number, or ask the district to enter it"
                )
                yield Ruling("R03", message, details)
            else:
                message = N_("the plant {code}-{site} is not in the register; it is marked as new")
                yield Ruling("R03", message, details, "warns")
        provider = assessment.provider
        if provider and found.providers and not found.lists_provider(provider, assessment.period):
            message = N_("the provider {name} is not listed for the period of the assessment")
            yield Ruling(
                "R13", message, {"name": provider.name}, "returns" if self._campaign.listed_providers_only else "warns"
            )

    def _repeated(self, record: Mapping[str, Any], assessment: Assessment) -> Iterator[Ruling]:
        earlier = self._accepted.get(_key(record))
        if earlier is not None and earlier.record["assessment"] != assessment.supersedes:
            message = N_(
                "receipt {number} already covers this plant, model and type; name it in supersedes, with the reason"
            )
            yield Ruling("R11", message, {"number": earlier.number})

    def _seen(self, record: Mapping[str, Any]) -> Iterator[Ruling]:
        plant = _plant(record)
        found = [self._documents[sha256] for sha256 in record.get("documents", ()) if sha256 in self._documents]
        numbers = sorted({number for number, other in found if other != plant})
        if numbers:
            message = N_("{count} documents were seen in other plants before: receipts {numbers}")
            count = sum(other != plant for _, other in found)
            yield Ruling("R14", message, {"count": count, "numbers": ", ".join(map(str, numbers[:FEW]))}, "warns")


def _plant(record: Mapping[str, Any]) -> str:
    return f"{record['plant']['credit_code']}-{record['plant']['site_no']}"


def _key(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Exactly one accepted assessment counts per campaign, plant, model edition and type."""
    plant, model = record["plant"], record["model"]
    return (
        record["campaign"], plant["credit_code"], plant["site_no"], model["id"], model["edition"], record["type"],
    )  # fmt: skip
