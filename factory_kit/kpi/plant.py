"""All KPIs of a plant from its store: the indicators give the sums, the pure formulas the ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from factory_kit.i18n import N_
from factory_kit.kpi import ratios
from factory_kit.kpi.counters import Reading, energy_limit, rises
from factory_kit.kpi.demand import BLOCK, Demand, demand
from factory_kit.kpi.indicators import StoreView, evidence_of
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.iso22400 import MICRO, Kpi, availability
from factory_kit.kpi.segments import machine_segments
from factory_kit.kpi.timemodel import TimeElements
from factory_kit.model.connector import MachineState
from factory_kit.model.evidence import PLANT, Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar

__all__ = ["FEW", "WRONG_CYCLE", "KpiFigure", "meter_demand", "plant_kpis"]

FEW = N_("fewer than five failures: a mean says little")
NO_OUTPUT = N_("no pieces are counted, or no ideal cycle is given")
WRONG_CYCLE = N_("effectiveness is above 1, so the ideal cycle is wrong")
NO_FAILURE = N_("no failure was seen")
TOO_FEW_READINGS = N_("too few readings of the energy")
LARGEST_KW = 100_000
UNITS = {"Wh": 1000, "kWh": MICRO, "MWh": 1000 * MICRO}
"""Millionths of a kWh in one of the unit."""
READINGS = """
SELECT p.equipment, epoch_us(s.time), s.value, p.unit
FROM samples AS s
JOIN points AS p USING (point)
WHERE p.role = 'active_energy' AND p.unit IN ('Wh', 'kWh', 'MWh') AND s.quality < 2 AND isfinite(s.value)
  AND s.time >= make_timestamp($start) AND s.time < make_timestamp($stop)
ORDER BY p.equipment, s.time
"""


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
    now: Callable[[], int],
) -> list[KpiFigure]:
    """Every KPI that the store's data allow, of the plant and of each machine and meter; *feeds* tells what meters measure.

    ``QueryError`` when the SQL of an indicator cannot run, ``StoreDamaged`` when a file is not what it was.
    """
    needed = [indicators[name] for name in ("availability", "oee", "idle-energy")]
    records = {(each.indicator.id, each.subject): each for each in evidence_of(needed, store, interval, calendar, now)}
    segments = machine_segments(indicators["availability"], store, interval, calendar)
    counts = {name: ratios.failures(parts) for name, parts in segments.items()}
    counts[PLANT] = sum(counts.values())
    found = [
        *_of_machines(records, counts, interval),
        *_of_energy(records, feeds),
        *_of_demand(store, interval),
    ]
    return sorted(found, key=lambda each: (each.subject != PLANT, each.subject))


Records = Mapping[tuple[str, str], Evidence]


def _of_machines(records: Records, counts: Mapping[str, int], interval: Interval) -> Iterator[KpiFigure]:
    for (name, subject), record in records.items():
        if name != "availability" or record.outcome == "not applicable":
            continue
        elements = _elements(record)
        of_time = {
            "availability": availability,
            "utilisation-efficiency": ratios.utilisation_efficiency,
            "allocation-efficiency": ratios.allocation_efficiency,
            "technical-efficiency": ratios.technical_efficiency,
            "setup-ratio": ratios.setup_ratio,
        }
        yield from (KpiFigure(each, subject, formula(elements)) for each, formula in of_time.items())
        count = counts.get(subject, 0)
        said = NO_FAILURE if not count else FEW if count < ratios.FEW_FAILURES else ""
        yield KpiFigure("mtbf", subject, ratios.mtbf(elements, count), said)
        yield KpiFigure("mttr", subject, ratios.mttr(elements, count), said)
        yield from _of_output(records.get(("oee", subject)), subject, interval)


def _of_output(record: Evidence | None, subject: str, interval: Interval) -> Iterator[KpiFigure]:
    """The KPIs that count pieces; where the machine gives none, or impossible ones, no figure but the reason."""
    if record is None:
        return
    names = ("effectiveness", "quality-ratio", "oee", "nee", "teep", "throughput-rate", "scrap-ratio")
    if record.outcome == "not applicable":
        nothing = Kpi(None, None, None, None)
        yield from (KpiFigure(name, subject, nothing, record.reason or NO_OUTPUT) for name in names)
        return
    elements, output = _elements(record), _output(record)
    machines = _figure(record, "machines") if subject == PLANT else Fraction(1)
    calendar_us = int((interval.end - interval.start) * machines)
    figures = {
        "effectiveness": ratios.effectiveness(elements, output),
        "quality-ratio": ratios.quality_ratio(elements, output),
        "oee": ratios.oee_of(elements, output),
        "nee": ratios.nee(elements, output),
        "teep": ratios.teep(elements, output, calendar_us),
        "throughput-rate": ratios.throughput_rate(elements, output),
        "scrap-ratio": ratios.scrap_ratio(elements, output),
    }
    for name, kpi in figures.items():
        yield KpiFigure(name, subject, kpi, record.reason or "")


def _of_energy(records: Records, feeds: Mapping[str, Sequence[str]]) -> Iterator[KpiFigure]:
    for (name, subject), record in records.items():
        if name != "idle-energy" or record.outcome == "not applicable":
            continue
        idle = Kpi(*(_exact(text) for text in (record.value, record.lower, record.upper, record.coverage)))
        yield KpiFigure("standby-share", subject, idle, record.reason or "")
        fed = [records.get(("oee", each)) for each in feeds.get(subject, ()) or (subject,)]
        makers = [each for each in fed if each is not None and each.outcome != "not applicable"]
        if subject != PLANT and makers and len(makers) == len(fed):
            yield KpiFigure("energy-per-good-unit", subject, _energy_per_good(record, makers))


def _energy_per_good(meter: Evidence, makers: Sequence[Evidence]) -> Kpi:
    """All energy of the meter by all good pieces of what it feeds; at most what unknown and unplanned time may have added."""
    used = _figure(meter, "all_kwh")
    counted = sum((_figure(each, "good_counted") for each in makers), Fraction())
    more = sum((_figure(each, "total_unplanned") + _unknown_pieces(each) for each in makers), Fraction())
    coverage = _exact(meter.coverage)
    return ratios.energy_per_good_unit((used, used + _figure(meter, "unseen_kwh")), (counted, counted + more), coverage)


def _unknown_pieces(record: Evidence) -> Fraction:
    return _figure(record, "unknown_s") / _figure(record, "cycle_s")


def _of_demand(store: StoreView, interval: Interval) -> Iterator[KpiFigure]:
    for subject, found in meter_demand(store, interval).items():
        peak = _sure(found.peak, found.coverage)
        said = "" if found.peak is not None else TOO_FEW_READINGS
        yield KpiFigure("peak-demand", subject, Kpi(peak.value, peak.value, peak.upper, peak.coverage), said)
        yield KpiFigure("load-factor", subject, _sure(found.load_factor, found.coverage), said)


def meter_demand(store: StoreView, interval: Interval) -> dict[str, Demand]:
    """The demand of everything that counts energy, by quarter of an hour; the readings next to the interval are read too."""
    with store.connect() as con:
        rows = con.execute(READINGS, {"start": interval.start - BLOCK, "stop": interval.end + BLOCK}).fetchall()
    readings: dict[str, list[Reading]] = {}
    for equipment, time, value, unit in rows:
        readings.setdefault(equipment, []).append(Reading(time, round(value * UNITS[unit])))
    return {
        equipment: demand(rises(each, limit=energy_limit(LARGEST_KW), jitter=MICRO // 10), interval.window)
        for equipment, each in readings.items()
    }


def _sure(number: float | None, coverage: float) -> Kpi:
    """A measured figure; of what was not measured nothing follows, so bounds only where all is known."""
    value = None if number is None else Fraction(number).limit_denominator(MICRO)
    bound = value if coverage == 1 else None
    return Kpi(value, bound, bound, Fraction(coverage).limit_denominator(MICRO))


def _elements(record: Evidence) -> TimeElements:
    """The time elements in the figures of a record of availability or OEE."""
    states = {state: _micro(record, f"{state.value}_s") for state in MachineState}
    return TimeElements(
        pbt=_micro(record, "planned_s"),
        apt=states[MachineState.PRODUCING],
        aust=states[MachineState.SETUP],
        adet=states[MachineState.DOWN],
        adot=states[MachineState.IDLE] + states[MachineState.OFF] + states[MachineState.MAINTENANCE],
        unknown=states[MachineState.UNKNOWN],
        by_state=states,
    )


def _output(record: Evidence) -> ratios.Output:
    names = ("total", "good")
    total, good = (_micro(record, name) for name in names)
    ideal_total, ideal_good = (int(_figure(record, f"ideal_{name}_s") * MICRO * MICRO) for name in names)
    return ratios.Output(total, good, ideal_total, ideal_good)


def _micro(record: Evidence, name: str) -> int:
    return int(_figure(record, name) * MICRO)


def _figure(record: Evidence, name: str) -> Fraction:
    figures: Any = record.details["figures"]
    text = figures[name]
    return Fraction(text) if text is not None else Fraction()


def _exact(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def by_subject(figures: Iterable[KpiFigure]) -> dict[str, dict[str, KpiFigure]]:
    """The figures by subject and id."""
    found: dict[str, dict[str, KpiFigure]] = {}
    for each in figures:
        found.setdefault(each.subject, {})[each.id] = each
    return found
