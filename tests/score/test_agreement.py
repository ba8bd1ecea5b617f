"""Agreement between raters."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from factory_kit.score.agreement import Agreement, Estimate, agreement, exact_agreement, ordinal_alpha, weighted_kappa

VALUES = tuple(Fraction(text) for text in ("0", "1/2", "4/5", "1"))
KRIPPENDORFF = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
pairs_of_values = st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)), min_size=2, max_size=40)


def test_alpha_of_the_published_example() -> None:
    """Krippendorff (2011), example C: four observers, twelve units, missing ratings; ordinal alpha 0.815."""
    rows = [line.split() for line in KRIPPENDORFF.strip().splitlines()]
    units = [tuple(None if value == "." else Fraction(value) for value in unit) for unit in zip(*rows, strict=True)]

    alpha = ordinal_alpha(units)

    assert alpha is not None
    assert round(float(alpha), 3) == 0.815


@given(pairs_of_values)
def test_kappa_equals_the_well_known_implementation(pairs: list[tuple[Fraction, Fraction]]) -> None:
    """Linear weighted kappa is scikit-learn's, on the steps between the values that occur."""
    kappa = weighted_kappa(pairs)
    if kappa is None:
        assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == 1
        return
    first, second = ([VALUES.index(pair[side]) for pair in pairs] for side in (0, 1))
    assert float(kappa) == pytest.approx(cohen_kappa_score(first, second, weights="linear"), abs=1e-12)


@given(pairs_of_values, st.randoms(use_true_random=False))
def test_the_order_of_items_and_raters_changes_nothing(pairs: list[tuple[Fraction, Fraction]], random: Random) -> None:
    """Shuffled items and swapped raters give the same alpha, kappa and exact agreement."""
    other = [(second, first) for first, second in pairs]
    random.shuffle(other)

    assert ordinal_alpha(pairs) == ordinal_alpha(other)
    assert weighted_kappa(pairs) == weighted_kappa(other)
    assert exact_agreement(pairs) == exact_agreement(other)


def rated(count: int, wrong: int) -> dict[str, tuple[Fraction, Fraction]]:
    """*count* items over all values, of which the second rater gives *wrong* the next value."""
    sheet = {}
    for number in range(count):
        value = VALUES[number % 4]
        sheet[f"item-{number}"] = (value, VALUES[(number + 1) % 4] if number < wrong else value)
    return sheet


def test_perfect_agreement_is_one_without_a_range() -> None:
    """Raters who always agree have kappa and alpha 1, and so has every draw."""
    found = agreement(rated(24, 0))

    assert found.exact == 1
    assert found.kappa is not None
    assert found.alpha is not None
    assert (found.kappa.value, found.kappa.low, found.kappa.high) == (1, 1, 1)
    assert (found.alpha.value, found.alpha.low, found.alpha.high) == (1, 1, 1)


def test_a_figure_stands_inside_its_range_and_repeats() -> None:
    """The same seed gives the same range, which holds the figure and is wide for few items."""
    found = agreement(rated(30, 8))

    assert found == agreement(rated(30, 8))
    assert found.kappa is not None
    assert found.kappa.low < found.kappa.value < found.kappa.high
    assert found.kappa.high - found.kappa.low > Fraction("0.2")


def test_few_items_give_no_statistic() -> None:
    """Below 20 items only the exact agreement is told."""
    assert agreement(rated(19, 3)) == Agreement(19, 2, Fraction(16, 19), None, None, 1)


def test_twenty_items_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many raters each other item was shown to."""
    monkeypatch.setattr("factory_kit.score.agreement.DRAWS", 20)
    found = agreement({**rated(20, 3), "once": (VALUES[0],)})

    assert (found.items, found.raters) == (20, 2)
    assert found.kappa is not None
    assert found.alpha is not None


def test_raters_of_one_mind_and_one_value_prove_nothing() -> None:
    """Where every rating is the same value, kappa and alpha cannot be told."""
    found = agreement(dict.fromkeys(range(25), (VALUES[3], VALUES[3])))

    assert (found.exact, found.kappa, found.alpha) == (1, None, None)


def test_three_raters_have_alpha_and_no_kappa() -> None:
    """Kappa is a figure of two; items rated once do not count."""
    sheet = {number: (VALUES[number % 4], VALUES[number % 4], None) for number in range(21)}
    found = agreement(sheet | {99: (VALUES[0], None, None)})

    assert (found.items, found.raters, found.kappa) == (21, 3, None)
    assert found.alpha is not None


RATED = {
    item: tuple(VALUES[number // by % 4] if number % 11 != by else None for by in (1, 3, 7))
    for item, number in enumerate(number * number * 13 % 101 for number in range(24))
}
"""By arithmetic: three raters who agree in part, some ratings missing."""


def test_ranges_are_those_of_the_seed() -> None:
    """A thousand draws of the items by the generator whose sequence Python guarantees, 25 cut off at either end."""
    whole, pair = agreement(RATED, seed=3), agreement({item: values[:2] for item, values in RATED.items()}, seed=11)

    assert (whole.items, whole.raters, whole.exact, whole.kappa, whole.seed) == (24, 3, Fraction(19, 66), None, 3)
    assert whole.alpha == Estimate(Fraction(123835, 588156), Fraction(-77845, 784408), Fraction(301753, 685425))
    assert (pair.items, pair.raters, pair.kappa) == (
        21,
        2,
        Estimate(Fraction(2, 5), Fraction(64, 505), Fraction(178, 283)),
    )


def test_nothing_in_common_is_no_agreement() -> None:
    """Raters who never rated the same item, and items without a rating."""
    apart = [(VALUES[0], None), (None, VALUES[1])] * 20

    assert (weighted_kappa(apart), ordinal_alpha(apart), exact_agreement(apart)) == (None, None, None)
    found = agreement(dict(enumerate(apart)))
    assert (found.items, found.raters, found.kappa, found.alpha) == (0, 2, None, None)
    assert agreement({}).raters == 0
