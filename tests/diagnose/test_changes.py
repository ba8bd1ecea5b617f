"""Change points after the fact, and how they are scored."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.skab import nab
from factory_kit.diagnose.changes import change_points
from factory_kit.errors import Inconclusive


def steps(seed: int = 1) -> np.ndarray:
    """Three signals; the first moves at 200, two at 350, none else in 600 rows."""
    rows = np.random.default_rng(seed).normal(0, 1, (600, 3))
    rows[200:, 0] += 4
    rows[350:, 1:] -= 3
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_levels_that_move_are_found_to_the_row(seed: int) -> None:
    """Two moves, within two rows; noise alone has none."""
    found = change_points(steps(seed))
    assert found == pytest.approx([200, 350], abs=2)
    assert change_points(np.random.default_rng(seed).normal(0, 1, (600, 3))) == []


def test_the_division_is_the_best_there_is() -> None:
    """Against every division of sixteen rows into parts of three or more: none costs less with its penalty."""
    rows = np.random.default_rng(4).normal(0, 1, (16, 1)) + np.repeat([0.0, 3.0, -1.0, 0.0], 4)[:, None]
    values = (rows - rows.mean(axis=0)) / rows.std(axis=0)

    def price(cuts: tuple[int, ...]) -> float:
        edges = [0, *cuts, 16]
        parts = [values[a:b] for a, b in pairwise(edges)]
        return sum(float(((part - part.mean()) ** 2).sum()) for part in parts) + len(cuts) * 0.5 * float(np.log(16))

    def divisions(start: int = 0) -> list[tuple[int, ...]]:
        rest = [(cut, *more) for cut in range(start + 3, 14) for more in divisions(cut)]
        return [(), *rest]

    best = min(price(each) for each in divisions())
    assert price(tuple(change_points(rows, penalty=0.5, least=3))) == pytest.approx(best)


def test_missing_and_few_rows_tell_nothing() -> None:
    """A missing value is refused; nineteen rows have no change point."""
    with pytest.raises(Inconclusive, match="a value is missing"):
        change_points(np.array([[1.0], [np.nan]] * 20))
    assert change_points(np.arange(19.0)[:, None]) == []


def test_nab_scores_by_its_formula() -> None:
    """By hand: at once 1, at the end of the window -0.11, halfway 0.445, missed -1, outside -0.11 each."""
    seconds = np.arange(1000.0)
    assert nab(seconds, [100], [100]) == pytest.approx((1, -1, 1))
    assert nab(seconds, [100], [160])[0] == pytest.approx(-0.11)
    assert nab(seconds, [100], [130])[0] == pytest.approx(0.445)
    assert nab(seconds, [100, 500], [99, 500, 520])[0] == pytest.approx(-1 - 0.11 + 1)
    assert nab(seconds, [100, 130], [159, 161])[0] == pytest.approx(
        nab(seconds, [100], [159])[0] + nab(seconds, [100], [101])[0], abs=0.15
    )
