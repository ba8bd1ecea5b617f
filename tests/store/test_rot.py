"""Rot under what is kept: evidence, packages and exports are right to the last byte, or there are none."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory_kit.errors import FactoryKitError
from factory_kit.kpi.indicators import evidence_of
from factory_kit.kpi.interval import days_between
from factory_kit.load.indicator import all_indicators
from factory_kit.model.connector import Connector
from factory_kit.model.definition import Text
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Calendar, Equipment
from factory_kit.store import Store
from factory_kit.store import store as store_module
from factory_kit.store.export import Wanted

FLIPS = int(os.environ.get("FACTORY_KIT_FLIPS", "48"))
CUTS = int(os.environ.get("FACTORY_KIT_CUTS", "24"))
"""1000 and 500 in a soak."""

SEEDS = 4
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), "Asia/Shanghai")
INDICATOR = all_indicators([Path(__file__).resolve().parents[2] / "assessments" / "indicators"])["availability"]
CONNECTOR = Connector.model_validate(
    {
        "connector": "c", "version": "1", "label": {"zh": "机", "en": "m"}, "driver": "opcua", "sources": ({"title": "t"},),
        "quality": {"grade": "bronze", "because": "test"},
        "state_mapping": {"profile": "test@1", "source": {"title": "t"}, "states": {"1": "producing", "3": "idle"}},
        "points": ({"name": "state", "label": {"zh": "点", "en": "p"}, "role": "state", "address": "ns=1;s=a", "type": "int32"},),
    },
    strict=False,
)  # fmt: skip
MACHINE = Equipment(id="m1", name=Text(zh="机", en="m"), connector="c", server="s")


@dataclass(frozen=True)
class Plant:
    """A store, and what is made of it as long as it is whole."""

    store: Store
    figures: list[Any]
    exported: dict[str, bytes]


@pytest.fixture(name="plant", scope="module")
def _plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Two machine states an hour for a day in three runs, with gaps and losses: merged, sealed late, and all sealed."""
    store = Store(tmp_path_factory.mktemp("plant") / "store", now=lambda: DAY.end + 2 * HOUR)
    store.describe([MACHINE], {"c": CONNECTOR})
    (point,) = store.register([CataloguePoint("m1", "state", "state", "", "int32", "state", "c", "1", "s")])
    for number, start in enumerate(range(DAY.start - HOUR, DAY.end + HOUR, 9 * HOUR)):
        times = np.arange(start, min(start + 9 * HOUR, DAY.end + HOUR), 7 * MINUTE)
        with store.writer(Run(f"run-{number}", start, Origin.LIVE, "real", "collect")) as writer:
            values = np.where(times // HOUR % 3 == 0, 3.0, 1.0)
            writer.append(
                SampleBatch(np.full(len(times), point, np.int32), times, values, np.zeros(len(times), np.int8))
            )
            writer.gap(Gap(point, start + HOUR, start + HOUR + 10 * MINUTE, "outage"))
            writer.loss(LossEntry(point, len(times)))
        if number == 0:
            store.compact()
    return Plant(store, _figures(store), _exported(store, tmp_path_factory.mktemp("right") / "out"))


def _figures(store: Store) -> list[Any]:
    """The records without their lists of files: these may be others when the newest merge is undone."""
    records = evidence_of([INDICATOR], store, DAY, Calendar(), lambda: DAY.end)
    return [{**record.as_json(), "files": []} for record in records]


def _exported(store: Store, target: Path) -> dict[str, bytes]:
    store.export(target, "csv", Wanted(csv_for="programs"))
    made = {path.name: path.read_bytes() for path in target.iterdir()}
    for path in target.iterdir():
        path.unlink()
    target.rmdir()
    return made


def _files(store: Store) -> list[Path]:
    """A file of every kind has the same chance, the replaced ones, which only wait to go, have none."""
    gone = {store.folder / path for path in store._manifest().removed}
    kinds: dict[str, list[Path]] = {}
    for path in sorted(store.folder.rglob("*")):
        if path.is_file() and path.stat().st_size and path not in gone:
            kinds.setdefault(path.relative_to(store.folder).parts[0] + path.name[:4], []).append(path)
    return [paths[-1] for _, paths in sorted(kinds.items())]


@pytest.fixture(name="rot")
def _rot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Damage *path* before the store is opened, or (*late*) after the views were made and before they are read."""
    connection = store_module.connection

    def rot(path: Path, damaged: bytes, *, late: bool, quiet: bool) -> None:
        def harm() -> None:
            stat = path.stat()
            path.write_bytes(damaged)
            if quiet:
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

        def harmed(*words: Any) -> Any:
            made = connection(*words)
            harm()
            return made

        if late:
            monkeypatch.setattr(store_module, "connection", harmed)
        else:
            harm()

    yield rot
    monkeypatch.undo()


def _trial(
    plant: Plant, chance: random.Random, tmp: Path, rot: Callable[..., Any], damage: Callable[[bytes], bytes]
) -> bool:
    """Whether the damage was noticed; what was made in spite of it must be right."""
    store = plant.store
    path = chance.choice(_files(store))
    before = path.read_bytes()
    stat = path.stat()
    late, quiet, evidence = (chance.random() < 0.5 for _ in range(3))
    said = ""
    rot(path, damage(before), late=late, quiet=quiet)
    try:
        opened = Store(store.folder, now=lambda: DAY.end + 2 * HOUR)
        if evidence:
            assert _figures(opened) == plant.figures, f"{path.name} late={late} quiet={quiet}"
        else:
            assert _exported(opened, tmp / "made") == plant.exported, f"{path.name} late={late} quiet={quiet}"
    except FactoryKitError as error:
        said = str(error)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "\n" not in said
    return bool(said)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_flipped_bit_makes_nothing_wrong(
    plant: Plant, tmp_path: Path, rot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """One bit of any file, before opening or while it is read, with the old time of change or a new one."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose

    def flipped(content: bytes) -> bytes:
        bit = chance.randrange(len(content) * 8)
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        return bytes(damaged)

    noticed = 0
    for _ in range(FLIPS // SEEDS):
        noticed += _trial(plant, chance, tmp_path, rot, flipped)
        monkeypatch.undo()
    assert noticed > 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_cut_file_makes_nothing_wrong(
    plant: Plant, tmp_path: Path, rot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Any file cut anywhere, also at the end of one of its lines."""
    chance = random.Random(100 + seed)  # noqa: S311 - seeded on purpose

    def cut(content: bytes) -> bytes:
        ends = [at + 1 for at, sign in enumerate(content) if sign == 10][:-1]
        return content[: chance.choice(ends) if ends and chance.random() < 0.3 else chance.randrange(len(content))]

    noticed = 0
    for _ in range(CUTS // SEEDS):
        noticed += _trial(plant, chance, tmp_path, rot, cut)
        monkeypatch.undo()
    assert noticed > 0
