"""Tables as they come out, cell by cell: what is merged, what is hidden, and what is withheld."""

from __future__ import annotations

from fractions import Fraction

import pytest

from factory_kit.district.definitions import Disclosure
from factory_kit.district.disclosure import Rules, dominated, protect
from factory_kit.district.proof import Safe, Withheld

RULES = Rules()
Plants = dict[str, tuple[str, int]]
LEVELS = (0, 1, 1, 2, 2, 2, 3, 3, 4, 5)


def plants(seed: int, count: int, streets: int) -> Plants:
    """A district by arithmetic, the same under every version of Python: large streets first, few plants at the high levels."""
    number, found = seed, Plants()
    for at in range(count):
        number = (number * 1103515245 + 12345) % 2**31
        street, level = number >> 8 & 1023, number >> 18 & 1023
        found[f"p{at:03}"] = ("abcdefghij"[street * street * streets >> 20], LEVELS[level * 10 >> 10])
    return found


def later(before: Plants, step: int, new: Plants) -> Plants:
    """A year on: some plants of the first streets moved up, some are gone, *new* ones came."""
    found = dict(new)
    for at, (plant, (street, level)) in enumerate(sorted(before.items())):
        if at % step == 1 and street < "c":
            continue
        found[plant] = (street, min(5, level + 1) if at % step == 0 and street < "d" else level)
    return found


def shown(table: Safe) -> str:
    """What is printed, a dot for a hidden cell, and the ranges of the hidden ones."""
    lines = [" ".join("+".join(map(str, levels)) for levels in table.columns)]
    for row, cells, total in zip(table.rows, table.cells, table.row_totals, strict=True):
        lines.append(f"{'+'.join(row)}: {' '.join('.' if cell is None else str(cell) for cell in cells)} = {total}")
    ranges = " ".join(f"{found.lowest}-{found.highest}" for _, found in sorted(table.ranges.items()))
    return "\n".join([*lines, f"{' '.join(map(str, table.column_totals))} | {ranges}".rstrip()]) + "\n"


def test_a_campaign_that_says_nothing_has_the_usual_thresholds() -> None:
    """Three plants in a cell, five behind a score, ten behind a share; 70 % of one firm, 85 % of two."""
    usual = Disclosure()

    assert Rules(usual.counts, usual.scores, usual.shares, Fraction(usual.one), Fraction(usual.two)) == Rules()
    assert Rules() == Rules(3, 5, 10, Fraction("0.7"), Fraction("0.85"))


@pytest.mark.parametrize(
    ("firms", "hidden"),
    [
        ((71, 20, 9), True),
        ((5, 71, 5, 5, 5, 5, 4), True),
        ((70, 15, 15), False),
        ((70, 10, 10, 10), False),
        ((45, 41, 7, 7), True),
        ((45, 40, 15), False),
        ((1, 1, 1, 1), False),
        ((50, 50), True),
        ((0, 0, 0), True),
        ((), True),
    ],
)
def test_sums_that_one_or_two_firms_make_are_hidden(firms: tuple[int, ...], hidden: bool) -> None:
    """More than 70 % by one, more than 85 % by two, or fewer than three firms."""
    assert dominated([Fraction(firm, 100) for firm in firms], RULES) is hidden


def test_a_sum_takes_as_many_firms_as_a_cell_takes_plants() -> None:
    """However even they are: the campaign says how many."""
    of_four = Rules(counts=4)

    assert dominated([Fraction(1)] * 3, of_four)
    assert not dominated([Fraction(1)] * 4, of_four)


def test_nothing_to_publish_is_said() -> None:
    """No plants, no table."""
    with pytest.raises(Withheld, match="nothing to publish"):
        protect({}, RULES)


def test_what_is_printed_of_a_table_names_no_plant() -> None:
    """What stands behind a release is not in its text, so that no log and no message can hold it."""
    safe = protect(table(a=(6, 6, 6), b=(6, 6, 6)), RULES)

    assert "a00" in safe.secret
    assert "a00" not in repr(safe)


def test_every_plant_at_one_level_leaves_one_column() -> None:
    """With one column, or one row, only totals are printed and nothing needs hiding."""
    one_level = protect({f"p{at}": ("ab"[at % 2], 0) for at in range(12)}, RULES)
    one_row = protect({f"p{at}": ("a", at % 2) for at in range(12)}, RULES)

    assert shown(one_level) == "0\na: 6 = 6\nb: 6 = 6\n12 |\n"
    assert shown(one_row) == "0 1\na: 6 6 = 12\n6 6 |\n"


def table(**streets: tuple[int, ...]) -> Plants:
    """By street how many plants at level 0, 1, 2."""
    return {
        f"{street}{level}{at}": (street, level)
        for street, counts in streets.items()
        for level, count in enumerate(counts)
        for at in range(count)
    }


def test_the_lowest_level_is_merged_with_the_next() -> None:
    """There is none below it."""
    assert protect(table(a=(1, 5, 5), b=(1, 5, 5)), RULES).columns == ((0, 1), (2,))
    assert protect(table(a=(1, 1, 5), b=(1, 0, 5)), RULES).columns == ((0, 1), (2,))
    assert protect(table(a=(1, 0, 1), b=(0, 0, 0)), RULES).columns == ((0, 1, 2),)


def test_levels_are_merged_from_the_top() -> None:
    """The highest that is too small goes to the one below it, until none is too small."""
    found = protect({f"p{at}": ("ab"[at % 2], at // 2) for at in range(12)}, RULES)

    assert found.columns == ((0, 1), (2, 3), (4, 5))


def test_a_row_of_fewer_than_five_is_joined_with_the_only_other() -> None:
    """One row is left, and only totals are printed."""
    assert shown(protect(table(a=(6, 6, 6), b=(2, 1, 1)), RULES)) == "0 1 2\na+b: 8 7 7 = 22\n8 7 7 |\n"
    assert protect(table(a=(6, 6, 6), b=(2, 2, 1)), RULES).rows == (("a",), ("b",))


@pytest.mark.parametrize(
    ("changes", "joined"),
    [
        ("a01 a12 b01 c01 c12 c20", (("a", "b"), ("c",), ("d",))),
        ("a01 c01 c12", (("a", "c"), ("b",), ("d",))),
        ("c01 c12 c20", (("a",), ("b",), ("c",), ("d",))),
    ],
)
def test_a_change_that_tells_is_joined_with_another(changes: str, joined: tuple[tuple[str, ...], ...]) -> None:
    """With the smallest street of those that changed as well, until as many changed as the threshold says."""
    before = table(a=(6, 6, 6), b=(7, 7, 7), c=(8, 8, 8), d=(4, 4, 4))
    moved = {f"{each[:2]}0": (each[0], int(each[2])) for each in changes.split()}

    assert protect(before | moved, RULES, [protect(before, RULES)]).rows == joined


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"new": ("a", 2)}, "only 1 plants changed since the last release"),
        ({"a00": ("a", 1), "a10": ("a", 2)}, "only 2 plants changed since the last release"),
        ({f"new{at}": ("a", 2) for at in range(9)}, "only 9 plants changed since the last release, or all of them to one level"),
        ({f"new{at}": ("a", at % 4) for at in range(9)}, "a level is new since the last release"),
    ],
)  # fmt: skip
def test_changes_that_tell_are_withheld(changes: Plants, said: str) -> None:
    """One plant, two plants, all to one level, or a level that had no column."""
    before = table(a=(6, 6, 6), b=(6, 6, 6))

    with pytest.raises(Withheld, match=said):
        protect(before | changes, RULES, [protect(before, RULES)])


def test_changes_as_many_as_the_threshold_are_published() -> None:
    """Three plants to two levels tell of nobody; a street without a change keeps its line."""
    before = table(a=(6, 6, 6), b=(6, 6, 6))
    after = before | {"a00": ("a", 1), "a01": ("a", 1), "a02": ("a", 2)}

    assert (
        shown(protect(after, RULES, [protect(before, RULES)]))
        == """\
0 1 2
a: 3 8 7 = 18
b: 6 6 6 = 18
9 14 13 |
"""
    )


def test_a_street_that_is_gone_tells_of_its_plants() -> None:
    """All plants of a street left: however many they are, that tells of each of them, and nothing is given out."""
    before = table(a=(6, 6, 6), b=(6, 6, 6), c=(3, 3, 3))
    after = {plant: place for plant, place in before.items() if place[0] != "c"}

    with pytest.raises(Withheld, match="only 9 plants changed since the last release, or all of them to one level"):
        protect(after, RULES, [protect(before, RULES)])


def test_a_later_total_can_undo_an_earlier_table() -> None:
    """The second release would show that a hidden cell of the first is two at most: whatever is merged, nothing is given out."""
    first = protect(table(a=(2, 10, 5), b=(4, 10, 5)), RULES)
    assert first.cells[0][0] is None

    after = table(a=(2, 10, 5), b=(0, 13, 6))
    with pytest.raises(Withheld, match="no safe table was found; publish later, or with fewer rows"):
        protect(after, RULES, [first])


def test_one_street_is_totals_alone_in_a_later_year_too() -> None:
    """A level that has become rare is shown by its total anyway."""
    before = table(a=(6, 6, 3))
    after = before | {"a20": ("a", 1), "a00": ("a", 1), "a10": ("a", 0)}

    assert shown(protect(after, RULES, [protect(before, RULES)])) == "0 1 2\na: 6 7 2 = 15\n6 7 2 |\n"


def test_a_street_of_one_level_hides_it() -> None:
    """Its total would say the level of each plant."""
    found = protect(table(a=(6, 0, 0), b=(6, 6, 6), c=(6, 6, 6)), RULES)

    assert found.cells == ((None, None, 0), (None, None, 6), (6, 6, 6))


def test_what_changed_is_hidden_anew() -> None:
    """A cell that was shown is hidden where it has become small; a street without a change stays as it was."""
    before = table(a=(6, 6, 6), b=(6, 6, 6), c=(6, 6, 6))
    moved = {"a20": 0, "a21": 1, "a22": 0, "a23": 1, "b00": 1, "b01": 2, "b02": 1}
    after = before | {plant: (plant[0], level) for plant, level in moved.items()}

    assert protect(after, RULES, [protect(before, RULES)]).cells == ((None, 8, None), (None, 8, None), (6, 6, 6))


def test_what_was_shown_and_did_not_change_stays_shown() -> None:
    """Also where the campaign has since raised its threshold: everybody has it already."""
    before = table(a=(6, 6, 6), b=(6, 6, 2))
    after = before | {"a00": ("a", 1), "a01": ("a", 1), "a02": ("a", 2)}

    assert protect(after, RULES, [protect(before, Rules(counts=2))]).cells == ((3, 8, 7), (6, 6, 2))


SMALL = {
    (3, 60, 9): """\
0 1 2 3 4 5
a: . 5 5 7 . . = 27
b: . . . . 0 0 = 12
c+e+g: . . . . . 0 = 7
d+h+i: . 3 0 . . . = 9
f: . . . . 0 . = 5
11 12 12 14 5 6 | 0-10 0-5 0-6 0-11 0-4 0-7 0-7 0-7 0-4 0-7 0-7 0-5 0-6 0-6 0-5 0-6 0-5 0-4 0-5 0-5 0-5
""",
    (5, 24, 4): """\
0 1 2 3+4 5
a: . 4 . . . = 18
b+c+d: . 0 . . . = 6
3 4 8 6 3 | 0-3 2-8 0-6 0-3 0-3 0-6 0-6 0-3
""",
    (7, 75, 6): """\
0 1 2 3 4 5
a: . 7 7 8 7 . = 34
b: . 4 . . . 0 = 10
c: . . 6 . . 0 = 14
d: . . . . 0 . = 8
e+f: . . . . . . = 9
8 17 18 16 11 5 | 0-5 0-5 0-6 0-5 0-6 0-4 0-8 0-6 0-8 0-4 0-8 0-6 0-5 0-8 0-5 0-8 0-6 0-5 0-8 0-4 0-5
""",
}


@pytest.mark.parametrize(("of", "expected"), SMALL.items())
def test_small_streets_and_levels_are_merged(of: tuple[int, int, int], expected: str) -> None:
    """A row from five plants, a level from three, a cell from three and not the whole row; partners until the ranges are as wide."""
    assert shown(protect(plants(*of), RULES)) == expected


THREE_YEARS = (
    """\
0 1 2 3 4 5
a: 6 18 28 9 7 3 = 71
b: 7 6 8 9 3 3 = 36
c: 5 4 8 6 6 4 = 33
d: 3 10 . 7 . 4 = 27
e: 0 6 3 4 4 3 = 20
f: . . 4 . . . = 13
g: . 3 6 . . . = 15
h: 4 5 5 . 4 . = 22
i: 0 . 4 4 0 . = 11
j: . . . 5 3 0 = 12
29 57 69 50 31 24 | 0-3 0-3 0-4 0-5 0-6 0-4 0-7 0-4 0-6 0-4 0-6 0-4 0-4 0-3 0-3 0-4 0-4 0-3
""",
    """\
0 1 2 3 4 5
a: 7 19 21 12 5 5 = 69
b+c: 10 5 16 15 9 8 = 63
d: 3 10 . 7 . 4 = 27
e: 0 6 3 4 4 3 = 20
f: . . 4 . . . = 13
g: . 3 6 . . . = 15
h: 4 5 5 . 4 . = 22
i: 0 . 4 4 0 . = 11
j: . . . 5 3 0 = 12
28 53 62 53 29 27 | 0-3 0-3 0-4 0-5 0-6 0-4 0-7 0-4 0-6 0-4 0-6 0-4 0-4 0-3 0-3 0-4 0-4 0-3
""",
    """\
0 1 2 3 4 5
a: 5 15 21 11 4 5 = 61
b+c: 8 5 16 14 10 8 = 61
d: 3 10 . 7 . 4 = 27
e: 0 6 3 4 4 3 = 20
f: . . 4 . . . = 13
g: . 3 6 . . . = 15
h: 4 5 5 . 4 . = 22
i: 0 . 4 4 0 . = 11
j: . . . 5 3 0 = 12
24 49 62 51 29 27 | 0-3 0-3 0-4 0-5 0-6 0-4 0-7 0-4 0-6 0-4 0-6 0-4 0-4 0-3 0-3 0-4 0-4 0-3
""",
)


def test_three_years_of_a_large_district() -> None:
    """Streets that changed are joined where the change would tell, streets that did not are printed as they were."""
    releases: list[Safe] = []
    found = plants(4, 260, 10)
    for step, expected in zip((9, 7, 1), THREE_YEARS, strict=True):
        releases.append(protect(found, RULES, releases))
        assert shown(releases[-1]) == expected
        found = later(found, step, {f"q{step}{at}": ("a", at % 3) for at in range(6 if step == 9 else 0)})
