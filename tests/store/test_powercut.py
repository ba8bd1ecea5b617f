from __future__ import annotations

import os
import random
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from factory_kit.errors import StoreError
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.writer import Writer
from factory_kit.testing.powercut import Mode, PowerCutDisk, Step, after_power_cut

T0 = 1_788_220_800_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
STRIDE = 1 if "FACTORY_KIT_SOAK" in os.environ else 5
"""Every step in a soak, every fifth one otherwise."""

Key = tuple[int, int]


class Work:
    """What a user does with a store on a disk that remembers, and what the store promised."""

    def __init__(self, root: Path, forgets: Collection[str] = ()) -> None:
        self.disk = PowerCutDisk(root, forgets)
        self.clock = T0
        self.store = Store(root / "store", disk=self.disk, now=self._now)
        self.values: dict[Key, list[float]] = {}
        self.damaged = 0
        """Steps up to the damage that a repair finds."""

    def _now(self) -> int:
        self.clock += 20 * 60 * SECOND
        return self.clock

    def put(self, writer: Writer, start: int, value: float, rows: int = 30) -> None:
        """Samples of three points, then a flush, then they count on them."""
        point = np.tile(np.arange(1, 4, dtype=np.int32), rows)
        time = np.repeat(start + np.arange(rows) * SECOND, 3)
        for key in zip(point.tolist(), time.tolist(), strict=True):
            self.values.setdefault(key, []).append(value)
        writer.append(SampleBatch(point, time, np.full(len(point), value), np.zeros(len(point), np.int8)))
        writer.flush()
        self.disk.promise({key: len(found) for key, found in self.values.items()})

    def run(self, name: str) -> Run:
        return Run(name, T0, Origin.LIVE, "demo", "test")


def _points() -> list[CataloguePoint]:
    return [CataloguePoint(f"m{number}", "x", "other", "", "float64", "a", "c", "1", "s") for number in range(3)]


def _work(root: Path, forgets: Collection[str] = ()) -> Work:
    """Two runs with rolls, ledgers, late samples, a sealing in between, merges, and a third run without an end."""
    work = Work(root, forgets)
    store = work.store
    store.register(_points())
    with store.writer(work.run("one"), commit_s=3600) as writer:
        work.put(writer, T0, 1.0)
        writer.gap(Gap(1, T0, T0 + 1, "outage"))
        writer.roll()
        work.put(writer, T0 + 100 * SECOND, 2.0)
        store.seal()
        writer.loss(LossEntry(1, 60))
        work.put(writer, T0 + 200 * SECOND, 3.0)
    with store.writer(work.run("two"), commit_s=3600) as writer:
        work.put(writer, T0 + 110 * SECOND, 4.0)
        work.put(writer, T0 + DAY, 5.0)
    store.compact()
    with store.writer(work.run("three"), commit_s=3600) as writer:
        work.put(writer, T0 + 120 * SECOND, 6.0)
        work.put(writer, T0 + 2 * DAY, 7.0)
    store.compact()
    store.compact()
    return work


@cache
def _recorded(root: Path, forgets: tuple[str, ...] = ()) -> Work:
    return _work(root, forgets)


def _broken(work: Work, steps: list[Step], target: Path) -> str:
    """What is wrong with the store in *target* after *steps*; empty when every promise holds."""
    promised: dict[Key, int] = next((step.promise for step in reversed(steps) if step.what == "promise"), {})
    store = Store(target / "store", now=lambda: T0 + 3 * DAY)
    try:
        found = _values(store) if promised or store.folder.is_dir() else {}
        for _ in range(2):
            for key, count in promised.items():
                if found.get(key) not in work.values[key][count - 1 :]:
                    return f"{key}: {found.get(key)}, promised {work.values[key][count - 1 :]}"
            if not all(value in work.values[key] for key, value in found.items()):
                return "a value that nobody wrote"
            store.register(_points())
            store.seal()
            if store.verify():
                return str(store.verify()[0])
            found = _values(store)
    except StoreError as error:
        return str(error)
    return ""


def _values(store: Store) -> dict[Key, float]:
    with store.connect() as con:
        rows = con.execute("SELECT point, epoch_us(time), value FROM samples").fetchall()
    assert len({row[:2] for row in rows}) == len(rows)
    return {(point, time): value for point, time, value in rows}


@pytest.fixture(name="recorded", scope="module")
def _recorded_fixture(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return _work(tmp_path_factory.mktemp("recorded"))


def _fresh(folder: Path, counter: list[int]) -> Path:
    counter[0] += 1
    made = folder / str(counter[0])
    made.mkdir()
    return made


@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_power_cut_at_any_step_breaks_no_promise(recorded: Work, tmp_path: Path, mode: Mode) -> None:
    """Whatever of the unflushed is missing or out of order: flushed samples are there, once, right; the store goes on."""
    steps = recorded.disk.steps
    assert len(steps) > 150
    chance = random.Random(mode)  # noqa: S311 - seeded on purpose
    for count, end in enumerate(range(chance.randrange(STRIDE), len(steps) + 1, STRIDE)):
        target = _fresh(tmp_path, [count])
        after_power_cut(steps[:end], mode, chance, target)
        assert _broken(recorded, steps[:end], target) == "", f"{mode} after step {end}: {steps[end - 1].what}"


FLUSHES = (
    "SegmentWriter._begin: file",
    "SegmentWriter._begin: folder",
    "SegmentWriter.commit: file",
    "FileWriter.finish: file",
    "append_line: file",
    "append_line: folder",
    "Depot.adopt: folder",
    "Disk.make_folder: folder",
)
"""Every flush of collecting, sealing and merging."""

MENDING = ("write_log: file", "write_log: folder", "_Work.quarantine: folder")
"""Those that only a repair needs."""


def test_all_flushes_are_known(recorded: Work, mended: Work) -> None:
    """The list of places that flush is complete: whoever adds one adds it here, and below it is proven to be needed."""
    assert recorded.disk.flushers == set(FLUSHES)
    assert mended.disk.flushers == {*FLUSHES, *MENDING}


def _missed(work: Work, folder: Path, broken: Callable[[Work, list[Step], Path], str]) -> bool:
    """Whether some power cut breaks a promise."""
    steps = work.disk.steps
    chance = random.Random(0)  # noqa: S311 - seeded on purpose
    counter = [0]
    for mode in ("nothing", "names", "some"):
        for end in sorted(range(1, len(steps) + 1), key=lambda end: min(end, len(steps) - end) % 40):
            target = _fresh(folder, counter)
            after_power_cut(steps[:end], mode, chance, target)
            if broken(work, steps[:end], target):
                return True
    return False


@pytest.mark.parametrize("flush", FLUSHES)
def test_each_flush_is_needed(tmp_path: Path, flush: str) -> None:
    """Without any one of the flushes some power cut breaks a promise."""
    (tmp_path / "root").mkdir()

    assert _missed(_work(tmp_path / "root", (flush,)), tmp_path, _broken), f"nobody misses the flush of {flush}"


def _mended_work(root: Path, forgets: Collection[str] = ()) -> Work:
    """A store with a damaged manifest, catalogue, segment and sealed file, repaired; then it is relied on."""
    work = _work(root, forgets)
    folder = work.store.folder
    work.disk.rot(folder / "manifest.jsonl", 200)
    work.disk.rot(folder / "catalogue.jsonl", 100)
    latest = next((folder / "latest").glob("*.parquet"))
    work.disk.rot(latest, 100)
    work.damaged = len(work.disk.steps)
    work.store.repair()
    work.disk.promise({key: len(found) for key, found in work.values.items()})
    return work


def _not_mended(work: Work, steps: list[Step], target: Path) -> str:
    """What is wrong with a store in *target* whose repair was cut off after *steps*: repaired again it holds every sample."""
    if len(steps) < work.damaged:
        return ""
    again = steps[-1].what != "promise"
    store = Store(target / "store", now=lambda: T0 + 3 * DAY)
    try:
        if again:
            store.repair()
        found = _values(store)
        store.register(_points())
        if store.register(_points()) != [1, 2, 3]:
            return "other numbers of points"
    except StoreError as error:
        return str(error)
    wrong = [key for key, values in work.values.items() if found.get(key) != values[-1]]
    return f"{wrong[0]}: {found.get(wrong[0])}, promised {work.values[wrong[0]]}" if wrong else ""


@pytest.fixture(name="mended", scope="module")
def _mended_fixture(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return _mended_work(tmp_path_factory.mktemp("mended"))


@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_power_cut_in_a_repair_loses_nothing(mended: Work, tmp_path: Path, mode: Mode) -> None:
    """Repaired again after a cut at any step, every sample is there with its newest value; after its end nothing needs a repair."""
    steps = mended.disk.steps
    chance = random.Random(mode)  # noqa: S311 - seeded on purpose
    for end in [*range(mended.damaged, len(steps), STRIDE), len(steps)]:
        target = _fresh(tmp_path, [end])
        after_power_cut(steps[:end], mode, chance, target)
        assert _not_mended(mended, steps[:end], target) == "", f"{mode} after step {end}: {steps[end - 1].what}"


@pytest.mark.parametrize("flush", MENDING)
def test_each_flush_of_a_repair_is_needed(tmp_path: Path, flush: str) -> None:
    """Without any one of the flushes some power cut breaks what a repair promised."""
    (tmp_path / "root").mkdir()

    assert _missed(_mended_work(tmp_path / "root", (flush,)), tmp_path, _not_mended), (
        f"nobody misses the flush of {flush}"
    )
