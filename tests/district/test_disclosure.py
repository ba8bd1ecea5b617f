from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from factory_kit.district.disclosure import Rules, protect
from factory_kit.district.proof import Safe, Withheld, audit

LONG = bool(os.environ.get("FACTORY_KIT_LONG"))
DISTRICTS = 200 if LONG else 6
RULES = Rules()
Plants = dict[str, tuple[str, int]]


def district(seed: int, count: int | None = None) -> Plants:
    """Plants of a random district: streets of very different size, levels skewed to the low end."""
    chance = random.Random(seed)  # noqa: S311 - test data
    streets = [f"s{at:02d}" for at in range(chance.randint(3, 17 if LONG else 9))]
    weights = [chance.random() ** 3 + 0.02 for _ in streets]
    total = count or chance.randint(30, 400 if LONG else 200)
    return {
        f"p{at:04d}": (chance.choices(streets, weights)[0], chance.choices(range(6), (8, 30, 30, 20, 5, 1))[0])
        for at in range(total)
    }


def later(plants: Mapping[str, tuple[str, int]], seed: int) -> Plants:
    """The district a year later: some moved up, some are new."""
    chance = random.Random(seed + 10_000)  # noqa: S311 - test data
    streets = sorted({street for street, _ in plants.values()})
    moved = {
        plant: (street, min(5, level + 1) if chance.random() < 0.15 else level)
        for plant, (street, level) in plants.items()
    }
    new = {f"q{at:04d}": (chance.choice(streets), chance.choice((1, 2, 3))) for at in range(chance.randint(5, 60))}
    return moved | new


def attack(releases: Sequence[Safe], unchanged: Sequence[set[str]] = ()) -> list[tuple[int, int, int]]:
    """Hidden cells that can be worked out, by integer programs over what is printed: hidden cells only, sums moved to the right.

    The attacker knows which streets did not change between two releases and treats a merged row as the sum of unknowns.
    """
    names: list[tuple[int, str, int]] = []
    for number, release in enumerate(releases):
        for at, row in enumerate(release.rows):
            hidden = [column for column, cell in enumerate(release.cells[at]) if cell is None or len(releases) > 1]
            names += [(number, name, column) for name in row for column in hidden]
    at_ = {name: at for at, name in enumerate(names)}
    rows, right = [], []

    def fact(terms: Mapping[tuple[int, str, int], float], value: float) -> None:
        line = np.zeros(len(names))
        for name, sign in terms.items():
            line[at_[name]] += sign
        rows.append(line)
        right.append(value)

    for number, release in enumerate(releases):
        _printed(number, release, at_, fact)
    for number, still in enumerate(unchanged):
        for name in still:
            for column in range(len(releases[0].columns)):
                fact({(number, name, column): 1.0, (number + 1, name, column): -1.0}, 0.0)
    facts_ = LinearConstraint(csr_array(np.array(rows)), np.array(right), np.array(right)) if rows else None
    seen: list[np.ndarray] = []
    return [cell for cell in _hidden(releases) if len(_values(cell, releases, at_, facts_, seen)) == 1]


def _printed(number: int, release: Safe, known: Mapping[tuple[int, str, int], int], fact: object) -> None:
    assert callable(fact)
    columns = range(len(release.columns))
    for at, row in enumerate(release.rows):
        terms = {(number, n, c): 1.0 for n in row for c in columns if (number, n, c) in known}
        seen = sum(release.cells[at][c] or 0 for c in columns if (number, row[0], c) not in known)
        if terms:
            fact(terms, release.row_totals[at] - seen)
        for c in columns:
            if release.cells[at][c] is not None and (number, row[0], c) in known:
                fact({(number, n, c): 1.0 for n in row}, release.cells[at][c])
    for c in columns:
        terms = {(number, n, c): 1.0 for row in release.rows for n in row if (number, n, c) in known}
        seen = sum(release.cells[at][c] or 0 for at, row in enumerate(release.rows) if (number, row[0], c) not in known)
        if terms:
            fact(terms, release.column_totals[c] - seen)


def _hidden(releases: Sequence[Safe]) -> list[tuple[int, int, int]]:
    return [
        (number, at, column)
        for number, release in enumerate(releases)
        for at, row in enumerate(release.cells)
        for column, cell in enumerate(row)
        if cell is None
    ]


def _values(
    cell: tuple[int, int, int],
    releases: Sequence[Safe],
    at_: Mapping[tuple[int, str, int], int],
    printed: LinearConstraint | None,
    seen: list[np.ndarray],
) -> set[int]:
    """Whole numbers that the cell can be: those of tables *seen* to fit before, else the smallest and the largest there is."""
    number, at, column = cell
    objective = np.zeros(len(at_))
    for name in releases[number].rows[at]:
        objective[at_[number, name, column]] = 1.0
    found = {round(float(objective @ table)) for table in seen}
    for sign in (1, -1):
        if len(found) > 1:
            break
        solved = milp(sign * objective, constraints=printed, integrality=np.ones(len(at_)), bounds=Bounds(0, np.inf))
        assert solved.success
        seen.append(np.round(solved.x))
        found.add(round(sign * solved.fun))
    return found


def still(before: Mapping[str, tuple[str, int]], after: Mapping[str, tuple[str, int]]) -> set[str]:
    """Streets where every plant is as it was."""
    streets = {street for street, _ in before.values()} & {street for street, _ in after.values()}
    return {
        street
        for street in streets
        if {p: at for p, at in before.items() if at[0] == street}
        == {p: at for p, at in after.items() if at[0] == street}
    }


@pytest.mark.parametrize("seed", range(DISTRICTS))
def test_no_hidden_cell_can_be_worked_out(seed: int) -> None:
    """Whole-number programs over what is printed find no hidden cell, and every cell that is too small is hidden."""
    plants = district(seed)
    safe = protect(plants, RULES)

    assert attack([safe]) == []
    if len(safe.rows) > 1 and len(safe.columns) > 1:
        shown = [cell for row in safe.cells for cell in row if cell]
        assert all(cell >= RULES.counts for cell in shown)
        assert all(cell < total for row, total in zip(safe.cells, safe.row_totals, strict=True) for cell in row if cell)
    assert sum(safe.row_totals) == sum(safe.column_totals) == len(plants)
    assert all(found.highest - found.lowest >= RULES.counts for found in safe.ranges.values())


@pytest.mark.parametrize("seed", range(DISTRICTS))
def test_two_releases_tell_no_more_than_one(seed: int) -> None:
    """By differencing nothing hidden is found, in either release; where that cannot be, the second is withheld with its reason."""
    before = district(seed)
    after = later(before, seed)
    first = protect(before, RULES)
    reason = "released"
    try:
        releases = [first, protect(after, RULES, [first])]
    except Withheld as error:
        releases, reason = [first], str(error)

    assert "release" in reason or "publish" in reason
    assert attack(releases, [still(before, after)][: len(releases) - 1]) == []


def test_a_year_later_most_districts_can_publish_again() -> None:
    """Withholding is the exception."""
    published = 0
    for seed in range(4):
        before = district(seed)
        try:
            published += bool(protect(later(before, seed), RULES, [protect(before, RULES)]).rows)
        except Withheld:
            continue
    assert published >= 3


def test_a_badly_protected_table_is_broken_by_the_same_attack() -> None:
    """Hiding small cells alone is undone by the totals, in nearly every district: the attack can win."""
    broken = tried = 0
    for seed in range(DISTRICTS):
        safe = protect(district(seed), RULES)
        bad = naive(safe)
        tried += bool(bad.hidden)
        broken += bool(attack([bad]))
    assert tried >= DISTRICTS // 2
    assert broken >= tried // 2


def naive(safe: Safe) -> Safe:
    """The same table with small cells hidden and nothing else."""
    rows = {name: at for at, row in enumerate(safe.rows) for name in row}
    columns = {level: at for at, column in enumerate(safe.columns) for level in column}
    counts = [[0] * len(safe.columns) for _ in safe.rows]
    for street, level in safe.secret.values():
        counts[rows[street]][columns[level]] += 1
    cells = tuple(tuple(None if 0 < cell < RULES.counts else cell for cell in row) for row in counts)
    return replace(safe, cells=cells)


def test_the_auditor_sees_what_the_attack_sees() -> None:
    """On badly protected tables the linear programs give the cells that the integer programs find."""
    for seed in range(2):
        bad = naive(protect(district(seed), RULES))
        narrow = sorted(
            (0, row, column) for (_, row, column), found in audit(bad).items() if found.highest == found.lowest
        )
        assert narrow == attack([bad])


def test_one_new_plant_is_not_published() -> None:
    """A release that differs from the last by one plant would show its level: it is refused; the same data again is fine."""
    plants = district(3)
    first = protect(plants, RULES)
    assert protect(plants, RULES, [first]).cells == first.cells

    with pytest.raises(Withheld, match="only 1 plants changed"):
        protect({**plants, "new": ("s00", 2)}, RULES, [first])


def test_differencing_without_the_guard_shows_the_newcomers() -> None:
    """The same two tables published without regard to each other are broken: what the guard is for."""
    found = 0
    for seed in range(2):
        plants = district(seed, 60)
        first = protect(plants, RULES)
        street = first.rows[0][0]
        second = protect({**plants, "new": (street, 2)}, RULES)
        if first.rows == second.rows and first.columns == second.columns:
            changed = [
                (row, column)
                for row in range(len(first.rows))
                for column in range(len(first.columns))
                if None not in (first.cells[row][column], second.cells[row][column])
                and first.cells[row][column] != second.cells[row][column]
            ]
            found += first.column_totals != second.column_totals or bool(changed)
    assert found > 0


def test_rows_that_are_too_small_are_merged() -> None:
    """No row of the table has fewer plants than a score may stand on, unless it is the only one."""
    safe = protect({f"p{at}": ("big" if at < 40 else f"tiny{at}", at % 3) for at in range(44)}, RULES)

    assert len(safe.rows) == 1 or min(safe.row_totals) >= RULES.scores
    assert {name for row in safe.rows for name in row} == {"big", "tiny40", "tiny41", "tiny42", "tiny43"}


def test_a_street_where_all_are_at_one_level_does_not_show_it() -> None:
    """Even a large cell is hidden when it is the whole row: it would say the level of every plant there."""
    plants = {f"a{at}": ("a", 1) for at in range(12)} | {f"b{at}": ("b", at % 3) for at in range(60)}
    safe = protect(plants, RULES)

    assert all(cell != 12 for row in safe.cells for cell in row)
