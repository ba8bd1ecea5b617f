"""What registers may hold, from how their words behave over time. Pure: words in, proposals out; every proposal is a guess.

A proposal is *clear* only where no other reading of the same registers is left; otherwise it carries the others. What counts:
a float whose first register has a sensible exponent in every round while the rest of it is noise; a 32-bit counter whose low
register was seen to roll over into the high one; text that can be read; a single register that moves smoothly by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from factory_kit.model.sample import Float64, Int64

__all__ = ["Proposal", "Reading", "propose"]

Rounds = npt.NDArray[np.uint16]
"""One row a round, one column a register."""
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")

LEAST, MOST = 1e-4, 1e9
"""Magnitudes of measured values; 0 is one too."""
WILD = 1024
"""A register whose changes are typically larger is hardly a measured value of its own."""
LETTERS = 4
"""So many signs make a text."""
STEADY = 0.25
"""A quantity seldom changes by more than this share of itself between two rounds."""
MARGIN = 4.0
"""Where another reading costs less than this in the score of all registers, a proposal is not clear."""
TELLING = 4.0
"""So many times steadier must one order be to rule out another."""


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """One way to read registers: type, order, and how many registers it takes."""

    type: str
    order: Order = "ABCD"
    size: int = 1

    def __str__(self) -> str:
        return self.type if self.order == "ABCD" else f"{self.type} {self.order}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What stands at *address*, how else it might be read, and why."""

    address: int
    reading: Reading
    others: tuple[Reading, ...]
    because: str
    moves: bool
    """Whether it changed while it was watched."""
    clear: bool
    """Whether no other reading is left (the sign of a number that was never negative aside)."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    reading: Reading
    score: float
    clear: bool
    because: str

    @property
    def end(self) -> int:
        return self.start + self.reading.size


def propose(registers: Mapping[int, Sequence[int]]) -> list[Proposal]:
    """Proposals for *registers*: address → its word in each round; all rounds have the same length.

    Registers that follow each other may belong together; a gap in the addresses parts them.
    """
    proposals: list[Proposal] = []
    for first, words in _runs(registers):
        proposals += _run_proposals(first, words)
    return proposals


def _runs(registers: Mapping[int, Sequence[int]]) -> list[tuple[int, Rounds]]:
    runs: list[list[int]] = []
    for address in sorted(registers):
        if runs and runs[-1][-1] == address - 1:
            runs[-1].append(address)
        else:
            runs.append([address])
    return [(run[0], np.array([registers[each] for each in run], dtype=np.uint16).T) for run in runs]


def _run_proposals(first: int, words: Rounds) -> list[Proposal]:
    candidates = _candidates(words)
    count = words.shape[1]
    before, chosen = _best(candidates, count)
    after = _best_after(candidates, count)

    def through(each: _Candidate) -> float:
        """The best score of all registers when *each* is one of their readings."""
        return before[each.start] + each.score + after[each.end]

    return [
        _proposal(
            first,
            words,
            each,
            [other for other in _rivals(each, candidates) if through(other) > before[count] - MARGIN],
        )
        for each in chosen
    ]


def _rivals(chosen: _Candidate, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    return [each for each in candidates if each is not chosen and each.start < chosen.end and chosen.start < each.end]


def _candidates(words: Rounds) -> list[_Candidate]:
    count = words.shape[1]
    found = [_single(words, at) for at in range(count)]
    for at in range(count - 1):
        found += _floats(words[:, at : at + 2], at)
        found += _integers(words[:, at : at + 2], at)
    for at in range(count - 3):
        found += _doubles(words[:, at : at + 4], at)
    return found + _texts(words)


def _best(candidates: Sequence[_Candidate], count: int) -> tuple[list[float], list[_Candidate]]:
    """The highest score of the first n registers for each n, and the candidates that reach it for all of them."""
    scores, last = [0.0], [candidates[0]]
    ending: dict[int, list[_Candidate]] = {}
    for candidate in candidates:
        ending.setdefault(candidate.end, []).append(candidate)
    for end in range(1, count + 1):
        best = max(ending[end], key=lambda each: scores[each.start] + each.score)
        scores.append(scores[best.start] + best.score)
        last.append(best)
    chosen: list[_Candidate] = []
    end = count
    while end:
        chosen.insert(0, last[end])
        end = last[end].start
    return scores, chosen


def _best_after(candidates: Sequence[_Candidate], count: int) -> list[float]:
    """The highest score of the registers from n on, for each n."""
    scores = [0.0] * (count + 1)
    starting: dict[int, list[_Candidate]] = {}
    for candidate in candidates:
        starting.setdefault(candidate.start, []).append(candidate)
    for start in range(count - 1, -1, -1):
        scores[start] = max(each.score + scores[each.end] for each in starting[start])
    return scores


def _proposal(first: int, words: Rounds, chosen: _Candidate, rivals: Sequence[_Candidate]) -> Proposal:
    """*rivals* are the readings that overlap and are nearly as good for all registers together."""
    moves = bool((np.ptp(words[:, chosen.start : chosen.end], axis=0) > 0).any())
    same = sorted((each for each in rivals if each.start == chosen.start), key=lambda each: -each.score)
    clear = chosen.clear and not rivals
    others = () if clear else tuple(dict.fromkeys(each.reading for each in same))
    return Proposal(first + chosen.start, chosen.reading, others, chosen.because, moves, clear)


# One register


def _single(words: Rounds, at: int) -> _Candidate:
    own = words[:, at]
    signed = own.astype(np.int16)
    changes = np.abs(np.diff(signed.astype(np.int64)))
    negative = bool((signed < 0).any() and (np.abs(signed.astype(np.int64)) < WILD * 8).all())
    reading = Reading("int16" if negative else "uint16")
    wild = _wild(own)
    alone = not wild and bool((changes > 0).any()) and not _could_belong(words, at)
    because = (
        "moves smoothly by itself" if alone else "wild for a value of its own" if wild else "no sign of another type"
    )
    return _Candidate(at, reading, -4.0 if wild else 0.5, alone, because)


def _could_belong(words: Rounds, at: int) -> bool:
    """Whether the register may be a part of a longer value with one of its neighbours."""
    for start in (at - 1, at):
        if start >= 0 and start + 2 <= words.shape[1]:
            pair = words[:, start : start + 2]
            other = pair[:, 1 if start == at else 0]
            if any(_plausible(_as_float(pair, order)) for order in ORDERS) or np.ptp(other) == 0:
                return True
            if _wild(other):
                return True
    return False


def _wild(own: npt.NDArray[np.uint16]) -> bool:
    """Whether changes of the register are typically large in both of its readings, as those of the end of a longer number."""
    changes = np.abs(np.diff(own.astype(np.int64)))
    turned = np.abs(np.diff(own.astype(np.int16).astype(np.int64)))
    smaller = np.minimum(changes, turned)
    smaller = smaller[changes > 0]
    return len(smaller) >= 3 and float(np.median(smaller)) >= WILD


# Two and four registers


def _bytes(words: Rounds, order: Order) -> npt.NDArray[np.uint16]:
    """The words with the most significant first and their bytes in their places."""
    swapped = words.byteswap() if order in {"BADC", "DCBA"} else words
    return swapped[:, ::-1] if order in {"CDAB", "DCBA"} else swapped


def _as_float(words: Rounds, order: Order) -> Float64:
    big = np.ascontiguousarray(_bytes(words, order).astype(">u2"))
    with np.errstate(all="ignore"):
        return np.asarray(big.view(">f4" if words.shape[1] == 2 else ">f8").ravel().astype(np.float64))


def _as_integer(words: Rounds, order: Order) -> Int64:
    big = np.ascontiguousarray(_bytes(words, order).astype(">u2"))
    return np.asarray(big.view(">u4").ravel().astype(np.int64))


def _plausible(values: Float64) -> bool:
    size = np.abs(values)
    with np.errstate(invalid="ignore"):
        return bool((((size >= LEAST) & (size <= MOST)) | (values == 0)).all() and (values != 0).any())


def _unsteadiness(values: Float64) -> float:
    """The mean change between two rounds as a share of the value; 0 for a constant."""
    scale = float(np.mean(np.abs(values))) or 1.0
    return float(np.mean(np.abs(np.diff(values)))) / scale if len(values) > 1 else 0.0


def _floats(words: Rounds, at: int) -> list[_Candidate]:
    """The orders in which two registers are a sensible float in every round."""
    orders = [order for order in ORDERS if _plausible(_as_float(words, order))]
    unsteady = {order: _unsteadiness(_as_float(words, order)) for order in orders}
    found = []
    for order in orders:
        rest = _bytes(words, order)
        head, tail = rest[:, 0], rest[:, 1]
        noisy, turns = _wild(tail) and _wild(tail.byteswap()), len(np.unique(head)) > 1
        rivals = [other for other in orders if other != order and unsteady[other] < TELLING * unsteady[order]]
        clear = noisy and turns and unsteady[order] < STEADY and not rivals
        score = 3.0 + (4.0 if noisy else 0.0) + (3.0 if noisy and turns else 0.0) - 8.0 * min(unsteady[order], 1.0)
        because = "a sensible float in every round" + (", its end is noise as a float's is" if noisy else "")
        found.append(_Candidate(at, Reading("float32", order, 2), score, clear, because))
    return found


def _integers(words: Rounds, at: int) -> list[_Candidate]:
    """The two orders of a 32-bit whole number; clear where the low register rolled over into the high one."""
    found = []
    for order in ORDERS[:2]:
        values = _as_integer(words, order)
        rest = _bytes(words, order)
        rolls = _rolls(rest[:, 0], rest[:, 1])
        if rolls == 0 and np.ptp(rest[:, 0]) > 0 and not _wild(rest[:, 1]):
            continue  # a number that moves its high register throws its low one about
        score = -1.0 if rolls == 0 else 12.0
        if rolls == 0 and _wild(rest[:, 1]) and int(rest[:, 0].max()) < WILD and np.ptp(rest[:, 0]) == 0:
            score = 1.5  # a small constant before a wild register: perhaps the two halves of one number
        signed = bool((values >= 2**31).any() and (rest[:, 0] >= 0xFF00).any())
        because = "its low register rolled over into the high one" if rolls else "could be one number of two registers"
        reading = Reading("int32" if signed else "uint32", order, 2)
        found.append(_Candidate(at, reading, score, rolls > 0 and not _wild_steps(values), because))
    return found


def _rolls(high: npt.NDArray[np.uint16], low: npt.NDArray[np.uint16]) -> int:
    """How often *low* went over its end just when *high* went on by one; 0 as soon as *high* moved otherwise."""
    up, step = np.diff(high.astype(np.int64)), np.diff(low.astype(np.int64))
    carried = ((up == 1) & (step < -(2**15))) | ((up == -1) & (step > 2**15))
    up_around = ((up == 2**16 - 1) & (step > 2**15)) | ((up == 1 - 2**16) & (step < -(2**15)))
    together = carried | up_around
    return int(together.sum()) if bool((together | (up == 0)).all()) else 0


def _wild_steps(values: Int64) -> bool:
    steps = np.abs(np.diff(values))
    return bool((steps > 2**15).any() and (steps < 2**31).all() and float(np.median(steps)) > 2**15)


def _doubles(words: Rounds, at: int) -> list[_Candidate]:
    """The orders in which four registers are a sensible double in every round."""
    found = []
    for order in ORDERS[:2]:
        values = _as_float(words, order)
        if not _plausible(values):
            continue
        rest = _bytes(words, order)
        noisy = all(_wild(rest[:, place]) for place in (1, 2, 3))
        unsteady = _unsteadiness(values)
        score = 1.0 + (12.0 if noisy and unsteady < STEADY else 0.0)
        clear = noisy and unsteady < STEADY and not _plausible(_as_float(rest[:, 2:], "ABCD"))
        because = "a sensible double in every round" + (", its end is noise as a double's is" if noisy else "")
        found.append(_Candidate(at, Reading("float64", order, 4), score, clear, because))
    return found


# Texts


def _texts(words: Rounds) -> list[_Candidate]:
    """Runs of registers that never change and hold signs that can be read, padded with zeros or blanks."""
    still = np.ptp(words, axis=0) == 0
    data = words[0].astype(">u2").tobytes()
    found = []
    at = 0
    while at < len(still):
        end = at
        while end < len(still) and still[end] and _readable(data[2 * end : 2 * end + 2]):
            end += 1
        text = data[2 * at : 2 * end].rstrip(b"\0 ")
        if len(text) >= LETTERS and sum(sign in _WORDS for sign in text) * 4 >= 3 * len(text):
            size = end - at
            found.append(_Candidate(at, Reading("string", "ABCD", size), 4.0 + 1.5 * size, False, "reads as text"))
        at = max(end, at + 1)
    return found


_WORDS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_./")


def _readable(two: bytes) -> bool:
    return all(0x20 <= sign < 0x7F or sign == 0 for sign in two) and two != b"\0\0"
