from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.plausible import Plausible
from factory_kit.model.connector import Point


def _point(kind: str = "float32", role: str = "temperature", **more: Any) -> Point:
    label = {"zh": "值", "en": "value"}
    row = {"name": "v", "label": label, "role": role, "address": "holding:0", "type": kind, **more}
    return Point.model_validate(row, strict=False)


def _believed(rules: Plausible, *readings: tuple[float, float]) -> list[bool]:
    """Whether each (time, value) is believed, one after the other."""
    return [not rules.wrong(np.array([value]), at)[0] for at, value in readings]


def test_what_lies_outside_its_range_is_not_believed() -> None:
    """The limits themselves are inside, and a value outside leaves no trace."""
    rules = Plausible([_point(min=-40, max=120)])

    assert _believed(rules, (0, -40), (1, 120), (2, 120.1), (3, -40.5), (4, 20)) == [True, True, False, False, True]


def test_a_jump_is_believed_when_it_is_read_twice() -> None:
    """A machine that really jumps loses one reading; a damaged answer, which does not come twice, is never believed."""
    rules = Plausible([_point(rate=2)])

    assert _believed(rules, (0, 20), (1, 21), (2, 400), (3, 22), (4, 80), (5, 81), (6, 82)) == [
        True, True, False, True, False, True, True,
    ]  # fmt: skip


def test_two_different_jumps_do_not_confirm_each_other() -> None:
    """Two damaged answers in a row say different things."""
    assert _believed(Plausible([_point(rate=2)]), (0, 20), (1, 400), (2, -300), (3, 20)) == [True, False, False, True]


def test_a_doubt_ends_with_the_next_believed_value() -> None:
    """The same damage twice, with a good answer between, is damage twice."""
    assert _believed(Plausible([_point(rate=2)]), (0, 20), (1, 80), (2, 21), (3, 81)) == [True, False, True, False]


def test_after_a_silence_a_value_may_have_come_far() -> None:
    """The rate is a change in a second: after a minute of silence sixty times as much."""
    assert _believed(Plausible([_point(rate=2)]), (0, 20), (60, 130), (61, 10)) == [True, True, False]


@pytest.mark.parametrize(
    ("point", "before", "after"),
    [
        (_point("uint32", "active_energy", scale="0.01", rate=1), 42_949_672.90, 0.05),
        (_point("uint16", "total_count", rate=5), 65_534, 1),
        (_point("bcd32", "active_energy", rollover=1_000_000, rate=1), 999_999, 0),
        (_point("bcd32", "active_energy", rollover=1_000_000, scale="0.1", rate=1), 99_999.9, 0),
    ],
)  # fmt: skip
def test_a_counter_that_begins_again_has_not_jumped(point: Point, before: float, after: float) -> None:
    """Behind the last value of the register, or of the counter's digits, comes 0."""
    assert _believed(Plausible([point]), (0, before), (1, after)) == [True, True]


def test_a_counter_that_falls_has_jumped() -> None:
    """Far from its last value nothing rolls over."""
    assert _believed(Plausible([_point("uint32", "active_energy", rate=1)]), (0, 5000), (1, 12)) == [True, False]


def test_within_less_than_a_second_a_value_may_come_as_far_as_within_one() -> None:
    """Readings are not that even; the limit itself is inside."""
    for value, believed in ((22.0, True), (22.25, False), (18.0, True), (17.75, False)):
        assert _believed(Plausible([_point(rate=2)]), (0, 20), (0.5, value)) == [True, believed]
        assert _believed(Plausible([_point(rate=2)]), (0, 20), (1, value)) == [True, believed]


@pytest.mark.parametrize("after", [-2, -10])
def test_a_counter_that_falls_below_zero_has_jumped(after: float) -> None:
    """No roll-over leads there, however near it is to one."""
    assert _believed(Plausible([_point("uint16", "total_count", rate=5)]), (0, 65_534), (1, after)) == [True, False]


@pytest.mark.parametrize(
    ("point", "before", "after"),
    [
        (_point("uint16", "temperature", rate=5), 65_534, 1),
        (_point("int32", "active_energy", rate=5), 2**31 - 1, -(2**31)),
    ],
)
def test_what_does_not_count_does_not_begin_again(point: Point, before: float, after: float) -> None:
    """A temperature, and a type with a sign: only counters of all bits roll over unasked."""
    assert _believed(Plausible([point]), (0, before), (1, after)) == [True, False]


def test_a_jump_is_measured_from_its_own_time() -> None:
    """However long the clock has run: from the last believed value, and from the doubted one that it is to confirm."""
    rules = Plausible([_point(rate=2)])

    assert _believed(rules, (100, 20), (101, 30), (102, 40), (103, 42), (104, 44)) == [True, False, False, True, True]


def test_what_lies_outside_is_never_confirmed() -> None:
    """A value out of its range is no jump: read twice it is not believed, and what came before it still counts."""
    rules = Plausible([_point(rate=2, max=120)])

    assert _believed(rules, (0, 20), (1, 500), (2, 500), (3, 90), (4, 21)) == [True, False, False, False, True]


def test_infinity_may_stay() -> None:
    """A machine's infinite value is as far from itself as any other."""
    assert _believed(Plausible([_point(rate=2)]), (0, math.inf), (1, math.inf), (2, 20)) == [True, True, False]


@pytest.mark.parametrize("rule", ["min", "max", "rate"])
def test_one_rule_is_enough_to_ask(rule: str) -> None:
    """Rules with nothing to say are passed over; those with one are not."""
    assert not Plausible([_point(), _point(**{rule: 1})]).idle


def test_no_value_is_no_question() -> None:
    """NaN, which stands for a text or nothing, is neither plausible nor not, and is not remembered."""
    rules = Plausible([_point(min=0, max=9, rate=1)])

    assert _believed(rules, (0, 0.5), (1, math.nan), (2, 5), (3, math.nan), (4, 0.6)) == [True, True, False, True, True]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=20))
def test_without_rules_everything_is_believed(values: list[float]) -> None:
    """A point that says nothing about its range and its rate is never doubted."""
    rules = Plausible([_point()])

    assert rules.idle
    assert all(_believed(rules, *enumerate(values)))
