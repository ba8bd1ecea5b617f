"""A small store with two meters over one day, and the product built from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from factory_kit.load.product import ProductTemplate, product_folder
from factory_kit.model.definition import Text
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Equipment, Industry, Plant, Site
from factory_kit.pack.build import Built, Span, build_rows
from factory_kit.pack.describe import write_papers
from factory_kit.shipped import data_dir
from factory_kit.store import Store

MIDNIGHT = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, µs."""
MINUTE = 60_000_000
Reader = Callable[..., Built]
"""From readings (minutes after midnight, what the register showed) to the product of one meter."""


def points_of(meter: str) -> list[CataloguePoint]:
    """Energy and power of *meter*."""
    return [
        CataloguePoint(meter, "energy", "active_energy", "kWh", "float64", "holding:0", "c", "1", "s"),
        CataloguePoint(meter, "power", "active_power", "kW", "float64", "holding:2", "c", "1", "s"),
    ]


def site(kind: str = "demo") -> Site:
    """A plant with two meters."""
    names = [("meter-01", "一号电表"), ("meter-02", "二号电表")]
    return Site(
        site=1,
        kind=kind,  # type: ignore[arg-type]
        plant=Plant(
            id="p",
            name=Text(zh="示例厂", en="Example"),
            credit_code="91310117MA00000000",
            type="discrete",
            industry=Industry(code="3484"),
        ),
        equipment=tuple(Equipment(id=name, name=Text(zh=zh, en=name)) for name, zh in names),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two meters, one sample a minute: 6 kW and 60 kW held for a day; the counter of the second begins again at noon."""
    made = Store(tmp_path / "store")
    with made.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        for place, meter in enumerate(("meter-01", "meter-02")):
            energy, power = made.register(points_of(meter))
            minutes = np.arange(1441)
            level = 6.0 * 10**place
            counted = 1000 + minutes * level / 60
            if place:
                counted = np.where(minutes >= 720, (minutes - 720) * level / 60, counted)
            for point, values in ((energy, counted), (power, np.full(1441, level))):
                writer.append(
                    SampleBatch(
                        np.full(1441, point, dtype=np.int32),
                        MIDNIGHT + minutes * MINUTE,
                        values.astype(np.float64),
                        np.zeros(1441, dtype=np.int8),
                    )
                )
    return made


@pytest.fixture
def template() -> ProductTemplate:
    """The shipped product of hourly energy."""
    return product_folder(data_dir("datasets") / "energy-hourly")


@pytest.fixture
def built(tmp_path: Path, store: Store, template: ProductTemplate) -> Built:
    """The product over the day, with its papers."""
    span = Span(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 - spans are naive UTC
    folder = tmp_path / "package"
    made = build_rows(
        template, site(), store, folder, span=span, key=b"k" * 32, decided_by="张三", clock=lambda: MIDNIGHT
    )
    write_papers(made)
    return made


@pytest.fixture
def one_meter(tmp_path: Path, template: ProductTemplate) -> Reader:
    """The product of a single energy register with given readings, with its papers."""

    def made(readings: Sequence[tuple[int, float]], unit: str = "kWh") -> Built:
        store = Store(tmp_path / "one")
        point = CataloguePoint("meter-01", "energy", "active_energy", unit, "float64", "holding:0", "c", "1", "s")
        minutes, values = (np.array(column) for column in zip(*readings, strict=True))
        with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
            (id_,) = store.register([point])
            count = len(readings)
            writer.append(
                SampleBatch(
                    np.full(count, id_, np.int32),
                    MIDNIGHT + minutes.astype(np.int64) * MINUTE,
                    values.astype(np.float64),
                    np.zeros(count, np.int8),
                )
            )
        span = Span(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 - spans are naive UTC
        built = build_rows(
            template, site(), store, tmp_path / "one-package",
            span=span, key=b"k" * 32, decided_by="张三", clock=lambda: MIDNIGHT,
        )  # fmt: skip
        write_papers(built)
        return built

    return made
