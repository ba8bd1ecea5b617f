"""The sums of the KPIs with pandas and with polars, some machines at a time: the peers of ``benchmarks/kpi.py``.

They know that the benchmark's runs are live with clocks that agree, that its counters fall only when they are reset, and that no bad
sample lies in a gap; ours may not know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.peers.kpi_given import Figures, Given

__all__ = ["with_pandas", "with_polars"]

TOGETHER = 10
"""Machines: about six million samples of the full run; all samples at once do not fit a usual memory."""


def with_pandas(given: Given) -> Figures:
    """Every sum by equipment."""
    from benchmarks.peers.kpi_pandas import figures_of

    return _by_portions(given, figures_of)


def with_polars(given: Given) -> Figures:
    """Every sum by equipment."""
    from benchmarks.peers.kpi_polars import figures_of

    return _by_portions(given, figures_of)


def _by_portions(given: Given, figures_of: Callable[[Given], Figures]) -> Figures:
    return {name: figures for part in _portions(given) for name, figures in figures_of(part).items()}


def _portions(given: Given) -> Iterator[Given]:
    names = sorted({name for _point, name, _role, _pace in given.points})
    for first in range(0, len(names), TOGETHER):
        some = set(names[first : first + TOGETHER])
        points = [each for each in given.points if each[1] in some]
        numbers = {each[0] for each in points}
        yield replace(given, points=points, gaps=[gap for gap in given.gaps if gap[0] in numbers])
