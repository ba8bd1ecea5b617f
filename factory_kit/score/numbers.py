"""Exact numbers as text: nothing is rounded before it is shown, and what is shown never claims more than there is."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

__all__ = ["exact_ratio", "exact_text", "rounded_down", "rounded_half_up"]


def exact_text(value: Fraction) -> str:
    """*value* as a decimal text when it has an end (``0.4624``), else as a fraction (``23/30``)."""
    return exact_ratio(value.numerator, value.denominator)


@lru_cache(maxsize=1024)
def exact_ratio(numerator: int, denominator: int) -> str:
    """``exact_text`` of a fraction in lowest terms."""
    rest, places = denominator, 0
    for prime in (2, 5):
        while rest % prime == 0:
            rest, places = rest // prime, places + 1
    if rest != 1:
        return f"{numerator}/{denominator}"
    text = _scaled(numerator * 10**places // denominator, places)
    return text.rstrip("0").rstrip(".") if places else text


def rounded_down(value: Fraction, places: int) -> str:
    """*value* with *places* decimals, rounded towards minus infinity: 2.796 is shown as 2.79."""
    return _scaled(value.numerator * 10**places // value.denominator, places)


def rounded_half_up(value: Fraction, places: int) -> str:
    """*value* with *places* decimals, halves rounded up; for comparing with printed figures."""
    return _scaled((2 * value.numerator * 10**places + value.denominator) // (2 * value.denominator), places)


def _scaled(whole: int, places: int) -> str:
    """The whole number *whole* divided by ten to the power of *places*, as text."""
    digits = str(abs(whole)).rjust(places + 1, "0")
    sign = "-" if whole < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
