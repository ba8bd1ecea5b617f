from __future__ import annotations

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
