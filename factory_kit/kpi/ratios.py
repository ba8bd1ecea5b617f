"""Further KPIs of ISO 22400-2, from time elements, counts and failures, each with coverage and bounds.

Formulas as an MIT-licensed ontology of ISO 22400-2:2014 gives them (hsu-aut/IndustrialStandard-ODP-ISO22400-2, secondary);
MTBF and MTTR as its summaries do, in the reading of SEMI E10: productive time per failure, down time per failure. Pure and
exact: fractions of whole microseconds and pieces. Time without order data is read as OPC 40501-1 C.2.3 reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from factory_kit.kpi.iso22400 import MICRO, Kpi
from factory_kit.kpi.timemodel import Segment, TimeElements
from factory_kit.model.connector import MachineState

__all__ = [
    "FEW_FAILURES",
    "Output",
    "actual_to_planned_scrap",
    "allocation_efficiency",
    "effectiveness",
    "energy_per_good_unit",
    "failures",
    "first_pass_of",
    "first_pass_yield",
    "mtbf",
    "mttr",
    "nee",
    "oee_of",
    "quality_ratio",
    "rework_of",
    "rework_ratio",
    "scrap_ratio",
    "setup_ratio",
    "technical_efficiency",
    "teep",
    "throughput_rate",
    "utilisation_efficiency",
]

FEW_FAILURES = 5
"""With fewer failures than this a mean time between them says little; reports tell so."""
HOUR = 3600 * MICRO

Formula = Callable[[TimeElements], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Output:
    """What one machine made in known planned time, or several together.

    Pieces in millionths; the ideal times (PRI x PQ and PRI x GQ) in microseconds times millionths, so that machines add up.
    """

    total: int
    good: int
    ideal_total: int
    ideal_good: int
    scrapped: int | None = None
    """None where no point counts scrap: then everything that is not good is scrap."""
    reworked: int = 0


def utilisation_efficiency(elements: TimeElements) -> Kpi:
    """Utilization efficiency, APT / AUBT: how much of the busy time produced."""
    return _of_time(elements, lambda each: (each.apt, each.aubt))


def allocation_efficiency(elements: TimeElements) -> Kpi:
    """Allocation efficiency, AUBT / PBT: how much of the planned time the machine was busy."""
    return _of_time(elements, lambda each: (each.aubt, each.pbt))


def technical_efficiency(elements: TimeElements) -> Kpi:
    """Technical efficiency, APT / (APT + ADET): producing against producing and being down."""
    return _of_time(elements, lambda each: (each.apt, each.apt + each.adet))


def setup_ratio(elements: TimeElements) -> Kpi:
    """Setup ratio, AUST / AUPT: how much of the processing time went into setting up."""
    return _of_time(elements, lambda each: (each.aust, each.aupt))


def effectiveness(elements: TimeElements, output: Output) -> Kpi:
    """Effectiveness, PRI x PQ / APT, in known time; above 1 the ideal cycle is wrong. Of unknown time nothing follows: no bounds."""
    return _measured(output.ideal_total, elements.apt * MICRO, elements)


def quality_ratio(elements: TimeElements, output: Output) -> Kpi:
    """Quality ratio, GQ / PQ, in known time; of unknown time nothing follows: no bounds."""
    return _measured(output.good, output.total, elements)


def scrap_ratio(elements: TimeElements, output: Output) -> Kpi:
    """Scrap ratio, SQ / PQ; without a counter of scrap everything that is not good counts, rework too. In known time, no bounds."""
    scrapped = output.total - output.good if output.scrapped is None else output.scrapped
    return _measured(scrapped, output.total, elements)


def rework_of(elements: TimeElements, output: Output) -> Kpi:
    """Rework ratio, RQ / PQ, in known time; no bounds."""
    return _measured(output.reworked, output.total, elements)


def first_pass_of(elements: TimeElements, output: Output) -> Kpi:
    """First pass yield, GP / IP: every piece is inspected, and good at first is what is good and was not reworked. No bounds."""
    return _measured(max(0, output.good - output.reworked), output.total, elements)


def oee_of(elements: TimeElements, output: Output) -> Kpi:
    """OEE index, PRI x GQ / PBT, of one machine or the sum of several; unknown time earned nothing, or all of it."""
    return _earned(output.ideal_good, elements, elements.pbt)


def teep(elements: TimeElements, output: Output, calendar_us: int) -> Kpi:
    """TEEP (no KPI of ISO 22400), PRI x GQ / calendar time; unknown planned time earned nothing, or all of it."""
    return _earned(output.ideal_good, elements, calendar_us)


def nee(elements: TimeElements, output: Output) -> Kpi:
    """NEE index, AUPT / PBT x effectiveness x quality ratio: OEE as if setting up were producing.

    The bounds enclose it: those of AUPT / APT times those of OEE.
    """
    inner = oee_of(elements, output)
    wider = _of_time(elements, lambda each: (each.aupt, each.apt))
    return Kpi(
        _product(wider.value, inner.value),
        _product(wider.lower, inner.lower),
        _product(wider.upper, inner.upper),
        inner.coverage,
    )


def throughput_rate(elements: TimeElements, output: Output) -> Kpi:
    """Throughput rate, PQ / AOET, pieces per hour; without order data AOET is AUBT: no queueing, no transport. No bounds."""
    return _measured(output.total * HOUR, elements.aubt * MICRO, elements)


def first_pass_yield(good_at_first: int, inspected: int) -> Fraction | None:
    """First pass yield, GP / IP: parts good at their first inspection of all inspected parts."""
    return _ratio(good_at_first, inspected)


def rework_ratio(reworked: int, produced: int) -> Fraction | None:
    """Rework ratio, RQ / PQ."""
    return _ratio(reworked, produced)


def actual_to_planned_scrap(scrapped: int, planned: int) -> Fraction | None:
    """Actual to planned scrap ratio, SQ / PSQ."""
    return _ratio(scrapped, planned)


def failures(segments: Iterable[Segment]) -> int:
    """How often the machine was down in planned time; what is down, unknown, and down again counts once."""
    states = [each.state for each in segments if each.planned and each.state is not MachineState.UNKNOWN]
    return sum(state is MachineState.DOWN for state, _ in groupby(states))


def mtbf(elements: TimeElements, count: int) -> Kpi:
    """Operating time between failures, APT / FE, hours; unknown time may hide any number of failures, or none."""
    return _per_failure(elements.apt, elements, count)


def mttr(elements: TimeElements, count: int) -> Kpi:
    """Time to repair, ADET / FE, hours; unknown time may hide any number of short failures, or one long part of a known one."""
    return _per_failure(elements.adet, elements, count)


def energy_per_good_unit(
    energy: tuple[Fraction, Fraction], pieces: tuple[Fraction, Fraction], coverage: Fraction | None
) -> Kpi:
    """Energy (kWh) per good piece; *energy* measured and at most, *pieces* counted and at most."""
    return Kpi(_ratio(energy[0], pieces[0]), _ratio(energy[0], pieces[1]), _ratio(energy[1], pieces[0]), coverage)


def _of_time(elements: TimeElements, formula: Formula) -> Kpi:
    """A ratio of times: its value over the known time, its bounds where all unknown time was of one kind.

    Between these corners a ratio of two sums only grows or only falls, so no mixture lies outside them.
    """
    known = replace(elements, pbt=elements.known, unknown=0)
    corners = [_ratio(*formula(corner)) for corner in _corners(elements)]
    bounds = [corner for corner in corners if corner is not None]
    return Kpi(
        _ratio(*formula(known)),
        min(bounds) if bounds else None,
        max(bounds) if bounds else None,
        _ratio(elements.known, elements.pbt),
    )


def _corners(elements: TimeElements) -> Sequence[TimeElements]:
    """*elements* with all unknown time producing, set up, down, or without work."""
    missing = elements.unknown
    return [
        replace(elements, unknown=0, **{name: getattr(elements, name) + missing})
        for name in ("apt", "aust", "adet", "adot")
    ]


def _earned(ideal_good: int, elements: TimeElements, whole_us: int) -> Kpi:
    known_us = whole_us - elements.unknown
    return Kpi(
        _ratio(ideal_good, known_us * MICRO),
        _ratio(ideal_good, whole_us * MICRO),
        _ratio(ideal_good + elements.unknown * MICRO, whole_us * MICRO),
        _ratio(elements.known, elements.pbt),
    )


def _measured(numerator: int, denominator: int, elements: TimeElements) -> Kpi:
    """A ratio that unknown time says nothing about: bounds only where all is known."""
    value = _ratio(numerator, denominator)
    bound = value if elements.unknown == 0 else None
    return Kpi(value, bound, bound, _ratio(elements.known, elements.pbt))


def _per_failure(time_us: int, elements: TimeElements, count: int) -> Kpi:
    value = _ratio(time_us, count * HOUR)
    if elements.unknown == 0:
        return Kpi(value, value, value, _ratio(elements.known, elements.pbt))
    most = _ratio(time_us + elements.unknown, count * HOUR)
    return Kpi(value, None if value is None else Fraction(0), most, _ratio(elements.known, elements.pbt))


def _product(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else one * other


def _ratio(numerator: Fraction | int, denominator: Fraction | int) -> Fraction | None:
    return Fraction(numerator) / Fraction(denominator) if denominator else None
