"""Raw numbers to values: ``raw * scale + offset`` as the nearest double of the exact result. Pure.

A binary product is not exact: ``2301 * 0.1`` in doubles is 230.10000000000002. Here scale and offset are fractions over one
denominator, so that numerator and denominator are whole numbers; as long as both fit 53 bits, one IEEE division rounds
correctly. The few numbers that do not fit go through ``fractions.Fraction``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import inf, isfinite, lcm

import numpy as np
import numpy.typing as npt

from factory_kit.model.connector import Point
from factory_kit.model.sample import Float64, Int64

__all__ = ["FloatScale", "IntegerScale", "Linear", "exactly_scaled", "linear"]

Linear = tuple[Fraction, Fraction]
"""Scale and offset."""

EXACT = 2**53
PLAIN = (1, 0, 1)
"""The whole numbers of a line that changes nothing; in arrays they stand where those of a line do not fit."""


def exactly_scaled(point: Point, raw: float) -> float:
    """*raw* in the unit of *point*; what is no finite number stays what it is."""
    return _nearest(Fraction(point.scale) * Fraction(raw) + Fraction(point.offset)) if isfinite(raw) else raw


def linear(point: Point, power: int = 0) -> Linear:
    """Scale and offset of *point*, its scale times ten to *power*."""
    return Fraction(point.scale) * Fraction(Decimal(10) ** power), Fraction(point.offset)


def _whole(line: Linear) -> tuple[int, int, int]:
    """Whole numbers a, b, c with ``scale * x + offset == (a * x + b) / c``."""
    scale, offset = line
    below = lcm(scale.denominator, offset.denominator)
    return int(scale * below), int(offset * below), below


class IntegerScale:
    """The scaling of a row of whole numbers, each with its own *lines*."""

    def __init__(self, lines: Sequence[Linear]) -> None:
        terms = [_whole(line) for line in lines]
        fits = [max(map(abs, term)) <= EXACT for term in terms]
        self._terms = terms
        safe = [term if fit else PLAIN for term, fit in zip(terms, fits, strict=True)]
        self._a, self._b, self._c = (np.array([term[place] for term in safe], dtype=np.int64) for place in range(3))
        limits = [
            (EXACT - abs(b)) // max(abs(a), 1) if fit else -1 for (a, b, _c), fit in zip(terms, fits, strict=True)
        ]
        self._limit = np.array(limits, dtype=np.int64)
        self._plain = all(term == PLAIN for term in terms)

    def __call__(self, raw: Int64) -> Float64:
        """The values of *raw*; numbers from 2**63 on go through ``exactly``."""
        if self._plain:
            return raw.astype(np.float64)
        values: Float64 = (raw * self._a + self._b) / self._c
        far = np.flatnonzero((raw > self._limit) | (raw < -self._limit))
        for index, number in zip(far.tolist(), raw[far].tolist(), strict=True):
            values[index] = self.exactly(index, number)
        return values

    def exactly(self, index: int, raw: int) -> float:
        """The value of one number of any size at place *index*."""
        a, b, c = self._terms[index]
        return _quotient(a * raw + b, c)


class FloatScale:
    """The scaling of a row of floating numbers, each with its own *lines*; *bits* is how many a raw number's fraction has."""

    def __init__(self, lines: Sequence[Linear], bits: int) -> None:
        terms = [_whole(line) for line in lines]
        self._terms = [(Fraction(a, c), Fraction(b, c)) for a, b, c in terms]
        once = [not b and _rounds_once(a, c, bits) for a, b, c in terms]
        safe = [term if good else PLAIN for term, good in zip(terms, once, strict=True)]
        self._a, self._c = (np.array([float(term[place]) for term in safe]) for place in (0, 2))
        self._slow = [index for index, good in enumerate(once) if not good]
        self._plain = all(term == PLAIN for term in terms)

    def __call__(self, raw: npt.NDArray[np.floating]) -> Float64:
        """The values of *raw*; what is no finite number stays what it is."""
        with np.errstate(all="ignore"):  # a signalling NaN or an overflow of the machine is data, not our mistake
            values = raw.astype(np.float64)
            if self._plain:
                return values
            scaled: Float64 = values * self._a / self._c
        for index in self._slow:
            if isfinite(values[index]):
                scale, offset = self._terms[index]
                scaled[index] = _nearest(scale * Fraction(float(values[index])) + offset)
        return scaled


def _rounds_once(a: int, c: int, bits: int) -> bool:
    """Whether ``x * a / c`` rounds at most once for every x with *bits* of fraction."""
    if abs(a) > EXACT or c > EXACT:
        return False
    return c == 1 or abs(a) * 2**bits <= EXACT


def _nearest(number: Fraction) -> float:
    return _quotient(number.numerator, number.denominator)


def _quotient(above: int, below: int) -> float:
    """The nearest double: Python rounds the quotient of whole numbers of any size correctly."""
    try:
        return above / below
    except OverflowError:
        return inf if above > 0 else -inf
