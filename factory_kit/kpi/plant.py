"""All KPIs of a plant from its store, read once: sums of times, pieces and energy, and the pure formulas that make ratios of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import duckdb

from factory_kit.i18n import N_
from factory_kit.kpi import ratios
from factory_kit.kpi.calendar import planned_time
from factory_kit.kpi.indicators import StoreView, unreadable
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.iso22400 import MICRO, Counts, Kpi, availability, fault
from factory_kit.kpi.reasons import FEW, NO_FAILURE, NO_OEE, NO_REWORK, NO_STATES, NOTHING_MEASURED, TOO_LITTLE_KNOWN
from factory_kit.kpi.reference import Counting, Rules
from factory_kit.kpi.sources import Plant
from factory_kit.kpi.sums import ROLES, Energy, Hours, Made, Sums, plant_sums
from factory_kit.kpi.timemodel import TimeElements
from factory_kit.kpi.vectors import Parts
from factory_kit.model.connector import MachineState
from factory_kit.model.definition import exact
from factory_kit.model.evidence import PLANT
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar

__all__ = ["FEW", "KpiFigure", "plant_kpis", "read_sums"]

TOO_FEW_READINGS = N_("too few readings of the energy")
AFTERWARDS = 24 * 3600 * MICRO
NOTHING = Kpi(None, None, None, None)
OF_TIME: dict[str, Callable[[TimeElements], Kpi]] = {
    "availability": availability,
    "utilisation-efficiency": ratios.utilisation_efficiency,
    "allocation-efficiency": ratios.allocation_efficiency,
    "technical-efficiency": ratios.technical_efficiency,
    "setup-ratio": ratios.setup_ratio,
}
OF_OUTPUT = (
    "effectiveness", "quality-ratio", "oee", "nee", "teep", "throughput-rate", "scrap-ratio", "rework-ratio", "first-pass-yield",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KpiFigure:
    """One KPI of the plant or of a piece of equipment; ``reason`` says why there is no value, or what to bear in mind."""

    id: str
    subject: str
    kpi: Kpi
    reason: str = ""


def plant_kpis(
    indicators: Mapping[str, Indicator],
    store: StoreView,
    interval: Interval,
    calendar: Calendar,
    feeds: Mapping[str, Sequence[str]],
) -> list[KpiFigure]:
    """Every KPI that the store's data allow, of the plant and of each machine and meter; *feeds* tells what meters measure.

    The rules are those of *indicators*: their parameters, and the coverage below which there is no value. ``StoreDamaged`` when a
    file is not what it was.
    """
    try:
        with store.connect() as con:
            sums = read_sums(con, indicators, interval, calendar)
    except duckdb.Error as error:
        raise unreadable(error) from error
    lookback = max(indicators[name].parameters["lookback"] for name in ("availability", "oee", "idle-energy"))
    store.files(interval.start - lookback, interval.end + AFTERWARDS)  # read and compared: no figure of rotten bytes
    least = {name: exact(indicators[name].definition.least_coverage) for name in ("availability", "oee", "idle-energy")}
    found = [
        *_of_hours(sums, least["availability"]),
        *_of_pieces(sums, interval, least["oee"]),
        *_of_energy(sums, feeds, least["idle-energy"]),
    ]
    return sorted(found, key=lambda each: (each.subject != PLANT, each.subject))


def read_sums(con: Any, indicators: Mapping[str, Indicator], interval: Interval, calendar: Calendar) -> Sums:
    """The sums of the views of *con* over *interval*, by the parameters of the *indicators* of OEE and idle energy."""
    given, meters = indicators["oee"].parameters, indicators["idle-energy"].parameters
    rules = Rules(interval.window, given["lookback"], given["silence"])
    planned = [(part.start, part.end) for part in planned_time(calendar, interval.zone, interval.window)]
    counting = Counting(0, given["jitter"], given["slack"], given["factor"], 0)
    metering = Counting(meters["pace"], meters["jitter"], meters["slack"], meters["factor"], 0)
    return plant_sums(Plant(con, rules, ROLES), Parts.of(planned), counting, metering)


def _of_hours(sums: Sums, least: Fraction) -> Iterator[KpiFigure]:
    clear = [each for each in sums.hours.values() if not each.reason]
    whole = _together(each.elements for each in clear)
    if sums.hours:
        plant = Hours(whole, sum(each.failures for each in clear), "" if clear else NO_STATES)
        yield from _of_times(PLANT, plant, least)
    for name, each in sums.hours.items():
        yield from _of_times(name, each, least)


def _of_times(subject: str, hours: Hours, least: Fraction) -> Iterator[KpiFigure]:
    names = (*OF_TIME, "mtbf", "mttr")
    if hours.reason:
        yield from (KpiFigure(name, subject, NOTHING, hours.reason) for name in names)
        return
    count = hours.failures
    said = NO_FAILURE if not count else FEW if count < ratios.FEW_FAILURES else ""
    for name, formula in OF_TIME.items():
        yield _enough(KpiFigure(name, subject, formula(hours.elements)), least)
    yield _enough(KpiFigure("mtbf", subject, ratios.mtbf(hours.elements, count), said), least)
    yield _enough(KpiFigure("mttr", subject, ratios.mttr(hours.elements, count), said), least)


def _enough(figure: KpiFigure, least: Fraction) -> KpiFigure:
    """*figure*, without its value where less than *least* is known: its bounds say what is left."""
    kpi = figure.kpi
    if kpi.coverage is None:
        return KpiFigure(figure.id, figure.subject, NOTHING, figure.reason or NOTHING_MEASURED)
    if kpi.coverage < least:
        return KpiFigure(figure.id, figure.subject, Kpi(None, kpi.lower, kpi.upper, kpi.coverage), TOO_LITTLE_KNOWN)
    return figure


def _together(elements: Iterable[TimeElements]) -> TimeElements:
    """The sum of *elements*."""
    every = list(elements)
    sums = {
        name: sum(getattr(each, name) for each in every) for name in ("pbt", "apt", "aust", "adet", "adot", "unknown")
    }
    by_state = {state: sum(each.by_state[state] for each in every) for state in MachineState}
    return TimeElements(**sums, by_state=by_state)


def _of_pieces(sums: Sums, interval: Interval, least: Fraction) -> Iterator[KpiFigure]:
    """The KPIs that count pieces; where a machine gives none, or impossible ones, no figure but the reason."""
    length = interval.end - interval.start
    faults = {name: _fault(each) for name, each in sums.made.items()}
    right = [each for name, each in sums.made.items() if not faults[name]]
    if sums.hours:
        yield from _of_output(PLANT, right, length, "" if right else NO_OEE, least)
    for name in sums.hours:
        reason = sums.not_made.get(name, "") or faults.get(name, "")
        yield from _of_output(name, [sums.made[name]] if name in sums.made else [], length, reason, least)


def _fault(made: Made) -> str:
    """Why the figures of a machine cannot be right; empty when they can."""
    counts = Counts(made.pieces["total_count"], made.pieces["good_count"])
    return fault(made.elements, counts, made.cycle_us) or ""


def _of_output(subject: str, made: Sequence[Made], length: int, reason: str, least: Fraction) -> Iterator[KpiFigure]:
    if reason or not made:
        yield from (KpiFigure(name, subject, NOTHING, reason) for name in OF_OUTPUT)
        return
    elements = _together(each.elements for each in made)
    output = _output(made)
    figures = {
        "effectiveness": ratios.effectiveness(elements, output),
        "quality-ratio": ratios.quality_ratio(elements, output),
        "oee": ratios.oee_of(elements, output),
        "nee": ratios.nee(elements, output),
        "teep": ratios.teep(elements, output, length * len(made)),
        "throughput-rate": ratios.throughput_rate(elements, output),
        "scrap-ratio": ratios.scrap_ratio(elements, output),
    }
    for name, kpi in figures.items():
        yield _enough(KpiFigure(name, subject, kpi), least)
    counting = [each for each in made if "rework_count" in each.pieces]
    if not counting:
        yield from (KpiFigure(name, subject, NOTHING, NO_REWORK) for name in ("rework-ratio", "first-pass-yield"))
        return
    elements, output = _together(each.elements for each in counting), _output(counting)
    yield _enough(KpiFigure("rework-ratio", subject, ratios.rework_of(elements, output)), least)
    yield _enough(KpiFigure("first-pass-yield", subject, ratios.first_pass_of(elements, output)), least)


def _output(made: Sequence[Made]) -> ratios.Output:
    pieces = {role: sum(each.pieces.get(role, 0) for each in made) for role in ROLES}
    scrapped = pieces["scrap_count"] if all("scrap_count" in each.pieces for each in made) else None
    ideal = {role: sum(each.cycle_us * each.pieces[role] for each in made) for role in ("total_count", "good_count")}
    return ratios.Output(
        pieces["total_count"], pieces["good_count"], ideal["total_count"], ideal["good_count"], scrapped, pieces["rework_count"]
    )  # fmt: skip


def _of_energy(sums: Sums, feeds: Mapping[str, Sequence[str]], least: Fraction) -> Iterator[KpiFigure]:
    if not sums.energy:
        return
    left_out = _left_out(sums.fed)
    fine = [each for name, each in sums.energy.items() if not each.reason and name not in left_out]
    if fine:
        yield _standby(PLANT, fine, least)
    for name, each in sums.energy.items():
        if each.reason:
            names = ("standby-share", "peak-demand", "load-factor")
            yield from (KpiFigure(kpi, name, NOTHING, each.reason) for kpi in names)
            continue
        yield _standby(name, [each], least)
        fed = [(sums.made.get(maker), maker) for maker in feeds.get(name, ()) or (name,)]
        makers = [made for made, maker in fed if made is not None and not _fault(made)]
        if makers and len(makers) == len(fed):
            yield _enough(KpiFigure("energy-per-good-unit", name, _energy_per_good(each, makers)), least)
        if each.demand is not None:
            yield from _of_demand(name, each)


def _standby(subject: str, meters: Sequence[Energy], least: Fraction) -> KpiFigure:
    """Energy while nothing was made / all energy whose time is clear; in the bounds only what surely was so counts."""
    idle, busy, surely_idle, surely_busy, unseen, total = (
        sum(getattr(each, name) for each in meters) for name in ("idle", "busy", "surely_idle", "surely_busy", "unseen", "total")
    )  # fmt: skip
    most = total + unseen
    if not most:
        return KpiFigure("standby-share", subject, NOTHING, NOTHING_MEASURED)
    value = Fraction(idle, idle + busy) if idle + busy else None
    bounds = Fraction(surely_idle, most), Fraction(most - surely_busy, most)
    return _enough(KpiFigure("standby-share", subject, Kpi(value, *bounds, Fraction(idle + busy, most))), least)


def _left_out(fed: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Meters that the plant does not count: those whose whole extent finer ones measure, and those inside one that counts."""
    extents = {name: frozenset(each) for name, each in fed.items() if each}
    covered = set()
    for name, extent in extents.items():
        finer = [other for other in extents.values() if other < extent]
        twin = any(other == extent and twin < name for twin, other in extents.items())
        if twin or frozenset().union(*finer) == extent:
            covered.add(name)
    inside = {
        name for name, extent in extents.items()
        if any(extent < other and coarser not in covered for coarser, other in extents.items())
    }  # fmt: skip
    return frozenset(covered | inside)


def _energy_per_good(meter: Energy, makers: Sequence[Made]) -> Kpi:
    """All energy of the meter by all good pieces of what it feeds; at most what unknown and unplanned time may have added."""
    used = Fraction(meter.total, MICRO)
    counted = Fraction(sum(each.planned["good_count"] for each in makers))
    more = counted + sum(each.unplanned + Fraction(each.elements.unknown, each.cycle_us) for each in makers)
    known = meter.idle + meter.busy
    coverage = Fraction(known, meter.total + meter.unseen) if meter.total + meter.unseen else None
    return ratios.energy_per_good_unit((used, used + Fraction(meter.unseen, MICRO)), (counted, more), coverage)


def _of_demand(subject: str, meter: Energy) -> Iterator[KpiFigure]:
    found = meter.demand
    if found is None:
        return
    peak = _sure(found.peak, found.coverage)
    said = "" if found.peak is not None else TOO_FEW_READINGS
    yield KpiFigure("peak-demand", subject, Kpi(peak.value, peak.value, peak.upper, peak.coverage), said)
    yield KpiFigure("load-factor", subject, _sure(found.load_factor, found.coverage), said)


def _sure(number: float | None, coverage: float) -> Kpi:
    """A measured figure; of what was not measured nothing follows, so bounds only where all is known."""
    value = None if number is None else Fraction(number).limit_denominator(MICRO)
    bound = value if coverage == 1 else None
    return Kpi(value, bound, bound, Fraction(coverage).limit_denominator(MICRO))
