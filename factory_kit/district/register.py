"""The registers of a district (名录): imported from Excel as an officer has it, every edition kept, nothing ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.checked import yaml_file
from factory_kit.model.answers import Period
from factory_kit.model.assessment import Provider
from factory_kit.model.definition import Definition, Identifier, Source, Text
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import open_chain, read_chain
from factory_kit.seal.digest import digest, digest_file
from factory_kit.seal.stamps import to_text

__all__ = ["Column", "Edition", "Industries", "RegisterForm", "Registers", "forms", "industries", "keep_edition"]

DATA = Path(__file__).resolve().parent / "data"
LOG = "registers.jsonl"
Row = Mapping[str, str]


class Column(Definition):
    """One column: headings that are understood, and what stands in it."""

    heads: tuple[str, ...] = Field(min_length=1)
    kind: Literal[
        "credit_code", "site", "text", "unit", "units", "industry", "choice", "number", "date", "public_key", "class"
    ]
    required: bool = False
    default: str = ""
    choices: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class RegisterForm(Definition):
    """What one register holds; rows with the same key are one entry."""

    name: Text
    key: tuple[str, ...] = Field(min_length=1)
    columns: dict[str, Column]


class _Forms(Definition):
    form: Literal[1]
    registers: dict[Identifier, RegisterForm]


class Industries(Definition):
    """Divisions (two digits) of an edition of GB/T 4754."""

    form: Literal[1]
    edition: str
    sources: tuple[Source, ...] = Field(min_length=1)
    divisions: dict[str, Text]


@dataclass(frozen=True)
class Edition:
    """One import of a register."""

    register: str
    number: int
    rows: tuple[Row, ...]
    new: bool
    """False when the newest edition already says the same."""


@cache
def forms() -> Mapping[str, RegisterForm]:
    """All registers there are."""
    return yaml_file(DATA / "registers.yaml", _Forms, "registers.yaml").registers


@cache
def industries() -> Industries:
    """The shipped divisions."""
    return yaml_file(DATA / "industries.yaml", Industries, "industries.yaml")


@dataclass(frozen=True)
class Registers:
    """The newest edition of each register in *folder*."""

    folder: Path

    def rows(self, register: str) -> Sequence[Row]:
        """The rows of *register*, by key; empty before the first import. ``Altered`` when an edition was changed."""
        return self._newest.get(register, ())

    @cached_property
    def plants(self) -> Mapping[tuple[str, str], Row]:
        """Plants by credit code and site number."""
        return {(row["credit_code"], row["site_no"]): row for row in self.rows("plants")}

    @cached_property
    def providers(self) -> Sequence[Row]:
        """Listed providers; a name may stand there several times with different dates."""
        return self.rows("providers")

    def has_plant(self, credit_code: str, site_no: str) -> bool:
        """Whether the plant is in the register."""
        return (credit_code, site_no) in self.plants

    def lists_provider(self, provider: Provider, period: Period) -> bool:
        """Whether *provider* is listed for all of *period*: by its code where it gives one, else by its name."""
        return any(
            _same(row, provider)
            and row["since"] <= str(period.start)
            and str(period.end) <= (row.get("until") or "9999")
            for row in self.providers
        )

    def units_of(self, credit_code: str, site_no: str, on: date) -> tuple[str, ...]:
        """The units that the plant reports to on the day *on*: those of its row, and those with dates."""
        row = self.plants.get((credit_code, site_no), {})
        found = [row.get("street", ""), *row.get("units", "").split(";")]
        found += [
            each["unit"]
            for each in self._dated.get((credit_code, site_no), ())
            if each["since"] <= str(on) <= (each.get("until") or "9999")
        ]
        return tuple(sorted({unit for unit in found if unit}))

    @cached_property
    def _dated(self) -> Mapping[tuple[str, str], list[Row]]:
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows("plant_units"):
            found.setdefault((row["credit_code"], row["site_no"]), []).append(row)
        return found

    @cached_property
    def _newest(self) -> Mapping[str, tuple[Row, ...]]:
        found: dict[str, tuple[Row, ...]] = {}
        last: dict[str, dict[str, Any]] = {}
        log = self.folder / LOG
        for link in read_chain(log) if log.exists() else ():
            last[link.record["register"]] = link.record
        for register, record in last.items():
            found[register] = _edition_rows(self.folder, record)
        return found


def keep_edition(folder: Path, register: str, rows: Sequence[Row], source: Path, now: Callable[[], int]) -> Edition:
    """*rows* as the next edition of *register* in *folder*, written to its log; nothing when the newest says the same."""
    folder.mkdir(parents=True, exist_ok=True)
    key = forms()[register].key
    ordered = tuple(sorted((dict(row) for row in rows), key=lambda row: [row.get(part, "") for part in key]))
    content = canonical({"form": 1, "register": register, "rows": list(ordered)})
    with open_chain(folder / LOG) as log:
        earlier = [link.record for link in read_chain(folder / LOG) if link.record["register"] == register]
        sha256 = digest([content]).sha256
        if earlier and earlier[-1]["sha256"] == sha256:
            return Edition(register, len(earlier), ordered, new=False)
        number = len(earlier) + 1
        write_atomically(folder / f"{register}-{number:04d}.json", content)
        log.append(
            {
                "form": 1, "register": register, "edition": number, "sha256": sha256, "rows": len(ordered),
                "imported": to_text(now()), "source": {"file": source.name, "sha256": digest_file(source).sha256},
            }
        )  # fmt: skip
    return Edition(register, number, ordered, new=True)


def _edition_rows(folder: Path, record: Mapping[str, Any]) -> tuple[Row, ...]:
    path = folder / f"{record['register']}-{record['edition']:04d}.json"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError("{file}: this edition of a register is missing; bring it back", file=path.name) from error
    if digest([content]).sha256 != record["sha256"]:
        raise UsageError(
            "{file}: was changed by hand; bring the imported one back, or import the sheet again", file=path.name
        )
    return tuple(json.loads(content)["rows"])


def _same(row: Row, provider: Provider) -> bool:
    if provider.credit_code and row.get("credit_code"):
        return row["credit_code"] == provider.credit_code
    return row["name"] == provider.name
