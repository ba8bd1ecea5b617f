"""The day that the report shows, out of a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory_kit.kpi.interval import days_between
from factory_kit.model.connector import Connector, MachineState
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.reports.assessment import Material, shown_day
from factory_kit.store import Store

DAY = days_between(date(2026, 9, 3), date(2026, 9, 3), "Asia/Shanghai")
HOUR = 3_600_000_000


def connector() -> Connector:
    """A machine that says 1 for producing and 3 for idle."""
    source = {"title": "test", "confidence": "own"}
    return Connector.model_validate(
        {
            "connector": "sim-cnc", "version": "1", "label": {"zh": "机", "en": "m"}, "driver": "opcua", "sources": (source,),
            "quality": {"grade": "bronze", "because": "test"},
            "state_mapping": {"profile": "test@1", "source": source, "states": {"1": MachineState.PRODUCING, "3": MachineState.IDLE}},
            "points": ({"name": "state", "label": {"zh": "态", "en": "s"}, "role": "state", "address": "ns=1;s=a", "type": "uint32"},),
        }
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, material: Material) -> Store:
    """A store in which cnc-01 produced from 08:00 to 20:00 of the last day and idled before and after."""
    store = Store(tmp_path / "store")
    store.describe(equipment=material.site.equipment, connectors={"sim-cnc": connector()})
    (point,) = store.register(
        [CataloguePoint("cnc-01", "state", "state", "", "uint32", "ns=1;s=a", "sim-cnc", "1", "s")]
    )
    times = np.array([DAY.start - HOUR, DAY.start + 8 * HOUR, DAY.start + 20 * HOUR, DAY.end + HOUR], dtype=np.int64)
    values = np.array([3, 1, 3, 3], dtype=np.float64)
    run = Run("r1", int(times[0]), Origin.SIMULATED, "demo", "collect")
    with store.writer(run) as writer:
        batch = SampleBatch(np.full(4, point, np.int32), times, values, np.zeros(4, np.int8), received_time=times)
        writer.append(batch)
    return store


def test_the_last_day_of_the_evidence_is_read_from_the_store(store: Store, material: Material) -> None:
    """One lane for the machine that tells its state, from midnight to midnight, as the indicator reads it."""
    day = shown_day(material.scored, material.site, store)

    assert day is not None
    assert (day.window.start, day.window.end) == (DAY.start, DAY.end)
    ((machine),) = day.machines
    assert machine.equipment == "cnc-01"
    assert [(s.start - DAY.start, s.state) for s in machine.segments if s.state is MachineState.PRODUCING] == [(8 * HOUR, MachineState.PRODUCING)]  # fmt: skip
    assert machine.segments[0].start == DAY.start
    assert machine.segments[-1].end == DAY.end


def test_without_evidence_or_samples_there_is_no_day(tmp_path: Path, material: Material, store: Store) -> None:
    """No availability record, or a store that knows nothing of the day: nothing to show."""
    empty = Store(tmp_path / "empty")
    empty.describe(equipment=material.site.equipment, connectors={"sim-cnc": connector()})
    bare: Any = replace(material.scored, evidence=())

    assert shown_day(material.scored, material.site, empty) is None
    assert shown_day(bare, material.site, store) is None
