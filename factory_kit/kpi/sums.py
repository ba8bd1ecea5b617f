"""Times, pieces and energy of every machine and meter in one pass over the samples: the sums that all KPIs are ratios of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from factory_kit.kpi.demand import BLOCK, Demand, demand_of
from factory_kit.kpi.reasons import (
    NO_CYCLE,
    NO_GOOD,
    NO_STATE,
    NO_TOTAL,
    STATES,
    TWO_COUNTERS,
    TWO_METERS,
    UNKNOWN_UNIT,
)
from factory_kit.kpi.reference import Counting, Rules
from factory_kit.kpi.sources import CODES, Asked, Machine, Plant
from factory_kit.kpi.timemodel import TimeElements
from factory_kit.kpi.vectors import Line, Parts, Rises, Samples, counters, distinct, heard, known_parts, timeline, whole
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Int64, Quality

__all__ = ["Energy", "Hours", "Made", "Sums", "plant_sums"]

MICRO = 1_000_000
UNKNOWN = CODES[MachineState.UNKNOWN]
COUNTERS = ("total_count", "good_count", "scrap_count", "rework_count")
ROLES = ("state", *COUNTERS, "active_energy")
WORKING = (CODES[MachineState.PRODUCING], CODES[MachineState.SETUP])
SAFE = 1 << 62


@dataclass(frozen=True)
class Hours:
    """How long a machine was in which state in planned time, and how often it was down; ``reason`` where nobody can tell."""

    elements: TimeElements
    failures: int
    reason: str = ""


@dataclass(frozen=True)
class Made:
    """What a machine made in planned time while state and counters were known; pieces in millionths, by role.

    ``planned`` are whole pieces of planned time, known or not, ``unplanned`` those of the rest.
    """

    elements: TimeElements
    pieces: Mapping[str, int]
    planned: Mapping[str, int]
    unplanned: int
    cycle_us: int


@dataclass(frozen=True)
class Energy:
    """Energy of a meter in millionths of a kWh: ``reference.EnergySplit``, what nobody saw, and the demand."""

    idle: int = 0
    busy: int = 0
    total: int = 0
    surely_idle: int = 0
    surely_busy: int = 0
    unseen: int = 0
    demand: Demand | None = None
    reason: str = ""


@dataclass
class Sums:
    """Everything the KPIs of a plant are made of; by equipment. ``not_made`` says why nobody knows what a machine made, ``fed`` what a meter measures."""

    machines: list[Machine]
    hours: dict[str, Hours] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    not_made: dict[str, str] = field(default_factory=dict)
    energy: dict[str, Energy] = field(default_factory=dict)
    fed: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Counter:
    """One counter of pieces: what it added, and when it was known."""

    rises: Rises
    known: Parts


def plant_sums(plant: Plant, planned: Parts, counting: Counting, metering: Counting) -> Sums:
    """The sums of *plant* in *planned* time; *counting* and *metering* tell how counters of pieces and energy are read."""
    return _Pass(plant, planned, counting, metering).sums()


class _Pass:
    """One pass over the samples, equipment by equipment: first what it says, then what it counts, then what it takes."""

    def __init__(self, plant: Plant, planned: Parts, counting: Counting, metering: Counting) -> None:
        self.plant, self.planned, self.counting, self.metering = plant, planned, counting, metering
        self.found = Sums(plant.machines)
        self.ledger = {each.equipment: each for each in plant.machines}
        self.points: dict[str, dict[str, list[Asked]]] = {}
        for each in plant.asked:
            self.points.setdefault(each.equipment, {}).setdefault(each.role, []).append(each)
        self.known: dict[str, Parts] = {}
        self.spoken: dict[str, tuple[Samples, Int64]] = {}
        self.lines: dict[str, Line] = {}

    def sums(self) -> Sums:
        """Everything read and added up."""
        plant, until = self.plant, self.plant.rules.window.end + BLOCK
        states = [each for each in plant.asked if each.role == "state"]
        rest = [*self._counters(), *self._meters()]
        later: list[Asked] = []
        if plant.texts:
            for together in plant.samples(states, until):
                self._take(together)
        for together in plant.samples(rest if plant.texts else [*states, *rest], until):
            later += self._take(together)
        for ((asked, samples),) in plant.samples(later, until):
            self._add_energy(asked, samples)
        for machine in plant.machines:
            if machine.produces:
                line = self.lines.get(machine.equipment)
                self.found.hours[machine.equipment] = _hours(
                    self._of(machine.equipment), line, self.planned, plant.rules
                )
        return self.found

    def _of(self, equipment: str) -> Mapping[str, Sequence[Asked]]:
        """The points of a piece of equipment by role."""
        return self.points.get(equipment, {})

    def _counters(self) -> list[Asked]:
        """The counters of machines that can tell what they made; of the others why not."""
        makers = {each.equipment for each in self.plant.machines if each.produces}
        for name in makers:
            reason = _why_nothing(self.ledger[name], self._of(name))
            if reason:
                self.found.not_made[name] = reason
        return [
            each for each in self.plant.asked
            if each.role in COUNTERS and each.equipment in makers and each.equipment not in self.found.not_made
            and len(self.points[each.equipment][each.role]) == 1
        ]  # fmt: skip

    def _meters(self) -> list[Asked]:
        """The meters whose energy can be told; of the others why not."""
        found = []
        for name, by_role in self.points.items():
            if "active_energy" not in by_role:
                continue
            feeds = self.ledger[name].feeds
            fed = tuple(sorted({each for each in feeds if each in self.ledger})) if feeds else (name,)
            self.found.fed[name] = fed
            reason = self._why_no_energy(by_role["active_energy"], fed)
            if reason:
                self.found.energy[name] = Energy(reason=reason)
            else:
                found.append(by_role["active_energy"][0])
        return found

    def _why_no_energy(self, meters: Sequence[Asked], fed: Sequence[str]) -> str:
        if len(meters) > 1:
            return TWO_METERS
        if any(len(self._of(each).get("state", ())) > 1 for each in fed):
            return STATES
        return UNKNOWN_UNIT if meters[0].micro is None else ""

    def _take(self, together: Sequence[tuple[Asked, Samples]]) -> list[Asked]:
        """What one piece of equipment gives; its meter where what it feeds was not read yet."""
        counted, later = {}, []
        for asked, samples in together:
            if asked.role == "state":
                self._add_state(asked, samples)
        for asked, samples in together:
            if asked.role in COUNTERS:
                cycle_us = self.ledger[asked.equipment].cycle_us or 1
                counted[asked.role] = _counter(self.plant, asked, samples, cycle_us, self.counting)
        if counted:
            machine = self.ledger[together[0][0].equipment]
            material = (self.known, self.spoken, self.planned)
            self.found.made[machine.equipment] = _made(machine, counted, material, self.plant.rules)
        for asked, samples in together:
            if asked.role == "active_energy" and self._ready(asked):
                self._add_energy(asked, samples)
            elif asked.role == "active_energy":
                later.append(asked)
        return later

    def _ready(self, meter: Asked) -> bool:
        return all(each in self.lines or "state" not in self._of(each) for each in self.found.fed[meter.equipment])

    def _add_state(self, asked: Asked, samples: Samples) -> None:
        """Of several points that tell the state any one: nothing is told of such equipment."""
        counted, parts = _counted(self.plant, asked, samples)
        said = counted[counted.quality != Quality.BAD]
        codes = self.plant.states(asked.point, said)
        self.known[asked.equipment], self.spoken[asked.equipment] = parts, (said, codes)
        window = _window(self.plant.rules)
        self.lines[asked.equipment] = timeline(said, codes, [parts], self.planned, window, UNKNOWN)

    def _add_energy(self, asked: Asked, samples: Samples) -> None:
        work = [self._work(each) for each in self.found.fed[asked.equipment]]
        self.found.energy[asked.equipment] = _of_meter(self.plant, asked, samples, work, self.metering)

    def _work(self, name: str) -> _Work:
        """What tells its state works by it; what tells none works in planned time."""
        window = _window(self.plant.rules)
        if "state" not in self._of(name):
            return _Work(self.planned.within(*window), Parts.of(()))
        line = self.lines.get(name) or _nothing(self.planned, self.plant.rules)
        return _Work(line.parts(np.isin(line.state, WORKING)), line.parts(line.state == UNKNOWN))


Spoken = dict[str, tuple[Samples, Int64]]


def _counted(plant: Plant, asked: Asked, samples: Samples, until: int | None = None) -> tuple[Samples, Parts]:
    rules = plant.rules
    _runs, lives = plant.lives(asked)
    gaps = plant.gaps(asked.point)
    stop = rules.window.end if until is None else until
    counted, first = heard(samples, lives, gaps, rules.lookback_from, stop)
    return counted, known_parts(counted, first, lives, gaps, rules.silence, (rules.lookback_from, stop))


def _window(rules: Rules) -> tuple[int, int]:
    return rules.window.start, rules.window.end


def _hours(points: Mapping[str, Sequence[Asked]], line: Line | None, planned: Parts, rules: Rules) -> Hours:
    states = len(points.get("state", ()))
    line = line or _nothing(planned, rules)
    reason = NO_STATE if not states else STATES if states > 1 else ""
    return Hours(_elements(line), _failures(line), reason)


def _nothing(planned: Parts, rules: Rules) -> Line:
    """A machine that never said anything."""
    empty = np.empty(0, np.int64)
    samples = Samples(empty, empty, np.empty(0, np.int8), empty)
    return timeline(samples, empty, [], planned, _window(rules), UNKNOWN)


def _elements(line: Line) -> TimeElements:
    length = np.where(line.planned, line.until - line.moment, 0)
    by_state = {state: int(length[line.state == code].sum()) for state, code in CODES.items()}
    return TimeElements(
        pbt=sum(by_state.values()),
        apt=by_state[MachineState.PRODUCING],
        aust=by_state[MachineState.SETUP],
        adet=by_state[MachineState.DOWN],
        adot=by_state[MachineState.IDLE] + by_state[MachineState.OFF] + by_state[MachineState.MAINTENANCE],
        unknown=by_state[MachineState.UNKNOWN],
        by_state=by_state,
    )


def _failures(line: Line) -> int:
    """How often it was down in planned time; what is down, unknown, and down again counts once."""
    down = line.state[line.planned & (line.state != UNKNOWN)] == CODES[MachineState.DOWN]
    return int(down[:1].sum() + (down[1:] & ~down[:-1]).sum())


def _readings(counted: Samples, micro: int) -> tuple[Int64, Int64]:
    """When a counter showed what; bad samples and what is no number show nothing."""
    good = counted.quality < Quality.BAD
    time, values = counted.time, np.asarray(counted.value, np.float64)
    if not good.all():
        time, values = time[good], values[good]
    shown, fits = whole(values * micro if micro != 1 else values)
    return (time, shown) if fits.all() else (time[fits], shown[fits])


def _counter(plant: Plant, asked: Asked, samples: Samples, cycle_us: int, counting: Counting) -> _Counter:
    counted, known = _counted(plant, asked, samples)
    moments, shown = _readings(counted, 1)
    rises = _rises(moments, shown, replace(counting, cycle_us=cycle_us, modulus=asked.modulus))
    return _Counter(rises[rises.end >= plant.rules.window.start], known)


def _rises(moments: Int64, shown: Int64, counting: Counting) -> Rises:
    return counters(
        moments, shown, slack=counting.slack, factor=counting.factor, pace=counting.cycle_us,
        modulus=counting.modulus, jitter=counting.jitter,
    )  # fmt: skip


def _made(
    machine: Machine, counted: Mapping[str, _Counter], material: tuple[dict[str, Parts], Spoken, Parts], rules: Rules
) -> Made:  # fmt: skip
    states, spoken, planned = material
    line = _nothing(planned, rules)
    if machine.equipment in spoken:
        certain = [states[machine.equipment], counted["total_count"].known, counted["good_count"].known]
        line = timeline(*spoken[machine.equipment], certain, planned, _window(rules), UNKNOWN)
    pieces, in_plan = {}, {}
    for role, counter in counted.items():
        place = line.at(counter.rises.end)
        sure = line.planned[place] & (line.state[place] != UNKNOWN)
        pieces[role] = _known_micro(counter.rises[sure], counter.known)
        in_plan[role] = int(counter.rises.amount[line.planned[place]].sum())
    unplanned = int(counted["total_count"].rises.amount.sum()) - in_plan["total_count"]
    return Made(_elements(line), pieces, in_plan, unplanned, machine.cycle_us or 0)


def _why_nothing(machine: Machine, points: Mapping[str, Sequence[Asked]]) -> str:
    """Why nobody can tell what *machine* made; empty where one can."""
    states, totals, goods = (len(points.get(role, ())) for role in ("state", "total_count", "good_count"))
    if not states:
        return NO_STATE
    if not totals:
        return NO_TOTAL
    if not goods:
        return NO_GOOD
    if (machine.cycle_us or 0) <= 0:
        return NO_CYCLE
    return STATES if states > 1 else TWO_COUNTERS if totals > 1 or goods > 1 else ""


def _known_micro(rises: Rises, known: Parts) -> int:
    """The part of *rises* in millionths that belongs to *known* time, each rounded up to a whole one."""
    elapsed = rises.end - rises.start
    unseen = elapsed - (known.until(rises.end) - known.until(rises.start))
    split = unseen > 0
    parts = zip(rises.amount[split].tolist(), unseen[split].tolist(), elapsed[split].tolist(), strict=True)
    lost: int = sum(MICRO * amount * hidden // length for amount, hidden, length in parts)
    return MICRO * int(rises.amount.sum()) - lost


@dataclass(frozen=True)
class _Work:
    """When a consumer surely worked, and when nobody knows."""

    busy: Parts
    unclear: Parts


def _of_meter(plant: Plant, asked: Asked, samples: Samples, work: Sequence[_Work], metering: Counting) -> Energy:
    rules = plant.rules
    start, stop = _window(rules)
    counted, known = _counted(plant, asked, samples, stop + BLOCK)
    moments, shown = _readings(counted, asked.micro or 1)
    rises = _rises(moments, shown, metering)
    every = np.zeros(max(len(moments) - 1, 0), np.int64)
    every[np.searchsorted(moments, rises.end) - 1] = rises.amount
    load = demand_of(moments, every, rules.window)
    inside = (rises.end >= start) & (rises.end < stop)
    idle, busy = _classes(work, (start, stop))
    split = _split(rises[inside], idle, busy)
    unseen_us = _unseen_us(moments[moments < stop], known.within(start, stop), (start, stop))
    measured = stop - start - unseen_us
    unseen = -(-split.total * unseen_us // measured) if measured > 0 else 0  # rounded up, as the indicator does
    return replace(split, unseen=unseen, demand=load)


def _classes(work: Sequence[_Work], window: tuple[int, int]) -> tuple[Parts, Parts]:
    """When nothing of *work* was busy and all of it clear, and when something was busy."""
    edges = [edge for each in work for parts in (each.busy, each.unclear) for edge in (parts.start, parts.end)]
    moments = distinct(np.concatenate([np.array(window, np.int64), *edges]))
    until, moments = moments[1:], moments[:-1]
    busy = np.zeros(len(moments), np.bool_)
    unclear = np.zeros(len(moments), np.bool_)
    for each in work:
        busy |= each.busy.holds(moments)
        unclear |= each.unclear.holds(moments)
    idle = ~busy & ~unclear if work else np.zeros(len(moments), np.bool_)
    return Parts(moments[idle], until[idle]), Parts(moments[busy], until[busy])


def _split(rises: Rises, idle: Parts, busy: Parts) -> Energy:
    elapsed = rises.end - rises.start
    idle_us, busy_us = (parts.until(rises.end) - parts.until(rises.start) for parts in (idle, busy))
    idle_part = _share(rises.amount, idle_us, elapsed)
    clear = idle_us + busy_us == elapsed
    busy_part = np.where(clear, rises.amount - idle_part, _share(rises.amount, busy_us, elapsed))
    return Energy(
        idle=int(idle_part.sum()),
        busy=int(busy_part.sum()),
        total=int(rises.amount.sum()),
        surely_idle=int(rises.amount[idle_us == elapsed].sum()),
        surely_busy=int(rises.amount[busy_us == elapsed].sum()),
    )


def _share(amount: Int64, part: Int64, elapsed: Int64) -> Int64:
    """*amount* × *part* / *elapsed*, rounded down."""
    if not len(amount) or int(amount.max()) * int(part.max()) < SAFE:
        return amount * part // elapsed
    exact = [a * p // e for a, p, e in zip(amount.tolist(), part.tolist(), elapsed.tolist(), strict=True)]
    return np.array(exact, np.int64)


def _unseen_us(moments: Int64, known: Parts, window: tuple[int, int]) -> int:
    """Time that no two readings enclose and in which the register was not known to stand still."""
    start, stop = window
    if not len(moments):
        return stop - start
    first, last = max(int(moments[0]), start), max(int(moments[-1]), start)
    seen = known.within(start, first).length + known.within(last, stop).length
    return (first - start) + (stop - last) - seen
