"""Receiving bundles: every rule is held against them, what is accepted is kept unchanged, and each gets a receipt in the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from factory_kit.district.definitions import Campaign
from factory_kit.district.office import Office
from factory_kit.district.rules import (
    Rebuilt,
    Ruling,
    about_campaign,
    about_code,
    about_content,
    about_file,
    about_signatures,
    plain,
)
from factory_kit.errors import FactoryKitError, SealError
from factory_kit.files import atomic_path, write_atomically
from factory_kit.i18n import LANGUAGES, N_, speaking
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_json
from factory_kit.model.assessment import Assessment
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import ChainWriter, Link, open_chain
from factory_kit.seal.container import Limits
from factory_kit.seal.digest import digest, digest_file
from factory_kit.seal.verify import Report, Sealed, verify

__all__ = ["LIMITS", "Rebuild", "Receipt", "receive"]

BUNDLE = "assessment-bundle"
LIMITS = Limits(files=5_000, total_bytes=256 << 20, manifest_bytes=4 << 20)
"""What is read from a stranger; larger submissions are refused before they are opened."""
MICRO = 1_000_000

Rebuild = Callable[[Path], Rebuilt]
"""Rebuilds the score of a bundle from the bundle alone."""
Outcome = Literal["accepted", "accepted late", "returned", "rejected", "duplicate"]


@dataclass(frozen=True)
class Receipt:
    """The answer to one submission: its outcome, the number and hash of its record, and what the rules said."""

    file: str
    outcome: Outcome
    number: int
    hash: str
    rulings: tuple[Ruling, ...]
    assessment: Assessment | None = None
    level: int | None = None


@dataclass(frozen=True)
class _Looked:
    """A submission after all rules were held against it."""

    path: Path
    sha256: str
    content: str
    """The sha256 of its manifest: the same for a bundle that only gained a signature."""
    rulings: tuple[Ruling, ...]
    assessment: Assessment | None
    rebuilt: Rebuilt | None


def receive(office: Office, files: Sequence[Path], rebuild: Rebuild, now: Callable[[], int]) -> Iterator[Receipt]:
    """A receipt for each of *files* in turn; *rebuild* rebuilds scores, *now* is the clock (microseconds, UTC).

    What is accepted lies in the folder before its receipt stands in the ledger, so an interruption loses nothing and a
    repetition adds nothing.
    """
    campaign = office.campaign()
    known = _Known(office.ledger())
    with open_chain(office.ledger_file) as chain:
        for path in files:
            sha256 = digest_file(path).sha256
            earlier = known.by_file.get(sha256)
            if earlier is not None and earlier.record["outcome"].startswith("accepted"):
                yield _duplicate(path, earlier)
                continue
            looked = _looked_at(office, campaign, path, sha256, rebuild)
            rulings = (*looked.rulings, *known.about_repetition(looked), *_late(campaign, now()))
            again = known.by_content.get(looked.content) or (earlier if _as_before(earlier, rulings) else None)
            if again is not None:
                yield _duplicate(path, again)
                continue
            yield _recorded(office, campaign, chain, known, looked, rulings, now())


class _Known:
    """What the ledger already holds."""

    def __init__(self, links: Iterator[Link]) -> None:
        self.by_file: dict[str, Link] = {}
        self.by_content: dict[str, Link] = {}
        self.accepted: dict[tuple[str, ...], Link] = {}
        for link in links:
            self.add(link)

    def add(self, link: Link) -> None:
        """Take *link* into account."""
        self.by_file[link.record["sha256"]] = link
        if not link.record["outcome"].startswith("accepted"):
            return
        self.by_content[link.record["content"]] = link
        self.accepted[_key(link.record)] = link

    def about_repetition(self, looked: _Looked) -> Iterator[Ruling]:
        """R11: a second assessment of the same plant, model and type must say which one it replaces, and why."""
        if looked.assessment is None:
            return
        earlier = self.accepted.get(_key(_about(looked.assessment)))
        if earlier is None or earlier.record["assessment"] == looked.assessment.supersedes:
            return
        message = N_(
            "receipt {number} already covers this plant, model and type; name it in supersedes, with the reason"
        )
        yield Ruling("R11", message, {"number": earlier.n})


def _looked_at(office: Office, campaign: Campaign, path: Path, sha256: str, rebuild: Rebuild) -> _Looked:
    try:
        report = verify(path, office.keys(), limits=LIMITS)
    except SealError as error:
        return _Looked(path, sha256, sha256, (_unreadable(error),), None, None)
    rulings = list(about_file(report, BUNDLE))
    content = digest([report.manifest.to_bytes()]).sha256 if report.manifest else sha256
    if rulings or report.manifest is None:
        return _Looked(path, sha256, content, tuple(rulings[:1]), None, None)
    assessment, wrong = _assessment(path, report)
    if assessment is None:
        return _Looked(path, sha256, content, (wrong,), None, None)
    rulings += [
        *about_signatures(report, assessment, campaign),
        *about_code(assessment),
        *about_campaign(assessment, campaign),
    ]
    rebuilt = None
    try:
        rebuilt = rebuild(path)
        rulings += about_content(rebuilt, campaign)
    except FactoryKitError as error:
        rulings.append(Ruling("R06", N_("the score cannot be rebuilt: {reason}"), {"reason": _one_line(error)}))
    return _Looked(path, sha256, content, tuple(rulings), assessment, rebuilt)


def _assessment(path: Path, report: Report) -> tuple[Assessment | None, Ruling]:
    """What the bundle is about, or why that cannot be read."""
    assert report.manifest is not None  # noqa: S101 - the caller looked
    try:
        text = Sealed(path, report.manifest, report, LIMITS).read("assessment.json").decode("utf-8", errors="replace")
        return checked(parse_json(text, "assessment.json"), Assessment), Ruling("", "")
    except FactoryKitError as error:
        return None, Ruling("R01", N_("the file is no assessment: {reason}"), {"reason": _one_line(error)}, "rejects")


def _recorded(
    office: Office,
    campaign: Campaign,
    chain: ChainWriter,
    known: _Known,
    looked: _Looked,
    rulings: tuple[Ruling, ...],
    received: int,
) -> Receipt:
    outcome = _outcome(rulings)
    if outcome.startswith("accepted"):
        _keep(looked.path, office.bundles_folder / f"{looked.sha256}.zip")
    link = chain.append(_record(campaign, looked, outcome, rulings, received))
    known.add(link)
    level = looked.rebuilt.level if looked.rebuilt else None
    receipt = Receipt(looked.path.name, outcome, link.n, link.hash, rulings, looked.assessment, level)
    write_atomically(office.receipts_folder / f"{link.n:06d}.json", _handed_back(receipt, link))
    return receipt


def _as_before(earlier: Link | None, rulings: Sequence[Ruling]) -> bool:
    """Whether the rules say of a file what they said when *earlier* was written; a key trusted since may change that."""
    return earlier is not None and earlier.record["rulings"] == _written(rulings)


def _written(rulings: Sequence[Ruling]) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule, "message": each.message, "details": dict(each.details), "weight": each.weight}
        for each in rulings
    ]


def _outcome(rulings: Sequence[Ruling]) -> Outcome:
    """Rejected when the file itself is no good, returned when the submission can be corrected, else accepted."""
    weights = {ruling.weight for ruling in rulings}
    if "rejects" in weights:
        return "rejected"
    if "returns" in weights:
        return "returned"
    return "accepted late" if any(ruling.rule == "R12" for ruling in rulings) else "accepted"


def _record(
    campaign: Campaign, looked: _Looked, outcome: Outcome, rulings: Sequence[Ruling], received: int
) -> dict[str, Any]:
    rebuilt, assessment = looked.rebuilt, looked.assessment
    found: dict[str, Any] = {
        "form": 1,
        "campaign": campaign.id,
        "file": looked.path.name,
        "sha256": looked.sha256,
        "content": looked.content,
        "received": datetime.fromtimestamp(received // MICRO, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "outcome": outcome,
        "rulings": _written(rulings),
    }
    if assessment is not None:
        found |= _about(assessment)
    if rebuilt is not None:
        found |= {"level": rebuilt.level, "floor": rebuilt.floor, "total": rebuilt.total, "open": rebuilt.open}
    return found


def _about(assessment: Assessment) -> dict[str, Any]:
    plant, model = assessment.plant, assessment.model
    return {
        "assessment": assessment.id,
        "plant": {"credit_code": plant.credit_code, "site_no": plant.site_no, "zh": plant.name.zh, "en": plant.name.en},
        "industry": {"code": plant.industry.code, "edition": plant.industry.edition},
        "units": list(assessment.units),
        "model": {"id": model.id, "edition": model.edition},
        "type": assessment.type,
        "provider": assessment.provider.name if assessment.provider else "",
        "supersedes": assessment.supersedes,
    }


def _key(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Exactly one accepted assessment counts per plant, model edition and type."""
    plant, model = record["plant"], record["model"]
    return plant["credit_code"], plant["site_no"], model["id"], model["edition"], record["type"]


def _late(campaign: Campaign, received: int) -> Iterator[Ruling]:
    """R12: after the deadline, by the days of the campaign's zone."""
    local = datetime.fromtimestamp(received // MICRO, UTC).astimezone(ZoneInfo(campaign.timezone)).date()
    if local > campaign.deadline:
        details = {"day": str(local), "deadline": str(campaign.deadline)}
        yield Ruling("R12", N_("received on {day}, after the deadline {deadline}: accepted as late"), details, "warns")


def _duplicate(path: Path, earlier: Link) -> Receipt:
    """R10: nothing is added, the first receipt stands."""
    message = N_("this file was received before: receipt {number} stands")
    ruling = Ruling("R10", message, {"number": earlier.n})
    return Receipt(path.name, "duplicate", earlier.n, earlier.hash, (ruling,))


def _handed_back(receipt: Receipt, link: Link) -> bytes:
    """The receipt as its receiver reads it, sentences in both languages."""
    sentences = []
    for ruling in receipt.rulings:
        entry: dict[str, Any] = {"rule": ruling.rule, "weight": ruling.weight}
        for language in LANGUAGES:
            with speaking(language):
                entry[language] = ruling.text()
        sentences.append(entry)
    record = {key: link.record[key] for key in ("file", "sha256", "received", "campaign")}
    return (
        canonical(
            {"form": 1, "number": link.n, "hash": link.hash, "outcome": receipt.outcome, **record, "rulings": sentences}
        )
        + b"\n"
    )


def _keep(source: Path, target: Path) -> None:
    """*source* under the name of its hash, whole or not at all, and never changed afterwards."""
    if target.exists():
        return
    with atomic_path(target) as aside:
        shutil.copyfile(source, aside)
    target.chmod(0o444)


def _unreadable(error: SealError) -> Ruling:
    return Ruling("R01", error.message, plain(error.details), "rejects")


def _one_line(error: FactoryKitError) -> str:
    return str(error).splitlines()[0]
