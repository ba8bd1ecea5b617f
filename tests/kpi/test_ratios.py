"""The further KPIs of ISO 22400-2, by hand and by their bounds."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.kpi import ratios
from factory_kit.kpi.catalogue import known_kpis
from factory_kit.kpi.iso22400 import Kpi
from factory_kit.kpi.timemodel import Segment, TimeElements
from factory_kit.model.connector import MachineState

MINUTE = 60_000_000
MICRO = 1_000_000
DAY = TimeElements(pbt=480 * MINUTE, apt=300 * MINUTE, aust=60 * MINUTE, adet=40 * MINUTE, adot=80 * MINUTE, unknown=0)
MADE = ratios.Output(500 * MICRO, 480 * MICRO, 250 * MINUTE * MICRO, 240 * MINUTE * MICRO)
"""500 pieces at an ideal half minute, 480 of them good."""


def known(value: Fraction) -> Kpi:
    """A figure of a day of which everything is known."""
    return Kpi(value, value, value, Fraction(1))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ratios.utilisation_efficiency(DAY), Fraction(300, 400)),
        (ratios.allocation_efficiency(DAY), Fraction(400, 480)),
        (ratios.technical_efficiency(DAY), Fraction(300, 340)),
        (ratios.setup_ratio(DAY), Fraction(60, 360)),
        (ratios.effectiveness(DAY, MADE), Fraction(250, 300)),
        (ratios.quality_ratio(DAY, MADE), Fraction(480, 500)),
        (ratios.scrap_ratio(DAY, MADE), Fraction(20, 500)),
        (ratios.oee_of(DAY, MADE), Fraction(240, 480)),
        (ratios.nee(DAY, MADE), Fraction(360, 480) * Fraction(250, 300) * Fraction(480, 500)),
        (ratios.teep(DAY, MADE, 1440 * MINUTE), Fraction(240, 1440)),
        (ratios.throughput_rate(DAY, MADE), Fraction(500 * 60, 400)),
        (ratios.mtbf(DAY, 5), Fraction(1)),
        (ratios.mttr(DAY, 5), Fraction(8, 60)),
    ],
)
def test_a_day_computed_by_hand(found: Kpi, expected: Fraction) -> None:
    """PBT 480, APT 300, AUST 60, ADET 40 minutes, 5 failures: each figure is the one a pencil gives."""
    assert found == known(expected)


def test_ratios_of_given_counts() -> None:
    """First pass yield, rework and planned scrap are quotients; without a denominator there is no figure."""
    assert ratios.first_pass_yield(95, 100) == Fraction(19, 20)
    assert ratios.rework_ratio(3, 100) == Fraction(3, 100)
    assert ratios.actual_to_planned_scrap(4, 8) == Fraction(1, 2)
    assert ratios.first_pass_yield(0, 0) is None


@pytest.mark.parametrize(
    "formula",
    [
        ratios.utilisation_efficiency,
        ratios.allocation_efficiency,
        ratios.technical_efficiency,
        ratios.setup_ratio,
        lambda elements: ratios.oee_of(elements, replace(MADE, ideal_good=elements.apt * MICRO)),
    ],
)
@given(times=st.tuples(*[st.integers(0, 50)] * 4), hidden=st.tuples(*[st.integers(0, 50)] * 4))
def test_the_truth_lies_within_the_bounds(formula: object, times: tuple[int, ...], hidden: tuple[int, ...]) -> None:
    """However the unknown minutes were spent, the figure of the whole truth lies between the bounds."""
    assert callable(formula)
    unknown = sum(hidden)
    seen = TimeElements(sum(times) + unknown, *times, unknown=unknown)
    truth = TimeElements(seen.pbt, *(a + b for a, b in zip(times, hidden, strict=True)), unknown=0)

    found, real = formula(seen), formula(truth)
    if real.value is not None and found.lower is not None and found.upper is not None:
        assert found.lower <= real.value <= found.upper
    assert real.lower == real.value == real.upper or real.value is None


def test_unknown_time_leaves_counts_without_bounds() -> None:
    """What was made while nobody watched is not known, so quality and effectiveness have a value and no bounds."""
    seen = replace(DAY, pbt=500 * MINUTE, unknown=20 * MINUTE)

    assert ratios.quality_ratio(seen, MADE) == Kpi(Fraction(24, 25), None, None, Fraction(24, 25))
    assert ratios.mtbf(seen, 5) == Kpi(Fraction(1), Fraction(0), Fraction(320, 300), Fraction(24, 25))


def segments(text: str) -> list[Segment]:
    """One segment per sign: P produces, D is down, ? unknown; lower case lies outside planned time."""
    states = {"P": MachineState.PRODUCING, "D": MachineState.DOWN, "?": MachineState.UNKNOWN}
    return [Segment(at, at + 1, states[sign.upper()], sign.isupper() or sign == "?") for at, sign in enumerate(text)]


@pytest.mark.parametrize(("text", "count"), [("PDPDP", 2), ("PD?DP", 1), ("D", 1), ("PdP", 0), ("DdD", 1), ("P?P", 0)])
def test_failures_are_counted_once(text: str, count: int) -> None:
    """A failure is one stretch of being down, over unknown and unplanned time."""
    assert ratios.failures(segments(text)) == count


def test_nothing_is_divided_by_zero() -> None:
    """Without planned time, pieces or failures there is no figure."""
    nothing = TimeElements(0, 0, 0, 0, 0, 0)
    empty = ratios.Output(0, 0, 0, 0)
    for found in (ratios.nee(nothing, empty), ratios.quality_ratio(nothing, empty), ratios.mtbf(nothing, 0)):
        assert (found.value, found.lower, found.upper) == (None, None, None)


def test_every_kpi_names_its_source() -> None:
    """Each KPI has a name in both languages, a formula and a source with its confidence."""
    for definition, source in known_kpis().values():
        assert definition.label.zh
        assert not re.search("[a-z]{3}", definition.formula.zh), "no English words in a Chinese formula"
        assert not re.search("[一-鿿]", definition.formula.en)
        assert source.confidence in {"secondary", "own"}
