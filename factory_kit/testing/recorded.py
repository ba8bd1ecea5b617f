"""A simulated plant's days in a store within seconds: what a collector would have written, without servers and without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from factory_kit.load.site import site_file
from factory_kit.model.connector import Connector
from factory_kit.model.run import CataloguePoint, Gap, Run
from factory_kit.model.sample import Origin, Quality, SampleBatch
from factory_kit.model.site import Site
from factory_kit.shipped import data_dir
from factory_kit.store import Store
from factory_kit.testing.machines import ANALOG, EVENT_POINTS, Value
from factory_kit.testing.plantmodel import PlantModel
from factory_kit.testing.shifts import MINUTE

__all__ = ["Changed", "demo_site", "record_plant"]

Changed = Callable[[str, str, int, Value], Value]
"""What equipment and point show at a time in place of the value given: a fault of one's own."""
METER_POINTS = ("active_power", "active_energy")
COMPRESSOR_POINTS = ("state", "pressure", "active_power", "temperature")


@dataclass(frozen=True, slots=True)
class _Series:
    """All samples of one point, in order of time; None is a value of bad quality."""

    equipment: str
    point: str
    samples: list[tuple[int, Value | None]]


def demo_site() -> tuple[Site, dict[str, Connector]]:
    """The site of the demonstration plant and its connectors, as shipped."""
    return site_file(data_dir("examples") / "demo-plant" / "site.yaml", [data_dir("connectors")])


def record_plant(
    model: PlantModel,
    store: Store,
    until: int,
    *,
    poll: int = 5 * MINUTE,
    changed: Changed | None = None,
    run: str = "recorded",
) -> None:
    """Everything *model* shows from its start to *until* in *store*, as *run*: machines by exception, meters every *poll* µs.

    Origin simulated. While a meter or the compressor does not answer its points have gaps.
    """
    site, connectors = demo_site()
    store.describe(site.equipment, connectors, site.operations)
    series = [*_machines(model, until), *_polled(model, until, poll)]
    ids = store.register([_entry(each, site, connectors) for each in series])
    with store.writer(Run(run, model.start, Origin.SIMULATED, "demo", "collect")) as writer:
        for point, each in zip(ids, series, strict=True):
            writer.append(_batch(point, each, changed))
        for fault in model.planted_faults:
            for point, each in zip(ids, series, strict=True):
                if (
                    fault.what == "no answer"
                    and each.equipment == fault.equipment
                    and each.equipment not in model.machines
                ):
                    writer.gap(Gap(point, fault.start, fault.end, "no answer"))


def _machines(model: PlantModel, until: int) -> list[_Series]:
    names = [(equipment, point) for equipment in model.machines for point in (*EVENT_POINTS, *ANALOG)]
    found: dict[tuple[str, str], list[tuple[int, Value | None]]] = {
        name: [(model.start, model.shown(*name, model.start).value)] for name in names
    }
    for change in model.changes(model.start, until - 1):
        found[change.equipment, change.point].append((change.time, change.value))
    return [_Series(*name, samples) for name, samples in found.items()]


def _polled(model: PlantModel, until: int, poll: int) -> Iterator[_Series]:
    for equipment, points in (*((name, METER_POINTS) for name in model.meters), ("compressor-01", COMPRESSOR_POINTS)):
        readings = [(time, model.reading(equipment, time)) for time in range(model.start, until, poll)]
        for point in points:
            yield _Series(equipment, point, [(time, shown[point]) for time, shown in readings if shown is not None])


def _batch(point: int, series: _Series, changed: Changed | None) -> SampleBatch:
    def shown(time: int, value: Value | None) -> float:
        if value is None:
            return float("nan")
        return float(value if changed is None else changed(series.equipment, series.point, time, value))

    missing = np.array([value is None for _, value in series.samples])
    return SampleBatch(
        np.full(len(series.samples), point, np.int32),
        np.array([time for time, _ in series.samples], np.int64),
        np.array([shown(time, value) for time, value in series.samples], np.float64),
        np.where(missing, Quality.BAD, Quality.GOOD).astype(np.int8),
        has_value=~missing,
    )


def _entry(series: _Series, site: Site, connectors: dict[str, Connector]) -> CataloguePoint:
    machine = next(each for each in site.equipment if each.id == series.equipment)
    connector = connectors[str(machine.connector)]
    point = next(each for each in connector.points if each.name == series.point)
    return CataloguePoint(
        series.equipment, point.name, point.role.value, point.unit, point.type, point.address,
        connector.connector, connector.version, str(machine.server),
    )  # fmt: skip
