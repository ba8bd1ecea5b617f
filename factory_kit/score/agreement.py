"""Agreement between independent ratings: exact agreement, weighted kappa of two, ordinal alpha of any number, with intervals.

Sources: J. Cohen, Weighted kappa, Psychological Bulletin 70 (1968) 213-220; K. Krippendorff, Computing Krippendorff's
Alpha-Reliability (2011), whose worked example is a test here. Statistics over few items say little: no figure is given
below 20 items, and none without its range.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, product
from random import Random
from typing import TypeVar

__all__ = ["LEAST_ITEMS", "Agreement", "Estimate", "agreement", "exact_agreement", "ordinal_alpha", "weighted_kappa"]

LEAST_ITEMS = 20
"""With fewer items rated at least twice the range of any such figure is too wide to be of use."""
DRAWS = 1000
RANGE = 95
"""Per cent of the draws between the two ends of a range."""

Item = TypeVar("Item", bound=Hashable)
Ratings = Sequence[Fraction | None]
"""The values several raters gave one item, one place per rater; None where a rater gave none."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic and the range in which 95 of 100 draws of the items lie; ``value`` 1 is perfect, 0 what chance gives."""

    value: Fraction
    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far independent raters agree; statistics are None below 20 items, kappa also where there are not just two raters.

    A statistic is None too where all ratings are one and the same value: nothing then tells agreement from habit.
    """

    items: int
    """Items with at least two ratings."""
    raters: int
    exact: Fraction | None
    """Share of pairs of ratings of one item that are the same; None without such a pair."""
    kappa: Estimate | None
    alpha: Estimate | None
    seed: int


def agreement(ratings: Mapping[Item, Ratings], *, seed: int = 1) -> Agreement:
    """The agreement over *ratings*, each item's values in the order of the raters; the same for the same *seed*."""
    rated = [values for values in ratings.values() if sum(value is not None for value in values) > 1]
    raters = max((len(values) for values in ratings.values()), default=0)
    enough = len(rated) >= LEAST_ITEMS
    return Agreement(
        items=len(rated),
        raters=raters,
        exact=exact_agreement(rated),
        kappa=_estimate(weighted_kappa, rated, seed) if enough and raters == 2 else None,
        alpha=_estimate(ordinal_alpha, rated, seed) if enough else None,
        seed=seed,
    )


def exact_agreement(rated: Sequence[Ratings]) -> Fraction | None:
    """The share of equal pairs among all pairs of ratings of one item."""
    same = pairs = 0
    for values in rated:
        given = [value for value in values if value is not None]
        counts = Counter(given)
        pairs += len(given) * (len(given) - 1)
        same += sum(count * (count - 1) for count in counts.values())
    return Fraction(same, pairs) if pairs else None


def weighted_kappa(rated: Sequence[Ratings]) -> Fraction | None:
    """Cohen's kappa of two raters with linear weights over the ordered values that occur; None where chance explains all.

    Linear weights: two values count as far apart as the number of steps between them.
    """
    pairs = [(one, other) for one, other in rated if one is not None and other is not None]
    if not pairs:
        return None
    step = {value: place for place, value in enumerate(sorted({value for pair in pairs for value in pair}))}
    observed = sum(abs(step[one] - step[other]) for one, other in pairs)
    first, second = (Counter(values) for values in zip(*pairs, strict=True))
    expected = sum(first[one] * second[other] * abs(step[one] - step[other]) for one, other in product(first, second))
    return 1 - Fraction(observed * len(pairs), expected) if expected else None


def ordinal_alpha(rated: Sequence[Ratings]) -> Fraction | None:
    """Krippendorff's alpha for ordered values, any number of raters, missing ratings allowed; None where nothing varies."""
    units = [Counter(value for value in values if value is not None) for values in rated]
    units = [unit for unit in units if unit.total() > 1]
    totals: Counter[Fraction] = Counter()
    for unit in units:
        totals += unit
    distance = _distances(totals)
    observed = sum(
        (
            Fraction(unit[one] * unit[other], unit.total() - 1) * distance[one, other]
            for unit in units
            for one, other in product(unit, repeat=2)
        ),
        Fraction(0),
    )
    expected = sum(totals[one] * totals[other] * distance[one, other] for one, other in product(totals, repeat=2))
    return 1 - (totals.total() - 1) * observed / expected if expected else None


def _distances(totals: Counter[Fraction]) -> dict[tuple[Fraction, Fraction], int]:
    """Four times the squared ordinal distance of each two values: the ratings from one to the other, each end counted half."""
    values = sorted(totals)
    upto = accumulate(totals[value] for value in values)
    twice = {value: 2 * count - totals[value] for value, count in zip(values, upto, strict=True)}
    return {(one, other): (twice[one] - twice[other]) ** 2 for one, other in product(values, repeat=2)}


def _estimate(
    statistic: Callable[[Sequence[Ratings]], Fraction | None], rated: Sequence[Ratings], seed: int
) -> Estimate | None:
    """The statistic with its range by drawing items with replacement (percentile bootstrap)."""
    value = statistic(rated)
    if value is None:
        return None
    random = Random(seed)  # noqa: S311 - a reproducible draw, no secret; Python guarantees the sequence of random()
    count = len(rated)
    drawn = (statistic([rated[int(random.random() * count)] for _ in range(count)]) for _ in range(DRAWS))
    found = sorted(draw for draw in drawn if draw is not None)
    cut = len(found) * (100 - RANGE) // 200
    return Estimate(value, min(found[cut], value), max(found[-1 - cut], value))
