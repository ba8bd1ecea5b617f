"""Which stretches of a Modbus table to read, at the least cost, so that every span lies whole inside one of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["REQUEST_COST", "Block", "Bounds", "Span", "anchored", "cost", "cover", "touches"]

REQUEST_COST = 50
"""What one more request costs, in registers: a request and its answer take as long as some 50 registers more in one answer."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Addresses from *start* up to, not including, *end* that must come from one read; *tag* is the caller's."""

    start: int
    end: int
    tag: int


def touches(ranges: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether an address of *ranges*, first and last of each, lies in *start* up to, not including, *end*."""
    return any(first < end and start <= last for first, last in ranges)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the device bears: the longest read, the widest hole to read through, and what must never be read."""

    longest: int
    gap: int
    forbidden: Sequence[tuple[int, int]] = ()
    """First and last address of each range."""
    request: int = REQUEST_COST
    """What one more request costs on this line, in registers."""

    def bridges(self, end: int, start: int) -> bool:
        """Whether a read may go on from *end* to *start*, which begins what is next wanted."""
        return start <= end or (start - end <= self.gap and not self.touches(end, start))

    def touches(self, start: int, end: int) -> bool:
        """Whether a forbidden address lies in *start* up to, not including, *end*."""
        return touches(self.forbidden, start, end)


@dataclass(frozen=True, slots=True)
class Block:
    """One read and the tags of the spans it answers."""

    start: int
    end: int
    tags: tuple[int, ...]


def cost(blocks: Sequence[Block], request: int = REQUEST_COST) -> int:
    """The cost of reading *blocks* once, in registers, when one more request costs *request*."""
    return sum(request + block.end - block.start for block in blocks)


def cover(spans: Sequence[Span], bounds: Bounds) -> list[Block]:
    """The cheapest blocks over *spans*, each of which must fit the bounds by itself.

    Every span is answered by one block; blocks are runs of the spans in order of their start, so this is a shortest path
    from the first span to behind the last one.
    """
    ordered = sorted(spans)
    best = [0] + [-1] * len(ordered)
    cut = [0] * (len(ordered) + 1)
    for first, span in enumerate(ordered):
        end = span.end
        for last in range(first, len(ordered)):
            following = ordered[last]
            if not bounds.bridges(end, following.start):
                break
            end = max(end, following.end)
            if end - span.start > bounds.longest and last > first:
                break
            total = best[first] + bounds.request + end - span.start
            if best[last + 1] < 0 or total < best[last + 1]:
                best[last + 1], cut[last + 1] = total, first
    return _blocks(ordered, cut)


def _blocks(ordered: Sequence[Span], cut: Sequence[int]) -> list[Block]:
    blocks: list[Block] = []
    behind = len(ordered)
    while behind:
        run = ordered[cut[behind] : behind]
        blocks.append(Block(run[0].start, max(span.end for span in run), tuple(span.tag for span in run)))
        behind = cut[behind]
    return blocks[::-1]


def anchored(spans: Sequence[Span], anchor: Span, bounds: Bounds) -> tuple[list[Block], list[int]]:
    """At most two blocks that all hold *anchor*, and the tags of the spans that no read can hold together with it.

    One block where everything fits, else one for the spans before and one for those behind the anchor.
    """
    reachable, lost = _reachable(spans, anchor, bounds)
    start = min(span.start for span in [*reachable, anchor])
    end = max(span.end for span in [*reachable, anchor])
    if end - start <= bounds.longest:
        return [Block(start, end, _tags(anchor, reachable))], lost
    before = [span for span in reachable if span.start < anchor.start]
    behind = [span for span in reachable if span.start >= anchor.start]
    low = Block(start, max(span.end for span in [*before, anchor]), _tags(anchor, before))
    high = Block(anchor.start, max(span.end for span in [*behind, anchor]), _tags(anchor, behind))
    return [low, high], lost


def _reachable(spans: Sequence[Span], anchor: Span, bounds: Bounds) -> tuple[list[Span], list[int]]:
    """The spans that one read can hold together with *anchor*, and the tags of the others."""
    low, high, top = anchor.start, anchor.end, anchor.end
    kept: list[Span] = []
    for span in sorted((span for span in spans if span.start < anchor.start), key=lambda span: -span.end):
        if bounds.bridges(span.end, low) and max(top, span.end) - min(span.start, low) <= bounds.longest:
            low, top = min(low, span.start), max(top, span.end)
            kept.append(span)
    for span in sorted(span for span in spans if span.start >= anchor.start):
        if bounds.bridges(high, span.start) and max(high, span.end) - anchor.start <= bounds.longest:
            high = max(high, span.end)
            kept.append(span)
    tags = {span.tag for span in kept}
    return kept, [span.tag for span in spans if span.tag not in tags]


def _tags(anchor: Span, spans: Sequence[Span]) -> tuple[int, ...]:
    return (anchor.tag, *(span.tag for span in sorted(spans) if span.tag != anchor.tag))
