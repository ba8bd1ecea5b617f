"""A plant on paper whose data use every rule of time: states, counters, meters with gaps, bad samples, resets and two runs; seeded."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from factory_kit.kpi.interval import days_between
from factory_kit.model.connector import Connector, MachineState
from factory_kit.model.definition import Text
from factory_kit.model.run import CataloguePoint, Gap, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Equipment
from factory_kit.store import Store

__all__ = ["FIRST_DAY", "LOAD_KW", "ROLES", "STATES", "ZONE", "busy_plant", "state_connector"]

FIRST_DAY = date(2026, 9, 1)
ZONE = "Asia/Shanghai"
SECOND = 1_000_000
DAY_S = 86_400
ROLES = ("state", "total_count", "good_count", "active_energy")
LOAD_KW = np.array([0, 20, 8, 4, 1, 2])
STATES = {
    1: MachineState.PRODUCING,
    2: MachineState.SETUP,
    3: MachineState.IDLE,
    4: MachineState.DOWN,
    5: MachineState.MAINTENANCE,
}
SITE = """\
site: 1
kind: demo
plant:
  id: {plant}
  name: {{zh: 忙碌工厂, en: Busy plant}}
  credit_code: 91310117FAKE00005X
  type: discrete
  industry: {{code: "3484", edition: GB/T 4754-2017}}
  timezone: Asia/Shanghai
calendar:
  shifts:
    - {{name: {{zh: 白班, en: Day}}, start: "08:00", end: "20:00", days: [mon, tue, wed, thu, fri, sat]}}
    - {{name: {{zh: 夜班, en: Night}}, start: "20:00", end: "08:00", days: [mon, tue, wed, thu, fri, sat]}}
equipment:
{equipment}
"""
MACHINE = "  - {{id: {name}, name: {{zh: {name}, en: {name}}}, key: true, digital: true}}"
Series = tuple[Any, Any]


def busy_plant(workspace: Path, plant: str, *, machines: int, days: int, seed: int, step_s: int = 10) -> None:
    """A workspace in *workspace* with the site file and the store of *plant*, sealed, merged and rolled up.

    Each of *machines* has a state by exception, two counters every *step_s* seconds and an energy meter every minute, over *days* from
    the first of September 2026; source times are not whole seconds. In the middle the collection stood still for half an hour.
    """
    workspace.mkdir(parents=True)
    clock = [_start() - DAY_S * SECOND]
    store = Store(workspace / "store", now=lambda: clock[0])
    names = [f"m{number:03}" for number in range(machines)]
    equipment = "\n".join(MACHINE.format(name=name) for name in names)
    (workspace / "site.yaml").write_text(SITE.format(plant=plant, equipment=equipment), encoding="utf-8")
    made = [_machine(np.random.default_rng([seed, number]), days, step_s) for number in range(machines)]
    cycles = zip(names, made, strict=True)
    ledger = [
        Equipment(id=name, name=Text(zh=name, en=name), key=True, ideal_cycle_s=Decimal(one[0])) for name, one in cycles
    ]
    store.describe(ledger, {"busy": state_connector("busy", "factory_kit/testing/busyplant.py")})
    ids = store.register([_point(name, role) for name in names for role in ROLES])
    rng = np.random.default_rng(seed)
    length = days * DAY_S
    for number, (start, end) in enumerate(((-300, length // 2), (length // 2 + 1800, length + 600))):
        clock[0] = _start() + start * SECOND
        run = Run(f"{plant}-{number}", clock[0], Origin.SIMULATED, "demo", "collect", "", "test")
        with store.writer(run, commit_s=30) as writer:
            for since in range(max(start, 0), end, 3600):
                until = min(since + 3600, end)
                clock[0] = _start() + until * SECOND
                writer.append(_batch(made, ids, since * SECOND, until * SECOND, rng))
            for point in ids[:: len(ROLES)]:
                hole = int(rng.integers(max(start, 0), end - 1200))
                writer.gap(Gap(point, _start() + hole * SECOND, _start() + (hole + 1200) * SECOND, "outage"))
    clock[0] = _start() + (length + 3 * DAY_S) * SECOND
    store.compact()


def state_connector(name: str, page: str) -> Connector:
    """The connector *name* of machines made up by *page*: raw states as ``STATES`` has them."""
    source = {"title": "Factory Kit", "version": "1", "page": page, "confidence": "own"}
    states = {str(raw): str(state) for raw, state in STATES.items()}
    return Connector.model_validate(
        {
            "connector": name, "version": "1", "label": {"zh": "b", "en": "b"}, "driver": "replay", "sources": (source,),
            "quality": {"grade": "bronze", "because": "made up"},
            "state_mapping": {"profile": f"{name}@1", "source": source, "states": states},
            "points": ({"name": "state", "label": {"zh": "s", "en": "s"}, "role": "state", "address": "a", "type": "uint32"},),
        }
    )  # fmt: skip


def _start() -> int:
    return days_between(FIRST_DAY, FIRST_DAY, ZONE).start


def _point(name: str, role: str) -> CataloguePoint:
    unit, kind = ("kWh", "float64") if role == "active_energy" else ("", "uint32")
    return CataloguePoint(name, role, role, unit, kind, f"{name}.{role}", "busy", "1", "line")


def _machine(rng: np.random.Generator, days: int, step_s: int) -> tuple[int, dict[str, Series]]:
    """The ideal cycle in seconds, and the times (µs from the start) and values of the points."""
    length = days * DAY_S * SECOND
    count = days * DAY_S // 150 + 1000
    pause = rng.choice([2, 3, 4, 5], count, p=[0.15, 0.6, 0.2, 0.05])
    state = np.where(np.arange(count) % 2 == 0, 1, pause)
    dwell = np.where(state == 1, rng.integers(120, 900, count), rng.integers(10, 400, count)) * SECOND + rng.integers(
        0, SECOND, count
    )
    start = np.concatenate([[0], np.cumsum(dwell)[:-1]])
    state, start = state[start < length], start[start < length]
    edges = np.append(start, length)
    cycle = int(rng.integers(20, 60))
    grid = np.arange(0, length, step_s * SECOND) + rng.integers(0, SECOND, days * DAY_S // step_s)

    def until(rate: Any) -> Any:
        return np.concatenate([[0], np.cumsum(rate * np.diff(edges) / SECOND)])

    total = np.floor(np.interp(grid, edges, until(state == 1)) / (cycle * 1.06))
    scrap = np.concatenate([[0], np.cumsum(rng.random(int(total[-1])) < 0.02)])
    good = total - scrap[total.astype(np.int64)]
    for series in (total, good):  # each counter is set to zero once
        at = rng.integers(0, len(grid))
        series[at:] -= series[at]
    meter = grid[:: max(1, 60 // step_s)]
    energy = np.round(1000 + np.interp(meter, edges, until(LOAD_KW[state] / 3600)), 2)
    return cycle, {
        "state": (start, state),
        "total_count": (grid, total),
        "good_count": (grid, good),
        "active_energy": (meter, energy),
    }


def _batch(
    made: list[tuple[int, dict[str, Series]]], ids: list[int], since: int, until: int, rng: np.random.Generator
) -> SampleBatch:
    """All samples of a stretch, every five-hundredth bad."""
    points, times, values = [], [], []
    for at, point in enumerate(ids):
        number, role = divmod(at, len(ROLES))
        time, value = made[number][1][ROLES[role]]
        first, last = np.searchsorted(time, [since, until])
        points.append(np.full(last - first, point, np.int32))
        times.append(time[first:last])
        values.append(value[first:last].astype(np.float64))
    moments = _start() + np.concatenate(times)
    quality = np.where(rng.random(len(moments)) < 0.002, 2, 0).astype(np.int8)
    return SampleBatch(
        np.concatenate(points),
        moments,
        np.concatenate(values),
        quality,
        received_time=moments + rng.integers(5, 60, len(moments)) * 1000,
    )
