"""What a chart shows: labels and numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from factory_kit.render.theme import Hue, Tone

__all__ = ["Bar", "Bars", "Chart", "Lane", "Radar", "Segment", "Series", "State", "Timeline"]


@dataclass(frozen=True, slots=True)
class Series:
    """One closed line of a radar; None where there is no value."""

    label: str
    values: tuple[float | None, ...]
    hue: Hue


@dataclass(frozen=True, slots=True)
class Radar:
    """Values between 0 and *top* on axes around a centre, with a dashed ring at *threshold*."""

    axes: tuple[str, ...]
    series: tuple[Series, ...]
    threshold: float | None = None
    threshold_label: str = ""
    top: float = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with the words printed at its end; None where there is no value. *low* and *high* are drawn as whiskers."""

    label: str
    value: float | None
    text: str
    tone: Tone = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars from 0 to *top* against a dashed *threshold*."""

    bars: tuple[Bar, ...]
    threshold: float | None = None
    threshold_label: str = ""
    top: float = 1.0


@dataclass(frozen=True, slots=True)
class State:
    """One state of a timeline: its id, its words, its colour."""

    id: str
    label: str
    hue: Hue


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in one state, half open, in seconds since the timeline's start."""

    start: float
    end: float
    state: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of a timeline; segments in order, not overlapping."""

    label: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """States over time: lanes below each other, *seconds* long, with ticks (second, words)."""

    lanes: tuple[Lane, ...]
    states: tuple[State, ...]
    seconds: float
    ticks: tuple[tuple[float, str], ...]


Chart = Radar | Bars | Timeline
