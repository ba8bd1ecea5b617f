"""KPIs of ISO 22400-2 from time elements and counts, each with coverage and bounds.

The formulas are those of ISO 22400-2:2014 as an MIT-licensed ontology of the standard gives them
(hsu-aut/IndustrialStandard-ODP-ISO22400-2, secondary). Pure and exact: fractions of whole microseconds and pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from factory_kit.kpi.timemodel import TimeElements

__all__ = ["Counts", "Kpi", "Oee", "availability", "fault", "oee"]

MICRO = 1_000_000
PIECE = MICRO


@dataclass(frozen=True, slots=True)
class Kpi:
    """A ratio: over the known time, its bounds whatever the unknown time was, and the known share of the time.

    None where there is nothing to divide by.
    """

    value: Fraction | None
    lower: Fraction | None
    upper: Fraction | None
    coverage: Fraction | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Pieces, in millionths, added in planned time while everything was known."""

    total: int
    good: int


@dataclass(frozen=True, slots=True)
class Oee:
    """OEE and its three factors; ``effectiveness`` above 1 means that the ideal cycle is wrong, and is never clipped."""

    availability: Kpi
    effectiveness: Fraction | None
    quality: Fraction | None
    oee: Kpi
    fault: str | None
    """Why the figures cannot be right: an English sentence of ``factory_kit.kpi.reasons``; None when they can."""


def availability(elements: TimeElements) -> Kpi:
    """Availability, APT / PBT; the unknown time is left out of the value, none of it or all of it produces in the bounds."""
    return Kpi(
        _ratio(elements.apt, elements.known),
        _ratio(elements.apt, elements.pbt),
        _ratio(elements.apt + elements.unknown, elements.pbt),
        _ratio(elements.known, elements.pbt),
    )


def oee(elements: TimeElements, counts: Counts, cycle_us: int) -> Oee:
    """OEE index = availability x effectiveness x quality ratio = PRI x GQ / PBT.

    Effectiveness is PRI x PQ / APT, quality ratio GQ / PQ. *cycle_us* is PRI, the planned run time per item, in microseconds.
    In the bounds the unknown time gives no good piece, or good pieces at the ideal rate.
    """
    earned = Fraction(cycle_us * counts.good, MICRO)
    return Oee(
        availability(elements),
        _ratio(Fraction(cycle_us * counts.total, MICRO), elements.apt),
        _ratio(counts.good, counts.total),
        Kpi(
            _ratio(earned, elements.known),
            _ratio(earned, elements.pbt),
            _ratio(earned + elements.unknown, elements.pbt),
            _ratio(elements.known, elements.pbt),
        ),
        fault(elements, counts, cycle_us),
    )


def fault(elements: TimeElements, counts: Counts, cycle_us: int) -> str | None:
    """Why figures cannot be right, None when they can; one piece may have been begun before its time was counted, so one piece too many is no fault."""
    if counts.total > PIECE and not elements.apt:
        return "pieces were counted while the machine never produced"
    if cycle_us * (counts.total - PIECE) > elements.apt * MICRO:
        return "effectiveness is above 1, so the ideal cycle is wrong"
    if counts.good > counts.total + PIECE:
        return "more good pieces than pieces were counted"
    return None


def _ratio(numerator: Fraction | int, denominator: Fraction | int) -> Fraction | None:
    return Fraction(numerator) / Fraction(denominator) if denominator else None
