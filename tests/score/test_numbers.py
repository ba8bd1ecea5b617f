from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.score.numbers import exact_text, rounded_down, rounded_half_up

decimals = st.decimals(min_value=-1000, max_value=1000, allow_nan=False, allow_infinity=False, places=6)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("1", "1"),
        ("100", "100"),
        ("0.8", "0.8"),
        ("0.462423664", "0.462423664"),
        ("23/30", "23/30"),
        ("1/8", "0.125"),
        ("-1/4", "-0.25"),
        ("-2/3", "-2/3"),
        ("365233781/435000000", "365233781/435000000"),
    ],
)
def test_exact_text_loses_nothing(value: str, text: str) -> None:
    """A decimal where it ends, a fraction where it does not."""
    assert exact_text(Fraction(value)) == text


@given(st.fractions())
def test_exact_text_can_be_read_back(value: Fraction) -> None:
    """The text is the number."""
    assert Fraction(exact_text(value)) == value


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("2.796", 2, "2.79"),
        ("0.7999", 2, "0.79"),
        ("5", 2, "5.00"),
        ("2/3", 3, "0.666"),
        ("2.5", 0, "2"),
        ("0.05", 1, "0.0"),
    ],
)
def test_shown_numbers_are_rounded_down(value: str, places: int, text: str) -> None:
    """2.796 is not shown as 2.80, which would claim the next level."""
    assert rounded_down(Fraction(value), places) == text


@given(decimals, st.integers(0, 5))
def test_rounding_agrees_with_decimal(value: Decimal, places: int) -> None:
    """Rounding down is Decimal's ROUND_FLOOR; half up is ROUND_HALF_UP for what is not negative."""
    unit = Decimal(1).scaleb(-places)
    with localcontext(prec=30):
        assert Decimal(rounded_down(Fraction(value), places)) == value.quantize(unit, ROUND_FLOOR)
        up = abs(value)
        assert Decimal(rounded_half_up(Fraction(up), places)) == up.quantize(unit, ROUND_HALF_UP)
