from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from factory_kit.district.beside import Beside, _about_levels, share_facts, shares, with_medians
from factory_kit.district.disclosure import Rules, protect
from factory_kit.district.proof import Fact, Safe, audit

RULES = Rules()
Plants = dict[str, tuple[str, int]]


def district(seed: int) -> tuple[Plants, dict[str, Fraction]]:
    """Plants with a level each, and the score that goes with it."""
    chance = random.Random(seed)  # noqa: S311 - test data
    streets = [f"s{at}" for at in range(chance.randint(3, 7))]
    weights = [chance.random() ** 2 + 0.05 for _ in streets]
    scores = {f"p{at}": Fraction(round(500 * chance.betavariate(2, 3)), 100) for at in range(chance.randint(40, 120))}
    return {p: (chance.choices(streets, weights)[0], int(score)) for p, score in scores.items()}, scores


def made(seed: int) -> tuple[Beside, dict[str, Fraction]]:
    """The table of a random district with what stands beside it."""
    plants, scores = district(seed)
    return with_medians(protect(plants, RULES), scores, RULES), scores


def ranges(table: Safe, more: list[tuple[int, list[int], float, float]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Least and greatest whole number of each hidden cell by integer programs, from table and *more* (row, columns, between)."""
    hidden = [(at, column) for at, row in enumerate(table.cells) for column, cell in enumerate(row) if cell is None]
    rows = [[float(at == own) for own, _ in hidden] for at in range(len(table.rows))]
    rows += [[float(column == own) for _, own in hidden] for column in range(len(table.columns))]
    left = [total - sum(cell or 0 for cell in row) for total, row in zip(table.row_totals, table.cells, strict=True)]
    shown = [sum(row[column] or 0 for row in table.cells) for column in range(len(table.columns))]
    left += [total - some for total, some in zip(table.column_totals, shown, strict=True)]
    low, high = [float(each) for each in left], [float(each) for each in left]
    for at, columns, least, most in more:
        seen = sum(table.cells[at][column] or 0 for column in columns)
        rows.append([float(own == at and column in columns) for own, column in hidden])
        low.append(least - seen)
        high.append(most - seen)
    found = {}
    for number, cell in enumerate(hidden):
        objective = np.eye(len(hidden))[number]
        ends = [
            milp(sign * objective, constraints=LinearConstraint(np.array(rows), low, high), integrality=np.ones(len(hidden)),
                 bounds=Bounds(0, np.inf))
            for sign in (1, -1)
        ]  # fmt: skip
        assert all(end.success for end in ends)
        found[cell] = (round(ends[0].fun), round(-ends[1].fun))
    return found


def beside(found: Beside, scores: dict[str, Fraction]) -> list[tuple[int, list[int], float, float]]:
    """What somebody reads out of the printed medians and shares, worked out from the scores themselves."""
    table, facts = found.table, []
    for at, row in enumerate(shares(table, RULES)):
        for column, share in enumerate(row):
            if share is not None:
                printed = float(f"{float(share):.3f}")
                facts.append(
                    (
                        at,
                        [column],
                        (printed - 0.0005) * table.row_totals[at] - 1e-9,
                        (printed + 0.0005) * table.row_totals[at] + 1e-9,
                    )
                )
    for at, plant in found.medians.items():
        own = sorted(scores[p] for p, (street, _) in table.secret.items() if street in table.rows[at])
        median, count = own[(len(own) - 1) // 2], len(own)
        assert scores[plant] == median
        up_to = [column for column, levels in enumerate(table.columns) if min(levels) <= int(median)]
        facts.append((at, up_to, (count - 1) // 2 + 1, count))
    return facts


@pytest.mark.parametrize("seed", range(6))
def test_shares_and_medians_leave_every_hidden_cell_its_range(seed: int) -> None:
    """Whole-number programs that also know the printed shares and medians find at least the range that was promised."""
    found, scores = made(seed)

    for least, most in ranges(found.table, beside(found, scores)).values():
        assert most - least >= RULES.counts
    assert found.medians or not found.table.hidden


def test_shares_stand_where_their_cells_do() -> None:
    """No share of a hidden cell, none of a row of fewer than ten plants; the others are the cell over its row."""
    table = made(1)[0].table
    for at, row in enumerate(shares(table, RULES)):
        for cell, share in zip(table.cells[at], row, strict=True):
            if cell is None or table.row_totals[at] < RULES.shares:
                assert share is None
            else:
                assert share == Fraction(cell, table.row_totals[at])


def test_shares_of_hidden_cells_are_found_by_the_auditor_and_by_the_attack() -> None:
    """Shares printed for all cells undo the hiding: both see it, so both can fail."""
    broken = 0
    for seed in range(6):
        plants, _ = district(seed)
        table = protect(plants, RULES)
        if not table.hidden:
            continue
        all_of = [
            [Fraction(sum(street in row and level in column for street, level in plants.values()), total) for column in table.columns]
            for row, total in zip(table.rows, table.row_totals, strict=True)
        ]  # fmt: skip
        printed = [
            (at, [column], (float(share) - 0.0005) * table.row_totals[at], (float(share) + 0.0005) * table.row_totals[at])
            for at, row in enumerate(all_of) for column, share in enumerate(row)
        ]  # fmt: skip
        assert all(least == most for least, most in ranges(table, printed).values())
        told = audit(replace(table, facts=share_facts(table, all_of)))
        assert all(each.lowest == each.highest for each in told.values())
        broken += 1
    assert broken >= 4


def test_a_median_that_tells_is_left_out() -> None:
    """Where a median would narrow a hidden cell too far it is not printed; elsewhere it stays."""
    left_out = kept = 0
    for seed in range(8):
        found, _ = made(seed)
        large = [at for at, total in enumerate(found.table.row_totals) if total >= RULES.scores]
        left_out += len(large) - len(found.medians)
        kept += len(found.medians)
    assert left_out > 0
    assert kept > left_out


def by_hand(columns: tuple[tuple[int, ...], ...], hidden: bool, **streets: tuple[int, ...]) -> Safe:
    """A table of *streets*, each with so many plants at level 0, 1, 2; all cells hidden, or none."""
    levels = {
        street: [level for level, count in enumerate(counts) for _ in range(count)]
        for street, counts in streets.items()
    }
    cells = [[sum(level in column for level in some) for column in columns] for some in levels.values()]
    return Safe(
        tuple((street,) for street in streets), columns,
        tuple(tuple(None if hidden else count for count in row) for row in cells),
        tuple(map(sum, cells)), tuple(map(sum, zip(*cells, strict=True))), {},
        {f"{street}{at}": (street, level) for street, some in levels.items() for at, level in enumerate(some)},
    )  # fmt: skip


def scored(table: Safe) -> dict[str, Fraction]:
    """The score of each plant is its level."""
    return {plant: Fraction(level) for plant, (_, level) in table.secret.items()}


TWO = ((0,), (1,))
EVEN = by_hand(TWO, True, a=(4, 4), b=(4, 4))
OF_B = (Fact(1, (0,), 4, 8), Fact(1, (0, 1), 5, 8))
"""At least four of the eight are at level 0, where the median is; at least five at it or above."""


@pytest.mark.parametrize(
    ("table", "earlier", "medians", "facts"),
    [
        (EVEN, [], {1: "b3"}, OF_B),
        (EVEN, [EVEN], {}, ()),
        (by_hand(TWO, True, a=(2, 2), b=(4, 4)), [], {}, ()),
        (by_hand(TWO, True, a=(3, 1), b=(3, 1)), [], {}, ()),
        (by_hand(TWO, False, a=(3, 2), b=(3, 1)), [], {0: "a2"}, (Fact(0, (0,), 3, 5), Fact(0, (0, 1), 3, 5))),
    ],
    ids=["its own", "of an earlier release", "of a row without", "too few plants", "plants enough"],
)
def test_the_median_that_narrows_a_cell_goes(
    table: Safe, earlier: list[Safe], medians: dict[int, str], facts: tuple[Fact, ...]
) -> None:
    """That of the row whose cell is narrowed; all of them where that row has none, or the cell is one of an earlier release."""
    found = with_medians(table, scored(table), RULES, earlier)

    assert found == Beside(replace(table, facts=facts), medians)


def test_what_is_printed_beside_a_table_is_said_of_its_cells() -> None:
    """Shares first, then medians: the lower of two in order of the scores."""
    table = by_hand(((0, 1), (2,)), False, a=(3, 3, 4), b=(5, 0, 4))
    scores = scored(table) | {"a0": Fraction(5)}
    shown = (Fact(0, (0,), 6, 6), Fact(0, (1,), 4, 4))
    of_a = (Fact(0, (0,), 5, 10), Fact(0, (0, 1), 6, 10))
    of_b = (Fact(1, (0,), 5, 9), Fact(1, (0, 1), 5, 9))

    assert shares(table, RULES) == ((Fraction(3, 5), Fraction(2, 5)), (None, None))
    assert with_medians(table, scores, RULES) == Beside(
        replace(table, facts=(*shown, *of_a, *of_b)), {0: "a5", 1: "b4"}
    )


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [(Fraction(1000, 3000), 998, 1000), (Fraction(1, 6000), -1, 1), (Fraction(2996, 3000), 2996, 2998), (Fraction(1), 2999, 3001)],
)  # fmt: skip
def test_a_printed_share_is_a_span_of_plants(share: Fraction, low: int, high: int) -> None:
    """Rounded to a tenth of a per cent it stands for all whole numbers within half of that; what is not printed says nothing."""
    table = Safe((("a",), ("b",)), TWO, ((None, None), (None, None)), (5, 3000), (2000, 1005))

    assert share_facts(table, [[None, None], [None, share]]) == (Fact(1, (1,), low, high),)


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        ("a0", [Fact(0, (0, 1), 5, 9)]),
        ("a2", [Fact(0, (0, 1), 5, 9)]),
        ("a3", [Fact(0, (0,), 5, 9), Fact(0, (0, 1), 5, 9)]),
        ("a7", [Fact(0, (0, 1), 5, 9)]),
    ],
)
def test_a_median_says_what_is_so_in_truth(plant: str, expected: list[Fact]) -> None:
    """Where levels do not follow the scores, a side with too few plants is not said."""
    assert _about_levels(by_hand(((0, 1), (2,)), True, a=(3, 3, 3), b=(9, 9, 9)), 0, plant) == expected
