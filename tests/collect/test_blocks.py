from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.blocks import REQUEST_COST, Block, Bounds, Span, anchored, cost, cover

FORBIDDEN = st.lists(st.integers(0, 400).map(lambda first: (first, first + 5)), max_size=4)
BOUNDS = st.builds(Bounds, longest=st.integers(4, 125), gap=st.integers(0, 60), forbidden=FORBIDDEN)


@st.composite
def spans_within(draw: st.DrawFn) -> tuple[list[Span], Bounds]:
    """Bounds, and spans that each fit them alone."""
    bounds = draw(BOUNDS)
    places = draw(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 4)), min_size=1, max_size=60))
    spans = [Span(start, start + size, tag) for tag, (start, size) in enumerate(places)]
    return [span for span in spans if not bounds.touches(span.start, span.end)], bounds


def _check(blocks: list[Block], spans: dict[int, Span], bounds: Bounds) -> None:
    for block in blocks:
        assert block.end - block.start <= bounds.longest
        assert not bounds.touches(block.start, block.end)
        assert all(block.start <= spans[tag].start and spans[tag].end <= block.end for tag in block.tags)


@given(spans_within())
def test_every_span_is_whole_inside_one_legal_block(drawn: tuple[list[Span], Bounds]) -> None:
    """Each span is answered once, by a block that holds it whole, is not too long and touches nothing forbidden."""
    spans, bounds = drawn

    blocks = cover(spans, bounds)

    _check(blocks, {span.tag: span for span in spans}, bounds)
    assert sorted(tag for block in blocks for tag in block.tags) == sorted(span.tag for span in spans)


@given(spans_within())
def test_holes_wider_than_the_gap_are_not_read(drawn: tuple[list[Span], Bounds]) -> None:
    """Inside a block no run of unwanted addresses is longer than the allowed gap."""
    spans, bounds = drawn
    wanted = {address for span in spans for address in range(span.start, span.end)}

    for block in cover(spans, bounds):
        hole = 0
        for address in range(block.start, block.end):
            hole = 0 if address in wanted else hole + 1
            assert hole <= bounds.gap


@given(spans_within())
def test_the_plan_never_costs_more_than_one_request_for_each_span(drawn: tuple[list[Span], Bounds]) -> None:
    """The cost of the blocks is at most that of the naive plan."""
    spans, bounds = drawn
    naive = sum(REQUEST_COST + span.end - span.start for span in spans)

    assert cost(cover(spans, bounds)) <= naive


@given(spans_within(), st.integers(0, 400), st.integers(1, 4))
def test_anchored_blocks_all_hold_the_anchor(drawn: tuple[list[Span], Bounds], start: int, size: int) -> None:
    """With an anchor every block holds it, at most two are needed, and each span is answered or named as lost."""
    spans, bounds = drawn
    anchor = Span(start, start + size, 1000)
    if bounds.touches(anchor.start, anchor.end):
        return

    blocks, lost = anchored(spans, anchor, bounds)

    assert len(blocks) <= 2
    assert all(anchor.tag in block.tags for block in blocks)
    _check(blocks, {span.tag: span for span in [*spans, anchor]}, bounds)
    answered = [tag for block in blocks for tag in block.tags if tag != anchor.tag]
    assert sorted(answered + lost) == sorted(span.tag for span in spans)


@given(spans_within(), st.integers(0, 400))
def test_an_anchored_plan_never_costs_more_than_one_request_for_each_span(
    drawn: tuple[list[Span], Bounds], start: int
) -> None:
    """The cost with an anchor is at most that of one request for each span from it to the anchor."""
    spans, bounds = drawn
    anchor = Span(start, start + 2, 1000)
    blocks, lost = anchored(spans, anchor, bounds)
    naive = sum(
        REQUEST_COST + max(span.end, anchor.end) - min(span.start, anchor.start)
        for span in spans
        if span.tag not in lost
    )

    assert not blocks[0].tags[1:] or cost(blocks) <= naive


def test_five_hundred_scattered_floats_take_forty_requests() -> None:
    """500 two-register values over 5,000 registers need some 40 reads when holes of up to 50 may be read through."""
    spans = [
        Span(start, start + 2, tag) for tag, start in enumerate(sorted((tag * 3571) % 2500 * 2 for tag in range(500)))
    ]

    assert len(cover(spans, Bounds(125, 50))) <= 42


def test_without_gaps_only_neighbours_share_a_read() -> None:
    """A gap of 0 joins what touches and nothing else."""
    spans = [Span(0, 2, 0), Span(2, 4, 1), Span(5, 7, 2)]

    assert cover(spans, Bounds(125, 0)) == [Block(0, 4, (0, 1)), Block(5, 7, (2,))]


def test_a_forbidden_range_splits_a_read() -> None:
    """A gap that would be allowed is not read through when it holds a forbidden address."""
    spans = [Span(0, 2, 0), Span(6, 8, 1)]

    assert cover(spans, Bounds(125, 10, [(4, 4)])) == [Block(0, 2, (0,)), Block(6, 8, (1,))]


def _partitions(spans: list[Span]) -> Iterator[list[list[Span]]]:
    """All ways to cut *spans* into runs."""
    if not spans:
        yield []
    for size in range(1, len(spans) + 1):
        yield from ([spans[:size], *rest] for rest in _partitions(spans[size:]))


def _legal(run: list[Span], bounds: Bounds) -> bool:
    """Whether one read may answer *run*, register by register; a single span always is."""
    wanted = {number for span in run for number in range(span.start, span.end)}
    low, high = min(wanted), max(wanted) + 1
    shut = {number for first, last in bounds.forbidden for number in range(first, last + 1)}
    holes = "".join(" " if number in wanted else "." for number in range(low, high)).split()
    fits = high - low <= bounds.longest and all(len(hole) <= bounds.gap for hole in holes)
    return len(run) == 1 or (fits and not shut & (set(range(low, high)) - wanted))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), min_size=1, max_size=7),
    st.builds(
        Bounds,
        longest=st.integers(4, 20),
        gap=st.integers(0, 6),
        forbidden=st.lists(st.integers(0, 30).map(lambda first: (first, first + 1)), max_size=2),
        request=st.integers(1, 8),
    ),
)  # fmt: skip
def test_no_other_plan_is_cheaper(places: list[tuple[int, int]], bounds: Bounds) -> None:
    """Of all ways to cut the spans into legal reads, tried one by one, none costs less."""
    spans = sorted(Span(start, start + size, tag) for tag, (start, size) in enumerate(places))
    ways = [
        sum(bounds.request + max(span.end for span in run) - run[0].start for run in runs)
        for runs in _partitions(spans)
        if all(_legal(run, bounds) for run in runs)
    ]

    assert cost(cover(spans, bounds), bounds.request) == min(ways)


def test_one_more_request_costs_as_much_as_fifty_registers() -> None:
    """So a hole of fifty is read through and one of fifty-one is not, where nobody says what a request costs."""
    for hole, reads in ((50, 1), (51, 2)):
        assert len(cover([Span(0, 1, 0), Span(1 + hole, 2 + hole, 1)], Bounds(125, 125))) == reads
    assert cost([Block(3, 5, (0,))]) == 52


def test_a_span_longer_than_a_read_stays_by_itself() -> None:
    """Whoever passes one finds it as it was, and its neighbours in reads of their own."""
    spans = [Span(0, 2, 0), Span(2, 12, 1), Span(12, 14, 2)]

    assert cover(spans, Bounds(5, 5)) == [Block(0, 2, (0,)), Block(2, 12, (1,)), Block(12, 14, (2,))]


def test_of_two_plans_that_cost_the_same_the_one_with_fewer_requests_is_taken() -> None:
    """A hole that costs as much as a request is read through; one register more is not. A span longer than any read stands alone."""
    spans = [Span(0, 1, 0), Span(6, 7, 1)]

    assert cover(spans, Bounds(125, 9, request=5)) == [Block(0, 7, (0, 1))]
    assert cover(spans, Bounds(125, 9, request=4)) == [Block(0, 1, (0,)), Block(6, 7, (1,))]
    assert cover([Span(0, 9, 0), Span(9, 10, 1)], Bounds(4, 0)) == [Block(0, 9, (0,)), Block(9, 10, (1,))]
    assert cost([Block(0, 7, (0, 1)), Block(9, 10, ())]) == 2 * REQUEST_COST + 8


@pytest.mark.parametrize(
    ("start", "end", "touched"), [(4, 5, True), (7, 9, True), (2, 4, False), (8, 9, False), (0, 99, True), (5, 6, True)]
)
def test_a_range_touches_the_forbidden_from_its_first_to_its_last_address(start: int, end: int, touched: bool) -> None:
    """Both ends of a forbidden range belong to it, the end of what is read does not."""
    assert Bounds(125, 0, [(4, 7)]).touches(start, end) is touched


@pytest.mark.parametrize(
    ("spans", "bounds", "blocks", "lost"),
    [
        ([(0, 2), (20, 21)], Bounds(21, 99), [(0, 21, (9, 0, 1))], []),  # all of it fits one read
        ([(0, 2), (20, 21)], Bounds(20, 99), [(0, 12, (9, 0)), (10, 21, (9, 1))], []),  # one for each side
        ([(0, 2), (20, 21)], Bounds(11, 99), [(10, 21, (9, 1))], [0]),  # only what lies behind is near enough
        ([(0, 2), (22, 23)], Bounds(12, 99), [(0, 12, (9, 0))], [1]),
        ([(0, 2)], Bounds(125, 8), [(0, 12, (9, 0))], []),
        ([(0, 2)], Bounds(125, 7), [(10, 12, (9,))], [0]),
        ([(13, 14), (17, 18)], Bounds(125, 3), [(10, 18, (9, 0, 1))], []),
        ([(13, 14), (17, 18)], Bounds(125, 2), [(10, 14, (9, 0))], [1]),
        ([(13, 14), (17, 18)], Bounds(125, 3, [(15, 15)]), [(10, 14, (9, 0))], [1]),
        ([(3, 4), (7, 8)], Bounds(125, 3), [(3, 12, (9, 0, 1))], []),
        ([(3, 4), (7, 8)], Bounds(125, 3, [(5, 5)]), [(7, 12, (9, 1))], [0]),
        ([(8, 14)], Bounds(6, 0), [(8, 14, (9, 0))], []),  # around the anchor
        ([(8, 15)], Bounds(6, 0), [(10, 12, (9,))], [0]),
        ([(8, 14), (5, 8)], Bounds(9, 0), [(5, 14, (9, 1, 0))], []),
        ([(8, 14), (4, 8)], Bounds(9, 0), [(8, 14, (9, 0))], [1]),
        ([(10, 14), (11, 12)], Bounds(4, 0), [(10, 14, (9, 0, 1))], []),
        ([], Bounds(4, 0), [(10, 12, (9,))], []),
    ],
)  # fmt: skip
def test_what_one_read_can_hold_together_with_the_anchor(
    spans: list[tuple[int, int]], bounds: Bounds, blocks: list[tuple[int, int, tuple[int, ...]]], lost: list[int]
) -> None:
    """Around an anchor at 10 and 11: the longest read, the widest hole and what is forbidden hold on both sides of it; the nearest are taken first."""
    wanted = [Span(start, end, tag) for tag, (start, end) in enumerate(spans)]

    assert anchored(wanted, Span(10, 12, 9), bounds) == ([Block(*each) for each in blocks], lost)
