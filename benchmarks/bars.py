"""Every promise there is beside what was measured: met, missed and why, not measured and why, or proven by a test of the suite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

__all__ = ["Promise", "State", "Verdict", "known", "promises", "table", "verdicts"]

HERE = Path(__file__).resolve().parent
State = Literal["met", "missed", "not measured", "in the suite"]
Record = Mapping[str, Any]
"""A row as ``run.py`` writes it to JSON; ``absent`` says why there is no figure."""
FULL_ONLY = "only at full scale"
NO_ROW = "no such row in this run"
UNEXPLAINED = "no explanation is on record: look into it"


@dataclass(frozen=True)
class Promise:
    """One bar: the rows that show it (a regular expression over their whole names), or the test that proves it."""

    area: str
    name: Mapping[str, str]
    benchmark: str = ""
    row: str = ""
    test: str = ""
    because: Mapping[str, str] = field(default_factory=dict)
    """Why it is missed, by language; said only where it is."""
    readme: bool = False
    full_only: bool = False

    def covers(self, record: Record) -> bool:
        """Whether *record* is a row with a bar that this promise is about."""
        same = record["benchmark"] == self.benchmark and record["bar"] is not None
        return same and re.fullmatch(self.row, record["what"]) is not None


@dataclass(frozen=True)
class Verdict:
    """A promise, the rows that speak of it, and what they say."""

    promise: Promise
    rows: tuple[Record, ...]
    state: State
    why: str = ""
    """For what is missed or not measured."""

    @property
    def worst(self) -> Record | None:
        """The row nearest to missing its bar, or furthest beyond it."""
        return max(self.rows, key=_strain, default=None)


@cache
def known() -> Mapping[str, Any]:
    """The file of promises as it stands: areas, bars, and Chinese for names of peers and units."""
    content: Mapping[str, Any] = yaml.safe_load((HERE / "bars.yaml").read_text(encoding="utf-8"))
    return content


@cache
def promises() -> tuple[Promise, ...]:
    """All of them, by area."""
    return tuple(Promise(**each) for each in known()["bars"])


def verdicts(records: Sequence[Record], names: Iterable[str], *, quick: bool) -> list[Verdict]:
    """What *records* of the benchmarks *names* say to every promise; rows with a bar that no promise names stand at the end."""
    asked = set(names)
    found = [
        _verdict(each, records, quick=quick) for each in promises() if not each.benchmark or each.benchmark in asked
    ]
    for record in records:
        if record["bar"] is not None and not any(each.covers(record) for each in promises()):
            unnamed = Promise("", {"en": record["what"], "zh": record["what"]}, record["benchmark"])
            found.append(
                Verdict(unnamed, (record,), "met" if record["met"] else "missed", "" if record["met"] else UNEXPLAINED)
            )
    return found


def _verdict(promise: Promise, records: Sequence[Record], *, quick: bool) -> Verdict:
    if promise.test:
        return Verdict(promise, (), "in the suite", promise.test)
    rows = tuple(each for each in records if promise.covers(each))
    if not rows:
        return Verdict(promise, (), "not measured", _absence(promise, records, quick=quick))
    if all(each["met"] for each in rows):
        return Verdict(promise, rows, "met")
    return Verdict(promise, rows, "missed", promise.because.get("en") or UNEXPLAINED)


def _absence(promise: Promise, records: Sequence[Record], *, quick: bool) -> str:
    if promise.full_only and quick:
        return FULL_ONLY
    reasons = (each["absent"] for each in records if each["benchmark"] == promise.benchmark and each.get("absent"))
    return next(reasons, NO_ROW)


def _strain(record: Record) -> float:
    """How much of its bar a row uses up: above 1 it is missed."""
    of, sense, threshold = record["bar"].split()
    figure, limit = record[of], float(threshold)
    if figure is None:
        return float("inf")
    if sense == ">=":
        figure, limit = limit, figure
    return float("inf") if limit == 0 and figure > 0 else figure / limit if limit else 0.0


def table(found: Sequence[Verdict], *, quick: bool) -> Iterator[str]:
    """One table of all verdicts, a line each, with the reason under what is missed or not measured, and how many there are of each."""
    yield f"Every bar ({'quick' if quick else 'full'} scale)"
    width = max((len(each.promise.name["en"]) for each in found), default=0)
    for each in found:
        area = known()["areas"].get(each.promise.area, {"en": each.promise.benchmark})["en"]
        yield f"  {area:<20} {each.promise.name['en']:<{width}}  {_figure(each):<40} {_said(each)}".rstrip()
        if each.state in {"missed", "not measured"}:
            yield f"  {'':<20}   {'because' if each.state == 'missed' else 'since'}: {each.why}"
    counts = {
        state: sum(each.state == state for each in found) for state in ("met", "missed", "not measured", "in the suite")
    }
    unexplained = sum(each.why == UNEXPLAINED for each in found)
    yield (
        f"  {counts['met']} met, {counts['missed']} missed ({unexplained} of them unexplained), {counts['not measured']} not measured, "
        f"{counts['in the suite']} proven by tests of the suite"
    )


def _figure(verdict: Verdict) -> str:
    row = verdict.worst
    if row is None:
        return ""
    ratio = row["bar"].startswith("ratio")
    figure = "-" if row["ratio" if ratio else "ours"] is None else f"{row['ratio' if ratio else 'ours']:.3g}"
    shown = f"{figure} x {row['peer_name']}" if ratio else f"{figure} {row['unit']}"
    return f"{shown} [{row['bar']}]"


def _said(verdict: Verdict) -> str:
    return {"met": "met", "missed": "MISSED", "not measured": "not measured", "in the suite": verdict.why}[
        verdict.state
    ]
