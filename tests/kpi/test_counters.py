"""Counters: resets, roll-overs, repeated values, jumps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.kpi.counters import Reading, Rise, RiseKind, energy_limit, known_micro, piece_limit, rises
from factory_kit.kpi.timemodel import Stretch

SECOND = 1_000_000
LIMIT = piece_limit(10 * SECOND, factor=10, slack=10)  # 11 pieces after 1 s, 20 after 10 s


def added(*values: int, every: int = 10 * SECOND, modulus: int = 0) -> list[tuple[int, str]]:
    """What each reading adds, and why."""
    readings = [Reading(number * every, value) for number, value in enumerate(values)]
    return [(rise.amount, rise.kind.value) for rise in rises(readings, limit=LIMIT, modulus=modulus)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), []),
        ((7,), [(0, "first")]),
        ((7, 9, 9, 12), [(0, "first"), (2, "counted"), (0, "counted"), (3, "counted")]),
        ((100, 3), [(0, "first"), (3, "reset")]),
        ((100, 0, 2), [(0, "first"), (0, "reset"), (2, "counted")]),
        ((2, 0, 1), [(0, "first"), (0, "reset"), (1, "counted")]),
        ((100, 99, 101), [(0, "first"), (0, "counted"), (1, "counted")]),
        ((100, 98, 97, 103), [(0, "first"), (0, "counted"), (0, "counted"), (3, "counted")]),
        ((5000, 4000, 4001), [(0, "first"), (0, "jump backward"), (1, "counted")]),
        ((100, 900, 901), [(0, "first"), (0, "jump forward"), (1, "counted")]),
    ],
)
def test_each_kind_of_step_adds_what_was_made(values: tuple[int, ...], expected: list[tuple[int, str]]) -> None:
    """Growth counts, a reset counts the new value, a small step back counts nothing twice, a set counter counts nothing."""
    assert added(*values) == expected


def test_a_register_that_rolls_over_adds_its_rest() -> None:
    """65534 to 3 in a 16-bit register is five pieces; without knowing the register it is a reset, three."""
    assert added(65534, 3, modulus=65536)[1] == (5, "rollover")
    assert added(65534, 3)[1] == (3, "reset")


def test_a_roll_over_is_believed_only_when_the_pieces_can_have_been_made() -> None:
    """A fall from the middle of a 32-bit register is a reset, however wide the register is."""
    assert added(1000, 3, modulus=2**32)[1] == (3, "reset")


def test_the_rise_after_a_long_silence_is_believed() -> None:
    """What is too much for a second is right for an hour."""
    assert added(100, 400, every=3600 * SECOND)[1] == (300, "counted")


@pytest.mark.parametrize(
    ("values", "modulus", "amount", "kind"),
    [
        ((100, 120), 0, 20, "counted"), ((100, 121), 0, 0, "jump forward"),  # 20 pieces are believable after 10 s
        ((100, 98), 0, 0, "counted"), ((100, 97), 0, 0, "jump backward"), ((20, 17), 0, 17, "reset"),  # a fall by the jitter is none
        ((900, 20), 0, 20, "reset"), ((900, 21), 0, 0, "jump backward"),
        ((990, 10), 1000, 20, "rollover"), ((990, 11), 1000, 11, "reset"), ((999, 0), 1000, 1, "rollover"),
        ((1000, 0), 1000, 0, "reset"), ((1001, 3), 1000, 3, "reset"),  # a value that the register cannot hold
        ((5, -1), 0, 0, "reset"), ((5, -1), 8, 0, "reset"), ((-9, -20), 0, 0, "reset"), ((1, 0), 0, 0, "reset"), ((0, -1), 0, 0, "counted"), ((-1, 0), 0, 1, "counted"), ((0, 0), 0, 0, "counted"),
    ],
)  # fmt: skip
def test_each_step_is_judged_at_its_boundary(values: tuple[int, int], modulus: int, amount: int, kind: str) -> None:
    """The largest believable amount, the jitter and the last value of the register are inside; one more is outside."""
    assert added(*values, modulus=modulus)[1] == (amount, kind)


def test_a_counter_that_stepped_back_counts_only_above_its_highest_value() -> None:
    """Falls within the jitter count nothing twice, however often; a reset begins a new highest value, and so does a jump."""
    assert [amount for amount, _ in added(100, 98, 99, 101, 100, 102)] == [0, 0, 0, 1, 0, 1]
    assert [amount for amount, _ in added(100, 5, 4, 7)] == [0, 5, 0, 2]
    assert [amount for amount, _ in added(100, 500, 499, 502)] == [0, 0, 0, 2]
    assert added(100, 100, 100, 121)[3] == (0, "jump forward")  # since the reading before, not since ever


def test_rises_tell_from_when_to_when() -> None:
    """Each rise begins at the reading before it; the first one at itself. The jitter can be set."""
    readings = [Reading(5, 10), Reading(9, 7), Reading(20, 8)]

    found = rises(readings, limit=lambda elapsed: elapsed, jitter=3)

    assert found == [
        Rise(5, 5, 0, RiseKind.FIRST),
        Rise(5, 9, 0, RiseKind.COUNTED),
        Rise(9, 20, 0, RiseKind.COUNTED),
    ]


def test_a_register_of_unknown_width_never_rolls_over() -> None:
    """Also one that shows what no counter should show."""
    readings = [Reading(0, 0), Reading(10, -3), Reading(20, -9)]

    assert [rise.kind for rise in rises(readings, limit=lambda _: 5)[1:]] == [RiseKind.RESET, RiseKind.RESET]


def test_limits_are_rounded_down() -> None:
    """What the cycle allows in the time, times the factor, and the slack; what the load allows, in millionths of a kWh."""
    assert [piece_limit(10, factor=3, slack=7)(elapsed) for elapsed in (0, 3, 4, 40)] == [7, 7, 8, 19]
    assert [energy_limit(100)(elapsed) for elapsed in (0, 35, 36, 72)] == [0, 0, 1, 2]


def test_a_part_of_a_millionth_that_was_seen_counts_whole() -> None:
    """A rise in no time is known; a share is rounded up; known time that lies beside the rise counts nothing."""
    assert known_micro(Rise(10, 10, 3, RiseKind.COUNTED), []) == 3_000_000
    assert known_micro(Rise(0, 3, 1, RiseKind.COUNTED), [Stretch(-5, 0), Stretch(1, 2), Stretch(3, 9)]) == 333_334
    assert (
        known_micro(Rise(100, 107, 2, RiseKind.COUNTED), [Stretch(50, 90), Stretch(101, 103), Stretch(120, 130)])
        == 571_429
    )


def test_a_load_of_one_kilowatt_adds_a_kilowatt_hour_in_an_hour() -> None:
    """The limit of energy is in millionths of a kWh."""
    assert energy_limit(1)(3600 * SECOND) == 1_000_000


def test_a_rise_over_unknown_time_is_split_in_proportion() -> None:
    """Of eight pieces over eighty seconds of which sixty were unseen, two belong to the known time."""
    rise = Rise(0, 80, 8, RiseKind.COUNTED)
    assert known_micro(rise, [Stretch(-50, 10), Stretch(70, 200)]) == 2_000_000
    assert known_micro(rise, [Stretch(0, 80)]) == 8_000_000
    assert known_micro(rise, []) == 0


@given(st.lists(st.integers(0, 11), min_size=1, max_size=30), st.integers(0, 10**6))
def test_without_trouble_a_counter_adds_its_difference(steps: list[int], start: int) -> None:
    """For any counter that only grows believably the rises sum up to last minus first."""
    values = [start]
    for step in steps:
        values.append(values[-1] + step)
    assert sum(amount for amount, _ in added(*values)) == values[-1] - values[0]
