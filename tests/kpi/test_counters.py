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
