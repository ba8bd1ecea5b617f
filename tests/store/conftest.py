from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

T0 = 1_788_220_800_000_000  # 2026-09-01 00:00 UTC
SECOND = 1_000_000

Row = tuple[int, int, float | None]


def _point(number: int) -> CataloguePoint:
    return CataloguePoint(f"m{number}", "load", "spindle_load", "%", "float64", "ns=1;i=1", "cnc", "1", "line")


def _run(name: str = "run-1", origin: Origin = Origin.SIMULATED) -> Run:
    return Run(name, T0, origin, "demo", "collect", "", "test")


def _batch(rows: Sequence[Row], quality: int = 0) -> SampleBatch:
    return SampleBatch(
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        np.array([np.nan if row[2] is None else row[2] for row in rows], np.float64),
        np.full(len(rows), quality, np.int8),
        has_value=np.array([row[2] is not None for row in rows], np.bool_),
    )


@pytest.fixture(name="point")
def _point_fixture() -> Callable[[int], CataloguePoint]:
    return _point


@pytest.fixture(name="run")
def _run_fixture() -> Callable[..., Run]:
    return _run


@pytest.fixture(name="batch")
def _batch_fixture() -> Callable[..., SampleBatch]:
    return _batch


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Store:
    """A store with five points and a standing clock."""
    store = Store(tmp_path / "store", now=lambda: T0)
    store.register([_point(number) for number in range(1, 6)])
    return store


@pytest.fixture(name="wrote")
def _wrote(store: Store) -> Callable[..., Store]:
    """Write rows of (point, time, value) in one run and seal them."""

    def write(rows: Sequence[Row], name: str = "run-1") -> Store:
        with store.writer(_run(name)) as writer:
            writer.append(_batch(rows))
        return store

    return write


@pytest.fixture(name="rows_of")
def _rows_of() -> Callable[[Store], list[Row]]:
    """All (point, µs, value) of the view samples."""

    def rows(store: Store) -> list[Row]:
        with store.connect() as con:
            found: list[Row] = con.execute(
                "SELECT point, epoch_us(time), value FROM samples ORDER BY point, time"
            ).fetchall()
        return found

    return rows
