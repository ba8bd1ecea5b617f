"""Sums as they come out, firm by firm: which rows are shown, which are hidden with them, and when nothing is given out."""

from __future__ import annotations

from fractions import Fraction

import pytest

from factory_kit.district.disclosure import Rules
from factory_kit.district.proof import Withheld
from factory_kit.district.sums import SafeSums, Span, _checked, _fraction, _tells, needed, protect_sums, spans

RULES = Rules()
Amounts = dict[str, tuple[str, str, Fraction]]


def firms(**rows: tuple[int, ...]) -> Amounts:
    """By row the amounts of as many firms, a plant each."""
    return {
        f"{row}{at}": (row, f"{row}{at}", Fraction(amount))
        for row, amounts in rows.items()
        for at, amount in enumerate(amounts)
    }


def rows_of(*names: str) -> list[tuple[str, ...]]:
    """Rows, each of names written together."""
    return [tuple(name) for name in names]


def shown(sums: SafeSums) -> str:
    """What is printed, a dot for a hidden sum."""
    return " ".join("." if each is None else str(each) for each in (*sums.values, sums.total))


EVEN = (30, 30, 20, 20)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (firms(a=EVEN, b=EVEN, c=EVEN), "100 100 100 300"),
        (firms(a=EVEN, b=(90, 5, 5), c=(60, 60, 60)), ". . 180 380"),
        (firms(a=EVEN, b=(9, 1), c=(60, 60, 60)), ". . 180 290"),
        (firms(a=(900, 1, 1), b=EVEN, c=(60, 60, 60)), ". . . ."),
        (firms(a=(900, 1, 1), b=EVEN, c=(60, 60, 60, 60, 60, 60)), ". . . 1362"),
        (firms(a=(300, 1, 1), b=EVEN, c=(60, 60, 60)), ". . . 582"),
        (firms(a=(70, 20, 10), b=EVEN, c=EVEN), ". . 100 300"),
        (firms(a=(70, 15, 15), b=EVEN, c=EVEN), "100 100 100 300"),
        (firms(a=(71, 15, 14), b=EVEN, c=EVEN), ". . 100 300"),
        (firms(a=(5, 5), b=(5,), c=()), ". . . 15"),
        (firms(a=(5, 5), b=(), c=()), ". . . ."),
        (firms(a=EVEN, b=(), c=EVEN), ". . 100 200"),
        (firms(a=(70, 5, 5), b=(7, 7, 6), c=EVEN), ". . 100 200"),
        (firms(a=(10**11,) * 4, b=EVEN, c=(11, 13, 17, 19)), "400000000000 100 60 400000000160"),
    ],
)
def test_dominated_rows_are_hidden_with_the_smallest_others(amounts: Amounts, expected: str) -> None:
    """Until the hidden ones together are spread over enough firms; where even the total tells, nothing is given out."""
    assert shown(protect_sums(amounts, rows_of("a", "b", "c"), RULES)) == expected


def numbers(seed: int, count: int) -> Amounts:
    """A district by arithmetic, the same under every version of Python: a few giants, firms with several plants."""
    number, found = seed, Amounts()
    for at in range(count):
        number = (number * 1103515245 + 12345) % 2**31
        one, two = number >> 8 & 1023, number >> 18 & 1023
        found[f"p{at}"] = ("abcdefg"[one * 7 >> 10], f"f{two * count >> 11}", Fraction(1 + two**4 // 10**9, 1))
    return found


def later(before: Amounts, step: int) -> Amounts:
    """A year on: some firms of the first rows use more, one plant in a hundred is gone."""
    return {
        plant: (row, firm, amount * 2 if at % step == 0 and row < "d" else amount)
        for at, (plant, (row, firm, amount)) in enumerate(before.items())
        if at % 100 != step
    }


YEARS = {
    1: ". 2787 4652 3988 3596 . 1192 18222 | . . . . . . . . | . . . . . .",
    2: "3307 6703 3227 4212 2601 3634 2762 26446 | 5401 9115 . . . . . 32315 | . . . . . 37498",
    3: ". 2626 . . . 1812 . 7863 | . . . . . 1812 . 9033 | . . . . . .",
    4: ". . 3519 2075 5342 2598 3951 19120 | . . . 2075 5342 . 3951 19446 | . . 2075 . 3951 20367",
    5: "1311 3990 1896 5243 3064 1913 3971 21388 | . 5406 . . 3064 . 3971 23273 | . . . . . .",
    6: ". 1363 . . . . . 8301 | . . . . . . . 9243 | . . . . . .",
}


@pytest.mark.parametrize(("seed", "expected"), YEARS.items())
def test_three_years_of_sums(seed: int, expected: str) -> None:
    """What was hidden stays hidden, what a difference would tell is hidden with it; rows were joined before the third year."""
    assert years(seed) == expected


def years(seed: int) -> str:
    """Three releases, a line each."""
    amounts, releases = numbers(seed, 40 + 40 * (seed % 3)), list[SafeSums]()
    for names, step in ((tuple("abcdefg"), 3), (tuple("abcdefg"), 5), (("a", "bc", "d", "ef", "g"), 7)):
        releases.append(protect_sums(amounts, rows_of(*names), RULES, releases))
        amounts = later(amounts, step)
    return " | ".join(shown(each) for each in releases)


EARLIER = firms(a=(60, 30, 30), b=EVEN, c=EVEN)
"""Every firm of a changes in SPREAD, so that the change tells of nobody, but the sum is then one firm's."""
SPREAD = EARLIER | firms(a=(90, 5, 5))


@pytest.mark.parametrize(
    ("before", "block", "tells"),
    [
        (("a", "b", "c"), "ab", True),
        (("a", "b", "c"), "abc", True),
        (("a", "b", "c"), "a", False),
        (("a", "b", "c"), "bc", False),
        (("a", "b", "c"), "b", False),
    ],
)
def test_what_stayed_is_taken_off_a_sum(before: tuple[str, ...], block: str, tells: bool) -> None:
    """A block less the rows in it that did not change is known; where nothing stayed, or nothing changed, nothing is taken off."""
    release = SafeSums(tuple(rows_of(*before)), (Fraction(1),) * len(before), Fraction(3), EARLIER)

    assert _tells(frozenset(block), SPREAD, release, RULES) is tells


def test_a_merged_row_changes_with_any_of_its_names() -> None:
    """What is known of a and b together is known of neither, and changes with a alone."""
    small = {
        plant: (row, firm, amount / 10 if row == "b" else amount) for plant, (row, firm, amount) in EARLIER.items()
    }
    now = small | firms(a=(90, 5, 5))
    release = SafeSums(tuple(rows_of("ab", "c")), (Fraction(1),) * 2, Fraction(2), small)

    assert _tells(frozenset("abc"), now, release, RULES)


def test_rows_that_were_split_are_not_shown() -> None:
    """A row that was published together says something about its parts."""
    amounts = firms(a=EVEN, b=EVEN, c=EVEN, d=EVEN)
    first = protect_sums(amounts, rows_of("ab", "c", "d"), RULES)
    second = protect_sums(amounts, rows_of("a", "b", "c", "d"), RULES, [first])

    assert (shown(first), shown(second)) == ("200 100 100 400", ". . 100 100 400")


def test_a_row_with_a_hidden_part_is_hidden() -> None:
    """A row that joins a hidden one with a shown one would tell the hidden one."""
    amounts = firms(a=EVEN, b=(90, 5, 5), c=(60, 60, 60))
    first = protect_sums(amounts, rows_of("a", "b", "c"), RULES)
    second = protect_sums(amounts, rows_of("ac", "b"), RULES, [first])

    assert (shown(first), shown(second)) == (". . 180 380", ". . 380")


def test_a_hidden_row_is_not_shown_beside_one_that_was() -> None:
    """Less the shown row it is known, and then the one that was hidden with it, even if that needs no hiding any more."""
    before = firms(a=EVEN, b=(90, 5, 5), c=EVEN, d=EVEN)
    first = protect_sums(before, rows_of("a", "b", "c", "d"), RULES)
    second = protect_sums(before | firms(b=EVEN), rows_of("ac", "b", "d"), RULES, [first])

    assert (shown(first), shown(second)) == (". . 100 100 400", ". . 100 400")


def test_what_is_printed_of_sums_names_no_firm() -> None:
    """What stands behind a release is not in its text, so that no log and no message can hold it."""
    sums = protect_sums(firms(a=EVEN), rows_of("a"), RULES)

    assert "a0" in sums.secret
    assert "a0" not in repr(sums)


def test_what_was_not_given_out_binds_nobody() -> None:
    """A release without a total has no block, and the next one is free."""
    nothing = protect_sums(firms(a=(900, 1, 1)), rows_of("a"), RULES)
    after = protect_sums(firms(a=EVEN), rows_of("a"), RULES, [nothing])

    assert (nothing.blocks, nothing.hidden, shown(after)) == ((), 1, "100 100")
    assert after.blocks == (frozenset("a"),)
    assert spans([nothing]) == {}


def test_blocks_are_what_everybody_knows() -> None:
    """Each shown row, and the hidden ones together."""
    sums = protect_sums(firms(a=EVEN, b=(90, 5, 5), c=(60, 60, 60)), rows_of("a", "b", "c"), RULES)

    assert sums.blocks == (frozenset("c"), frozenset("ab"))


def test_a_span_is_what_the_programs_leave() -> None:
    """Hidden rows share their sum, a merged row is shared by its names, and names without a change are equal in both releases."""
    amounts = firms(a=EVEN, b=(90, 5, 5), c=(60, 60, 60))
    first = SafeSums(tuple(rows_of("a", "b", "c")), (None, None, Fraction(180)), Fraction(380), amounts)
    more = amounts | {"b9": ("b", "b9", Fraction(50))}
    second = SafeSums(tuple(rows_of("ab", "c")), (Fraction(250), Fraction(180)), Fraction(430), more)

    free, fixed = Span(Fraction(0), Fraction(200)), Span(Fraction(180), Fraction(180))
    assert spans([first]) == {(0, "a"): free, (0, "b"): free, (0, "c"): fixed}
    assert spans([first, second]) == {
        (0, "a"): free, (0, "b"): free, (0, "c"): fixed,
        (1, "a"): free, (1, "b"): Span(Fraction(50), Fraction(250)), (1, "c"): fixed,
    }  # fmt: skip


def test_rows_without_a_plant_are_in_one_release_alone() -> None:
    """A row of which nobody was ever counted is equal to nothing in the release that lacks it."""
    amounts = firms(a=EVEN, b=EVEN)
    first = SafeSums(tuple(rows_of("a", "b")), (None, None), Fraction(200), amounts)
    second = SafeSums(tuple(rows_of("a", "b", "d")), (None, None, None), Fraction(200), amounts)

    free, nothing = Span(Fraction(0), Fraction(200)), Span(Fraction(0), Fraction(0))
    assert spans([second]) == dict.fromkeys([(0, "a"), (0, "b"), (0, "d")], free)
    assert spans([first, second]) == dict.fromkeys([(0, "a"), (0, "b"), (1, "a"), (1, "b")], free) | {(1, "d"): nothing}


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (1 / 3 + 1e-13, Fraction(1, 3)),
        (123456789 / 999999937, Fraction(123456789, 999999937)),
        (1 / (10**9 + 1), Fraction(1, 10**9)),
    ],
)
def test_the_noise_of_the_solver_is_taken_off(value: float, exact: Fraction) -> None:
    """A sum is a whole number of thousand millionths of the largest, or of fewer."""
    assert _fraction(value) == exact


def test_needed_is_the_sum_in_which_nobody_dominates() -> None:
    """The largest would be 70 % of it, or the two largest 85 %."""
    assert needed([Fraction(5), Fraction(70), Fraction(1)], RULES) == 100
    assert needed([Fraction(5), Fraction(40), Fraction(45)], RULES) == 100
    assert needed([], RULES) == 0


def test_sums_that_fail_their_last_check_are_withheld() -> None:
    """One hidden row beside a total is known at once."""
    amounts = firms(a=EVEN, b=(90, 5, 5), c=(60, 60, 60))
    rows = tuple(rows_of("a", "b", "c"))
    bad = SafeSums(rows, (Fraction(100), None, Fraction(180)), Fraction(380), amounts)
    good = SafeSums(rows, (None, None, Fraction(180)), Fraction(380), amounts)

    assert _checked(good, RULES, ()) is good
    with pytest.raises(Withheld, match="the proof failed: a hidden sum could be worked out"):
        _checked(bad, RULES, ())
    with pytest.raises(Withheld, match="the proof failed"):
        _checked(good, RULES, [bad])


def test_amounts_below_zero_prove_nothing() -> None:
    """The programs know that nobody uses less than nothing: what contradicts that is not given out."""
    amounts = firms(a=(-30, -30, -30), b=EVEN)
    broken = SafeSums(tuple(rows_of("a", "b")), (Fraction(-90), Fraction(100)), Fraction(10), amounts)

    with pytest.raises(Withheld, match=r"the proof could not be made \(solver: .*\); nothing is published"):
        spans([broken])
