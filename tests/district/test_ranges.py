"""What can be worked out of published tables, against trying out every table that fits."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product

import pytest

from factory_kit.district.disclosure import Rules, _checked
from factory_kit.district.proof import Fact, Range, Safe, Withheld, _up, audit, narrowest

Plants = dict[str, tuple[str, int]]
Filled = dict[tuple[str, int], int]
"""By name and column how many plants."""
COLUMNS = ((0,), (1,), (2, 3))


def released(plants: Plants, rows: Sequence[tuple[str, ...]], hidden: set[tuple[int, int]]) -> Safe:
    """The table of *plants* with some cells hidden."""
    counts = [
        [sum(name in row and level in column for name, level in plants.values()) for column in COLUMNS] for row in rows
    ]
    return Safe(
        tuple(rows),
        COLUMNS,
        tuple(
            tuple(None if (at, column) in hidden else count for column, count in enumerate(row))
            for at, row in enumerate(counts)
        ),
        tuple(sum(row) for row in counts),
        tuple(sum(column) for column in zip(*counts, strict=True)),
        {},
        dict(plants),
    )


def splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to make *total* of so many parts."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        yield from ((first, *rest) for rest in splits(total - first, parts - 1))


def rows_that_fit(release: Safe, at: int) -> Iterator[Filled]:
    """All ways to fill one printed row, name by name."""
    names, width = release.rows[at], len(release.columns)
    for split in splits(release.row_totals[at], len(names) * width):
        filled = {(name, column): split[width * n + column] for n, name in enumerate(names) for column in range(width)}
        sums = [sum(filled[name, column] for name in names) for column in range(width)]
        told = [fact for fact in release.facts if fact.row == at]
        if all(cell in {None, own} for cell, own in zip(release.cells[at], sums, strict=True)) and all(
            fact.lowest <= sum(sums[column] for column in fact.columns) <= fact.highest for fact in told
        ):
            yield filled


def tables_that_fit(release: Safe) -> Iterator[Filled]:
    """All ways to fill a printed table."""
    for rows in product(*(list(rows_that_fit(release, at)) for at in range(len(release.rows)))):
        whole = {place: count for row in rows for place, count in row.items()}
        sums = [sum(count for (_, own), count in whole.items() if own == column) for column in range(len(COLUMNS))]
        if tuple(sums) == release.column_totals:
            yield whole


def changed(before: Safe, after: Safe) -> set[str]:
    """Names where a plant came, went or moved."""
    plants = before.secret.keys() | after.secret.keys()
    pairs = [(before.secret.get(plant), after.secret.get(plant)) for plant in plants]
    return {place[0] for one, other in pairs if one != other for place in (one, other) if place}


def tried_out(releases: Sequence[Safe]) -> Mapping[tuple[int, int, int], Range]:
    """The range of each hidden cell, from every way to fill all releases."""
    found: dict[tuple[int, int, int], set[int]] = {}
    fits = [list(tables_that_fit(release)) for release in releases]
    same = [
        {name for name, _ in fits[at][0]} & {name for name, _ in fits[at + 1][0]} - changed(*pair)
        for at, pair in enumerate(pairwise(releases))
    ]
    for ways in product(*fits):
        if any(
            ways[at][name, column] != ways[at + 1][name, column]
            for at, names in enumerate(same)
            for name in names
            for column in range(len(COLUMNS))
        ):
            continue
        for number, release in enumerate(releases):
            for at, row in enumerate(release.cells):
                for column, cell in enumerate(row):
                    if cell is None:
                        value = sum(ways[number][name, column] for name in release.rows[at])
                        found.setdefault((number, at, column), set()).add(value)
    return {place: Range(min(values), max(values)) for place, values in found.items()}


def some(seed: int) -> tuple[random.Random, Safe]:
    """A small table of four names in three rows, with cells hidden at random."""
    chance = random.Random(seed)  # noqa: S311 - test data
    plants = {f"p{at}": (chance.choice("abcc"), chance.randrange(4)) for at in range(chance.randint(6, 10))}
    hidden = {(at, column) for at in range(3) for column in range(3) if chance.random() < 0.7}
    return chance, released(plants, [("a",), ("b",), ("c",)], hidden)


@pytest.mark.parametrize("seed", range(12))
def test_ranges_are_those_of_all_tables_that_fit(seed: int) -> None:
    """The least and the greatest number of each hidden cell, from what is printed alone; the narrowest cell is the first of them."""
    _, safe = some(seed)
    found = audit(safe)

    assert found == tried_out([safe])
    assert len(found) == safe.hidden
    for width in range(1, 5):
        assert narrowest(safe, width) == next(
            (place for place, each in found.items() if each.highest - each.lowest < width), None
        )


@pytest.mark.parametrize("seed", range(12))
def test_what_stands_beside_a_table_narrows_the_ranges(seed: int) -> None:
    """A share or a median says between which numbers some cells of a row lie."""
    chance, safe = some(seed)
    row, columns = chance.randrange(3), tuple(sorted(chance.sample(range(3), 2)))
    own = sum(
        name == "abc"[row] and any(level in COLUMNS[column] for column in columns)
        for name, level in safe.secret.values()
    )
    told = replace(safe, facts=(Fact(row, columns, max(own - 1, 0), own + chance.randint(0, 1)),))

    assert audit(told) == tried_out([told])


@pytest.mark.parametrize("seed", range(10))
def test_two_releases_are_one_proof(seed: int) -> None:
    """Rows whose plants did not change are equal in both, also inside rows that were merged since."""
    chance = random.Random(100 + seed)  # noqa: S311 - test data
    before = {f"p{at}": (chance.choice("abc"), chance.randrange(3)) for at in range(6)}
    after = {plant: (name, 1 if name == "a" else level) for plant, (name, level) in before.items()}
    if seed % 2:
        after["new"] = ("a", 2)
    rows = [("a",), ("b",), ("c",)]
    hidden = {(at, column) for at in range(3) for column in range(3) if chance.random() < 0.8}
    merged = [("a",), ("b", "c")] if seed % 3 else [("a", "b"), ("c",)]
    first = released(before, rows, hidden)
    second = released(after, merged, {(at, column) for at in range(2) for column in range(3) if chance.random() < 0.7})
    found = audit(second, [first])

    assert found == tried_out([first, second])
    for width in (1, 2):
        assert narrowest(second, width, [first]) == next(
            (place for place, each in found.items() if each.highest - each.lowest < width), None
        )


def test_rows_without_a_plant_come_and_go() -> None:
    """A row of which nobody was ever counted binds nothing in the release that lacks it, before or after."""
    plants = {f"p{at}": ("ab"[at % 2], at % 3) for at in range(7)}
    hidden = {(at, column) for at in range(3) for column in range(2)}
    first = released(plants, [("a",), ("b",), ("c",)], hidden)
    second = released(plants, [("a",), ("b",), ("d",)], hidden)

    assert audit(second, [first]) == tried_out([first, second])


@pytest.mark.parametrize(
    ("value", "whole"), [(2 + 1e-9, 2), (2 - 1e-9, 2), (2.5, 3), (3.001, 4), (-2.5, -2), (-7.25, -7), (0.0, 0)]
)
def test_a_least_number_of_plants_is_whole(value: float, whole: int) -> None:
    """The whole number at or above what the solver says; its noise makes no plant."""
    assert _up(value) == whole


def test_tables_that_share_no_columns_say_nothing_about_each_other() -> None:
    """Levels merged in another way cannot be set equal."""
    plants = {f"p{at}": ("ab"[at % 2], at % 3) for at in range(9)}
    first = released(plants, [("a",), ("b",)], {(0, 0), (0, 1), (1, 0), (1, 1)})
    second = Safe((("a",), ("b",)), ((0, 1, 2), (3,)), ((5, 0), (4, 0)), (5, 4), (9, 0), {}, plants)

    assert {place: found for place, found in audit(second, [first]).items() if place[0] == 0} == audit(first)


def test_tables_that_contradict_themselves_prove_nothing() -> None:
    """Totals that cannot be: no solver finds a range, and nothing is given out."""
    broken = Safe((("a",), ("b",)), ((0,), (1,)), ((None, None), (None, None)), (3, 3), (9, 1))

    with pytest.raises(Withheld, match=r"the proof could not be made \(solver: .*\); nothing is published"):
        audit(broken)
    with pytest.raises(Withheld, match="the proof could not be made"):
        narrowest(broken, 3)


def test_a_table_that_fails_its_last_check_is_withheld() -> None:
    """Whatever was hidden before: ranges as wide as the threshold are let through with the table, narrower ones are not."""
    plants = {f"{name}{level}{at}": (name, level) for name in "ab" for level in (0, 1) for at in range(3)}
    safe = released(plants, [("a",), ("b",)], {(0, 0), (0, 1), (1, 0), (1, 1)})
    wide = _checked(safe, Rules(counts=6), ())

    assert wide.ranges == dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], Range(0, 6))
    with pytest.raises(Withheld, match="the proof failed: a hidden cell could be worked out"):
        _checked(safe, Rules(counts=7), ())
    later = _checked(safe, Rules(counts=6), [released(plants, [("a", "b")], set())])
    assert later.ranges == wide.ranges
