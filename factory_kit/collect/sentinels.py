"""Raw values with which a device says that it has none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from factory_kit.model.connector import Point
from factory_kit.model.registers import registers_of
from factory_kit.model.sample import Int64

__all__ = ["Sentinels"]

Bits = npt.NDArray[np.uint64]
SIGNED: Final = frozenset({"int16", "int32", "int64"})
ALL_BITS: Final = 2**64 - 1
UNSIGNED: Final = frozenset({"uint64", "bits64"})
"""Types whose numbers from 2**63 on the decoder has below zero."""


class Sentinels:
    """The sentinels of a row of points of one kind: those given as bits, those given as numbers, and whether NaN is one."""

    def __init__(self, points: Sequence[Point]) -> None:
        bits: list[tuple[int, int]] = []
        numbers: list[tuple[int, float]] = []
        nans: list[int] = []
        for row, word in [(row, word) for row, point in enumerate(points) for word in _words(point)]:
            if word.startswith("0x"):
                bits += [(row, pattern) for pattern in _patterns(points[row], word)]
            elif word == "nan":
                nans.append(row)
            else:
                numbers += [(row, number) for number in _numbers(points[row], word)]
        self._bit_rows = np.array([row for row, _pattern in bits])
        self._patterns = np.array([pattern for _row, pattern in bits], np.uint64)
        self._number_rows = np.array([row for row, _number in numbers])
        self._numbers = np.array([number for _row, number in numbers])
        self._nan_rows = np.array(nans)
        self.empty = not (bits or numbers or nans)

    def rows(self, words: npt.NDArray[np.uint16], numbers: npt.NDArray[np.floating] | Int64) -> npt.NDArray[np.intp]:
        """The rows that hold one of the sentinels, if there are any: *words* least significant first, *numbers* before scaling."""
        found = [self._nan_rows[np.isnan(numbers[self._nan_rows])]] if len(self._nan_rows) else []
        if len(self._patterns):
            found.append(self._bit_rows[_bits(words[self._bit_rows]) == self._patterns])
        if len(self._numbers):
            found.append(self._number_rows[numbers[self._number_rows] == self._numbers.astype(numbers.dtype)])
        return np.concatenate(found)


def _patterns(point: Point, word: str) -> list[int]:
    """The last 64 bits of *word*; nothing where it has more bits than *point*."""
    pattern = int(word, 16)
    return [pattern & ALL_BITS] if pattern < 1 << 16 * registers_of(point) else []


def _numbers(point: Point, word: str) -> list[float]:
    """*word* as the decoder has it among the numbers of *point*; nothing where it cannot be one of them."""
    if point.type.startswith("float"):
        return [float(word)]
    number = Fraction(word)
    if point.type in UNSIGNED and 2**63 <= number < 2**64:
        number -= 2**64
    return [int(number)] if number.denominator == 1 and -(2**63) <= number < 2**63 else []


def _bits(words: npt.NDArray[np.uint16]) -> Bits:
    """Up to four words each, least significant first, as one whole number."""
    padded = np.zeros((len(words), 4), dtype="<u2")
    padded[:, : words.shape[1]] = words[:, :4]
    return padded.view("<u8").ravel()


def _words(point: Point) -> list[str]:
    """The sentinels of *point*, lower case, with ``sunspec`` as what it stands for (SunSpec Information Model, 4.3)."""
    words = [word.lower() for word in point.na.split()]
    if "sunspec" in words:
        words[words.index("sunspec") : words.index("sunspec") + 1] = _sunspec(point)
    return words


def _sunspec(point: Point) -> list[str]:
    if point.type.startswith("float"):
        return ["nan"]
    if point.type == "bool":
        return []
    width = 16 * registers_of(point)
    return [hex(1 << (width - 1) if point.type in SIGNED else (1 << width) - 1)]
