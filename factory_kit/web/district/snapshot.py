"""Statistics for many readers at once: counted once per state of the ledger, then only looked up and filtered in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from factory_kit.district.index import index
from factory_kit.district.statistics import LEAST_PEERS, statistics
from factory_kit.errors import StoreBusy
from factory_kit.web.district.desk import Desk, Stamp, stamp_of

__all__ = ["DIMENSIONS", "Facts", "Group", "Snapshot", "Snapshots"]

DIMENSIONS = ("street", "division", "size", "provider", "type")
FACTS = """
SELECT model, street, division, size, coalesce(provider, '') AS provider, type, industry, level, outcome = 'accepted late' AS late,
       credit_code || '-' || site_no AS plant,
       CAST(score * 10000 AS BIGINT) AS score
FROM facts WHERE campaign = ? ORDER BY number
"""
FILES = (
    "ledger.jsonl", "journal.jsonl", "campaign.yaml", "units.yaml", "targets.yaml", "registers/registers.jsonl",
)  # fmt: skip
CIRCLES = (
    ("class and size", ("industry", "size")), ("division and size", ("division", "size")), ("division", ("division",)), ("all", ()),
)  # fmt: skip
MANY = 32_000
"""Values of a dimension that codes of two bytes hold; those are sorted fastest."""
PATIENCE = 3.0
"""Seconds that a reader waits for fresh figures before the last ones are shown, which say until when they count."""

Head = tuple[Stamp, ...]


@dataclass(frozen=True)
class Group:
    """Plants with something in common: how many, by level, and quartiles of the total (values that occur, the lower of two)."""

    key: str
    n: int
    levels: tuple[int, ...]
    late: int
    quartiles: tuple[float, float, float]

    @property
    def share(self) -> float:
        """The part at level 2 or above."""
        return sum(self.levels[2:]) / self.n if self.n else 0.0


@dataclass(frozen=True)
class Facts:
    """The counted assessments of one campaign and model, in columns, the lowest total first: any part of them is sorted too."""

    columns: Mapping[str, tuple[tuple[str, ...], npt.NDArray[Any]]]
    """By dimension its values, and for each plant which of them."""
    level: npt.NDArray[np.int64]
    score: npt.NDArray[np.int64]
    """Ten-thousandths."""
    late: npt.NDArray[np.bool_]
    plants: Mapping[str, int]
    """Where each plant stands in the columns."""

    def peers(self, plant: str) -> Mapping[str, Any] | None:
        """Where *plant* stands among at least ten of its kind, the closest kind that has so many; None when there is none.

        As ``factory_kit.district.statistics.peers`` counts it.
        """
        own = self.plants.get(plant)
        if own is None:
            return None
        for name, same in CIRCLES:
            alike = np.ones(len(self.level), bool)
            for dimension in same:
                codes = self.columns[dimension][1]
                alike &= codes == codes[own]
            alike[own] = False
            at = np.flatnonzero(alike)
            if len(at) >= LEAST_PEERS:
                group = self._group(name, at)
                below = int((self.score[at] < self.score[own]).sum())
                return {
                    "kind": name,
                    "peers": group.n,
                    "below": below,
                    "score": self.score[own] / 10_000,
                    "quartiles": group.quartiles,
                }
        return None

    def filtered(self, wanted: Mapping[str, str]) -> npt.NDArray[np.int64]:
        """Which plants have all the values *wanted*."""
        found = np.ones(len(self.level), bool)
        for dimension, value in wanted.items():
            values, codes = self.columns[dimension]
            found &= codes == (values.index(value) if value in values else -1)
        return np.flatnonzero(found)

    def whole(self, at: npt.NDArray[np.int64]) -> Group:
        """All of *at* as one group."""
        return self._group("*", at)

    def groups(self, dimension: str, at: npt.NDArray[np.int64]) -> list[Group]:
        """The plants *at* by the values of *dimension*, the largest group first."""
        values, codes = self.columns[dimension]
        ordered = at[np.argsort(codes[at], kind="stable")]
        counts = np.bincount(codes[at], minlength=len(values))
        ends = np.cumsum(counts)
        found = [
            self._group(value, ordered[end - count : end])
            for value, count, end in zip(values, counts, ends, strict=True)
            if count
        ]
        return sorted(found, key=lambda group: (-group.n, group.key))

    def _group(self, key: str, at: npt.NDArray[np.int64]) -> Group:
        levels = np.bincount(self.level[at], minlength=6)
        return Group(key, len(at), tuple(levels.tolist()), int(self.late[at].sum()), _quartiles(self.score[at]))


@dataclass(frozen=True)
class Snapshot:
    """Everything counted of one campaign at one state of the ledger."""

    head: Head
    found: Mapping[str, Any]
    """As ``statistics`` gives it."""
    models: Mapping[str, Facts]

    @cached_property
    def cutoff(self) -> Mapping[str, Any]:
        """Until which receipt it counts."""
        cut: Mapping[str, Any] = self.found["cutoff"]
        return cut


class Snapshots:
    """The newest snapshot of each campaign of *desk*; made by one thread, beside the readers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._done: dict[str, Snapshot] = {}
        self._doing: dict[str, Future[Snapshot]] = {}
        self._maker = ThreadPoolExecutor(1, "snapshot")

    def of(self, campaign: str) -> Snapshot:
        """The figures of *campaign*: fresh ones when they come in time, else the last; the first time they are waited for."""
        head = self._head()
        with self._lock:
            last = self._done.get(campaign)
            if last is not None and last.head == head:
                return last
            doing = self._doing.get(campaign)
            if doing is None:
                doing = self._doing[campaign] = self._maker.submit(self._make, campaign)
        if last is None:
            return doing.result()
        with suppress(TooSlow, StoreBusy):
            return doing.result(PATIENCE)
        return last

    def begin(self, campaign: str, then: Callable[[], None]) -> None:
        """Count *campaign* already, before anybody asks; *then* is called once it is counted."""
        with self._lock:
            doing = self._doing.get(campaign) or self._maker.submit(self._make, campaign)
            self._doing[campaign] = doing
        doing.add_done_callback(lambda done: then() if not done.cancelled() and done.exception() is None else None)

    def _head(self) -> Head:
        return tuple(stamp_of(self._desk.office.path / name) for name in FILES)

    def _make(self, campaign: str) -> Snapshot:
        try:
            head = self._head()
            with self._desk.counting:
                snapshot = Snapshot(head, statistics(self._desk.office, campaign), self._facts(campaign))
            with self._lock:
                self._done[campaign] = snapshot
            return snapshot
        finally:
            with self._lock:
                self._doing.pop(campaign, None)

    def _facts(self, campaign: str) -> Mapping[str, Facts]:
        with index(self._desk.office) as con:
            table = con.execute(FACTS, [campaign]).fetchnumpy()
        models = np.asarray(table["model"], object)
        return {
            model: _columns({name: np.asarray(column)[models == model] for name, column in table.items()})
            for model in sorted(set(models.tolist()))
        }


def _columns(table: Mapping[str, npt.NDArray[Any]]) -> Facts:
    order = np.argsort(table["score"], kind="stable")
    sorted_table = {name: column[order] for name, column in table.items()}
    columns = {}
    for dimension in (*DIMENSIONS, "industry"):
        values, codes = np.unique(sorted_table[dimension].astype(str), return_inverse=True)
        columns[dimension] = (tuple(values.tolist()), codes.astype(np.int16 if len(values) < MANY else np.int32))
    level, score = (sorted_table[name].astype(np.int64) for name in ("level", "score"))
    plants = {plant: at for at, plant in enumerate(sorted_table["plant"].tolist())}
    return Facts(columns, level, score, sorted_table["late"].astype(bool), plants)


def _quartiles(scores: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """Of sorted *scores*, as DuckDB's ``quantile_disc``: the smallest value that at least this part does not exceed."""
    if not len(scores):
        return 0.0, 0.0, 0.0
    lower, median, upper = (float(scores[max(0, -(-len(scores) * part // 4) - 1)]) / 10_000 for part in (1, 2, 3))
    return lower, median, upper
