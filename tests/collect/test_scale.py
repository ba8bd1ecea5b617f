"""Raw numbers to values at the limits of exactness."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from factory_kit.collect.scale import FloatScale, IntegerScale, exactly_scaled, linear
from factory_kit.model.connector import Point

NEAR = [2**53 - 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1]
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-70_000, 70_000), st.sampled_from([*NEAR, *(-n for n in NEAR)])
)
FACTORS = st.one_of(
    st.fractions(max_denominator=10_000), st.sampled_from([Fraction(n) for n in (0, 1, -1, 2**53, 2**53 + 1)]),
    st.sampled_from([Fraction(1, 10**k) for k in (1, 2, 3, 9, 15, 16, 17)]), st.sampled_from([Fraction(10**17), Fraction(1, 3)]),
)  # fmt: skip


def nearest(number: Fraction) -> float:
    """The nearest double, infinite beyond all of them."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def point(**more: Any) -> Point:
    """A point with this scale and offset."""
    label = {"zh": "值", "en": "value"}
    row = {"name": "v", "label": label, "role": "other", "address": "holding:0", "type": "uint16", **more}
    return Point.model_validate(row, strict=False)


@given(st.lists(st.tuples(NUMBERS, FACTORS, FACTORS), min_size=1, max_size=8))
@example([(-(2**63), Fraction(1), Fraction(0)), (5, Fraction(1), Fraction(0))])
@example([(2**53 + 1, Fraction(1), Fraction(0)), (1, Fraction(2), Fraction(1))])
@example(
    [
        (1, Fraction(2**53 + 1), Fraction(0)),
        (0, Fraction(1), Fraction(2**53 + 2)),
        (-1, Fraction(2**53 + 1), Fraction(0)),
    ]
)
@example([(2**51 + 1, Fraction(1, 3), Fraction(2**51)), (-(2**51) - 1, Fraction(1, 3), Fraction(-(2**51)))])
@example([(3, Fraction(2), Fraction(0))])
@example([(3, Fraction(1, 2), Fraction(0))])
@example([(3, Fraction(0), Fraction(0))])
@example([(3, Fraction(1), Fraction(1))])
@example([(3, Fraction(1), Fraction(-1))])
def test_whole_numbers_get_the_nearest_double_of_the_exact_value(rows: list[tuple[int, Fraction, Fraction]]) -> None:
    """Numbers, scales and offsets of any size, side by side: none rounds twice, none overflows."""
    scale = IntegerScale([(factor, offset) for _, factor, offset in rows])

    found = scale(np.array([number for number, _, _ in rows], dtype=np.int64))

    expected = [nearest(factor * number + offset) for number, factor, offset in rows]
    assert found.tolist() == expected
    assert [scale.exactly(place, number) for place, (number, _, _) in enumerate(rows)] == expected


@pytest.mark.parametrize(("bits", "kind"), [(24, np.float32), (53, np.float64)])
@given(
    rows=st.lists(
        st.tuples(st.floats(width=32), FACTORS, st.one_of(st.just(Fraction(0)), FACTORS)), min_size=1, max_size=8
    )
)
def test_floats_get_the_nearest_double_of_the_exact_value(
    bits: int, kind: type[np.floating[Any]], rows: list[tuple[float, Fraction, Fraction]]
) -> None:
    """What is no finite number stays what it is when it is scaled by more than nothing."""
    rows = [row for row in rows if math.isfinite(row[0]) or (row[1] > 0 and abs(row[2]) < 2**53)]
    if not rows:
        return
    scale = FloatScale([(factor, offset) for _, factor, offset in rows], bits)

    found = scale(np.array([number for number, _, _ in rows], dtype=kind))

    for value, (number, factor, offset) in zip(found.tolist(), rows, strict=True):
        if math.isfinite(number):
            assert value == nearest(factor * Fraction(number) + offset)
        else:
            assert str(value) == str(number)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["0.001", "1E-7", "12345.678", "10000"]))
@example(1.5e308, "0.4")
@example(1e308, "1.5")
@example(1e308, "10000")
def test_doubles_of_all_53_bits_are_rounded_once(number: float, factor: str) -> None:
    """A product that is no double, or beyond all of them, would be rounded before its quotient is: such scales go the slow way."""
    found = FloatScale([(Fraction(factor), Fraction(0))], 53)(np.array([number]))

    assert found[0] == nearest(Fraction(factor) * Fraction(number))


def test_each_float_of_a_row_has_its_own_scale() -> None:
    """One that is scaled by nothing beside one by a tenth, and beside one by a denominator that is no double."""
    tiny = Fraction(1, 10**25)
    scale = FloatScale([(Fraction(1), Fraction(0)), (Fraction(1, 10), Fraction(0)), (tiny, Fraction(0))], 24)

    for number in range(1, 60):
        assert scale(np.array([number] * 3, np.float32)).tolist() == [number, number / 10, float(number * tiny)]


@pytest.mark.parametrize(
    ("raw", "value"),
    [(2301.0, 230.1), (-1.0, -0.1), (1e308, 1e307), (math.inf, math.inf), (-math.inf, -math.inf), (math.nan, math.nan)],
)
def test_one_value_is_scaled_exactly(raw: float, value: float) -> None:
    """2301 tenths are 230.1; what is no finite number stays what it is."""
    assert str(exactly_scaled(point(scale="0.1"), raw)) == str(value)


def test_one_value_beyond_all_doubles_is_infinite() -> None:
    """With its sign."""
    assert exactly_scaled(point(scale="10"), 1e308) == math.inf
    assert exactly_scaled(point(scale="10", offset="1"), -1e308) == -math.inf
    assert IntegerScale([(Fraction(10**300), Fraction(0))]).exactly(0, -(10**10)) == -math.inf
    assert IntegerScale([(Fraction(10**300), Fraction(0))]).exactly(0, 10**10) == math.inf


@pytest.mark.parametrize(("power", "scale"), [(0, "0.1"), (3, "100"), (-3, "0.0001")])
def test_a_power_of_ten_multiplies_the_scale_alone(power: int, scale: str) -> None:
    """The offset is in the unit of the value."""
    assert linear(point(scale="0.1", offset="-40"), power) == (Fraction(Decimal(scale)), Fraction(-40))
    assert linear(point(scale="0.1", offset="-40")) == (Fraction(1, 10), Fraction(-40))
