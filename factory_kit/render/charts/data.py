"""What a chart shows: labels and numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from factory_kit.render.theme import Hue, Tone

__all__ = [
    "Band", "Bar", "Bars", "Chart", "Curve", "Lane", "Mark", "Pareto", "Radar", "Segment", "Series", "State", "Step",
    "Timeline", "Trace", "Waterfall",
]  # fmt: skip


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
    """One state of a timeline: its id, its words, its colour, and how high it stands, which tells it apart on grey paper."""

    id: str
    label: str
    hue: Hue
    height: float = 1.0


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


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: what is left (*whole*), or what was taken away from it."""

    label: str
    value: float
    text: str
    whole: bool = False
    hue: Hue = "amber"


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From the whole of the first step down to what remains, one row each."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Pareto:
    """Bars, the longest first, and the line of their sum up to *whole*, with a dashed line at *threshold* of it."""

    bars: tuple[Bar, ...]
    whole: float
    threshold: float = 0.8


@dataclass(frozen=True, slots=True)
class Trace:
    """One line through places (x, y), broken where y is None."""

    label: str
    places: tuple[tuple[float, float | None], ...]
    hue: Hue
    dashed: bool = False
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A level worth a dashed line, with its words."""

    value: float
    label: str
    left: bool = False
    """Whether the words stand at the left end, where no line may run into them."""


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of x that is shaded."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over x from 0 to *across*, y from *floor* to *top*, ticks (x, words), levels and shaded bands."""

    traces: tuple[Trace, ...]
    across: float
    top: float
    ticks: tuple[tuple[float, str], ...]
    unit: str
    x_label: str = ""
    marks: tuple[Mark, ...] = ()
    bands: tuple[Band, ...] = ()
    band_label: str = ""
    height: float = 220.0
    floor: float = 0.0


Chart = Radar | Bars | Timeline | Waterfall | Pareto | Curve
