from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.blocks import Span
from factory_kit.collect.refused import Group, Verdicts, grouped, search


def _hunt(groups: list[Group], illegal: set[int], *, sure: bool = True) -> tuple[Verdicts, int]:
    """The verdicts about a device that refuses every request which touches an *illegal* address, and how many were asked."""
    verdicts = Verdicts()
    hunt = search(groups, verdicts, sure=sure)
    asked = 0
    try:
        low, high = next(hunt)
        while True:
            asked += 1
            start, end = groups[low].start, max(group.end for group in groups[low:high])
            low, high = hunt.send(not illegal & set(range(start, end)))
    except StopIteration:
        return verdicts, asked


@pytest.mark.parametrize("bad", range(100))
def test_one_illegal_address_in_a_hundred_takes_eight_requests(bad: int) -> None:
    """Wherever it lies it is found, and the other 99 are answered, with at most eight requests."""
    verdicts, asked = _hunt([Group(n, n + 1, (n,)) for n in range(100)], {bad})

    assert verdicts.bad == [bad]
    assert sorted(n for low, high in verdicts.good for n in range(low, high)) == [n for n in range(100) if n != bad]
    assert asked <= 8


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[list[Group], set[int]]:
    sizes = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=2, max_size=40))
    groups, place = [], 0
    for size, hole in sizes:
        groups.append(Group(place, place + size, (len(groups),)))
        place += size + hole
    return groups, draw(st.sets(st.integers(0, place), min_size=1, max_size=6))


@given(_blocks(), st.booleans())
def test_exactly_what_is_refused_alone_is_found(drawn: tuple[list[Group], set[int]], sure: bool) -> None:
    """Any number of illegal addresses, also in holes: a group is bad when it is refused alone, and every other one is answered."""
    groups, illegal = drawn
    end = max(group.end for group in groups)
    if not illegal & set(range(end)):
        return

    verdicts, _asked = _hunt(groups, illegal, sure=sure)

    expected = [n for n, group in enumerate(groups) if illegal & set(range(group.start, group.end))]
    assert verdicts.bad == expected
    assert sorted(n for low, high in verdicts.good for n in range(low, high)) == [
        n for n in range(len(groups)) if n not in expected
    ]


@given(st.integers(1, 98), st.integers(1, 98), st.integers(0, 98))
def test_a_long_stretch_of_illegal_addresses_hides_nothing_behind_it(start: int, long: int, gap: int) -> None:
    """Two stretches anywhere among a hundred: after 64 requests at most twenty of the others, and mostly none, are still unknown."""
    groups = [Group(n, n + 1, (n,)) for n in range(100)]
    illegal = {*range(start, start + long), *range(start + long + gap, start + 2 * long + gap)}
    verdicts = Verdicts()
    hunt = search(groups, verdicts)
    run = next(hunt)
    with suppress(StopIteration):
        for _request in range(64):
            run = hunt.send(not illegal & set(range(*run)))

    unknown = [n for n in verdicts.unspoken(100) if n not in illegal]
    assert len(unknown) <= 20, unknown
    assert illegal >= set(verdicts.bad)


@given(st.integers(2, 125), st.integers(1, 124))
def test_a_limit_of_length_is_no_bad_address(count: int, longest: int) -> None:
    """A device that refuses long requests as illegal values loses no point, when nothing is taken for granted."""
    groups = [Group(n, n + 1, (n,)) for n in range(count)]
    if count <= longest:
        return
    verdicts = Verdicts()
    hunt = search(groups, verdicts, sure=False)
    try:
        low, high = next(hunt)
        while True:
            low, high = hunt.send(high - low <= longest)
    except StopIteration:
        pass

    assert verdicts.bad == []
    assert sorted(n for low, high in verdicts.good for n in range(low, high)) == list(range(count))


def test_a_line_that_fails_ends_the_search() -> None:
    """What is neither answered nor refused says nothing about addresses."""
    verdicts = Verdicts()
    hunt = search([Group(n, n + 1, (n,)) for n in range(10)], verdicts)
    next(hunt)

    with pytest.raises(StopIteration):
        hunt.send(None)

    assert verdicts == Verdicts()
    assert verdicts.unspoken(10) == list(range(10))


@pytest.mark.parametrize("sure", [True, False])
@pytest.mark.parametrize("answers", range(12))
def test_a_line_that_fails_later_keeps_what_was_found(sure: bool, answers: int) -> None:
    """Whenever it fails, nothing is asked any more, and all that was told is what was really answered or refused."""
    groups = [Group(n, n + 1, (n,)) for n in range(12)]
    verdicts, illegal = Verdicts(), {3, 4, 9}
    hunt = search(groups, verdicts, sure=sure)
    asked = [next(hunt)]
    try:
        for _ in range(answers):
            asked.append(hunt.send(not illegal & set(range(*asked[-1]))))
        hunt.send(None)
    except StopIteration:
        pass

    assert hunt.gi_frame is None
    assert set(verdicts.bad) <= illegal
    good = {n for run in verdicts.good for n in range(*run)}
    assert good == {n for run in asked[:answers] if not illegal & set(range(*run)) for n in range(*run)}
    assert set(verdicts.unspoken(12)) == set(range(12)) - good - set(verdicts.bad)


@pytest.mark.parametrize(
    ("good", "bad", "apart", "runs"),
    [
        ([(0, 6)], [], set(), [(0, 6)]),
        ([(0, 2), (3, 6)], [2], set(), [(0, 2), (3, 6)]),
        ([(0, 2), (2, 6)], [], set(), [(0, 6)]),
        ([(0, 2), (2, 6)], [], {2}, [(0, 2), (2, 6)]),
        ([(0, 2), (4, 5)], [5], set(), [(0, 2), (4, 5)]),  # of 2 and 3 nothing is known
        ([(1, 5)], [0, 5], set(), [(1, 5)]),
        ([], [0, 1, 2, 3, 4, 5], set(), []),
        ([(2, 3)], [1, 3], {2, 4}, [(2, 3)]),
    ],
)
def test_what_may_be_asked_together_from_now_on(
    good: list[tuple[int, int]], bad: list[int], apart: set[int], runs: list[tuple[int, int]]
) -> None:
    """The longest runs of answered groups, cut where one is refused, unknown, or must not follow those before it."""
    assert Verdicts(good, bad, apart).runs(6) == runs


def test_what_was_answered_in_pieces_is_kept_apart_only_when_the_device_is_not_sure() -> None:
    """A limit of length cuts a block where it was asked in pieces; an illegal address cuts it at the address alone."""
    groups = [Group(n, n + 1, (n,)) for n in range(8)]

    assert _hunt(groups, {5})[0].runs(8) == [(0, 5), (6, 8)]
    assert _hunt(groups, {5}, sure=False)[0].runs(8) == [(0, 4), (4, 5), (6, 8)]
    assert _hunt(groups, {5})[0].apart == set()
    assert _hunt(groups, {5}, sure=False)[0].apart == {4, 5, 6}


def test_a_hole_that_is_refused_keeps_its_neighbours_apart() -> None:
    """Both are answered alone; together the hole between them would be read again, and refused."""
    verdicts, asked = _hunt([Group(0, 1, (0,)), Group(2, 3, (1,))], {1})

    assert (verdicts.good, verdicts.bad, verdicts.apart, asked) == ([(0, 1), (1, 2)], [], {1}, 2)
    assert verdicts.runs(2) == [(0, 1), (1, 2)]


@given(_blocks(), st.booleans())
def test_what_is_searched_again_and_again_comes_to_rest(drawn: tuple[list[Group], set[int]], sure: bool) -> None:
    """Each search cuts what it searched, so that in the end only single groups that are refused alone are still refused."""
    groups, illegal = drawn
    left, refused = [groups], []
    while left:
        run = left.pop()
        if not illegal & set(range(run[0].start, max(group.end for group in run))):
            continue
        if len(run) == 1:
            refused += run
            continue
        verdicts, _asked = _hunt(run, illegal, sure=sure)
        pieces = [run[low:high] for low, high in verdicts.runs(len(run))]
        assert all(len(piece) < len(run) for piece in pieces)
        left += [*pieces, *([run[place]] for place in verdicts.bad)]

    assert sorted(refused, key=lambda group: group.start) == [
        group for group in groups if illegal & set(range(group.start, group.end))
    ]


def test_points_of_the_same_registers_are_one_group() -> None:
    """Two bits of a register are asked for, and refused, together."""
    assert grouped([Span(5, 6, 0), Span(1, 3, 1), Span(5, 6, 2)]) == [Group(1, 3, (1,)), Group(5, 6, (0, 2))]
