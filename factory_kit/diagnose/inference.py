"""States of a machine that tells none, from its power or current: learned from two or three labelled minutes of each state.

A Gaussian mixture (scikit-learn) that begins at the labelled levels, smoothed over one working cycle, then a hidden Markov
model that changes its state rarely, then a least dwell time. No blind method is safe (levels have no names), so without labels
or thresholds nothing is guessed; states that draw the same power are refused by name; levels nobody labelled stay unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from factory_kit.diagnose.grid import Grid, cycle_steps, smoothed
from factory_kit.diagnose.markov import path
from factory_kit.diagnose.models import check_hash, hashed
from factory_kit.errors import Inconclusive, UsageError
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Float64, Int64

__all__ = ["Inferred", "Label", "Level", "PowerModel", "by_thresholds", "infer", "learn"]

Mask = npt.NDArray[np.bool_]
SECOND = 1_000_000
LEAST_LABELLED = 6
"""Steps of each state that must be labelled."""
APART = 3.0
"""Two levels must lie so many of their common deviations apart (d'); at 3 about 7 of 100 single steps would still be mixed up."""
FOREIGN = 4.0
"""What lies farther than this from every level for a while, in its deviations, belongs to a level nobody labelled."""
MOVED = 0.25
"""So far towards its neighbour a level may move when the mixture is fitted to everything; farther, the label is kept."""
WIDER = 2.0
"""So many times wider than labelled a level may become; what spreads farther holds a level nobody labelled."""
LEAST_DEVIATION = 0.01
"""Of the highest level: a level without any noise would be too sure of itself."""
STAY_1_S = 0.999
SURE = 0.9
"""Below this confidence the state is unknown."""


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody saw the machine do from ``start`` to ``end``, µs."""

    stretch: Stretch
    state: MachineState


@dataclass(frozen=True, slots=True)
class Level:
    """What a state draws: mean and standard deviation of the smoothed series."""

    state: MachineState
    mean: float
    deviation: float


@dataclass(frozen=True)
class PowerModel:
    """How to read states from a series: what it was learned from stands with it, so that it can be judged and repeated."""

    levels: tuple[Level, ...] = ()
    """Lowest first; empty where thresholds are given."""
    thresholds: tuple[tuple[float, MachineState], ...] = ()
    """``(from this value on, the state)``, lowest first."""
    step: int = 10 * SECOND
    window: int = 1
    """Steps of the running median: one working cycle."""
    dwell: int = 20 * SECOND
    trained: tuple[Stretch, ...] = ()

    @property
    def borders(self) -> list[tuple[float, MachineState, MachineState]]:
        """Where one state ends and the next begins, for a picture: value, state below, state above."""
        if self.thresholds:
            return [(value, below, above) for (_, below), (value, above) in pairwise(self.thresholds)]
        return [
            (
                (low.mean * high.deviation + high.mean * low.deviation) / (low.deviation + high.deviation),
                low.state,
                high.state,
            )
            for low, high in pairwise(self.levels)
        ]

    def as_json(self) -> dict[str, object]:
        """The model as JSON carries it, with the sha256 of its content; ``from_json`` gives it back."""
        content: dict[str, object] = {
            "form": 1,
            "levels": [[level.state.value, repr(level.mean), repr(level.deviation)] for level in self.levels],
            "thresholds": [[repr(value), state.value] for value, state in self.thresholds],
            "step_us": self.step,
            "window": self.window,
            "dwell_us": self.dwell,
            "trained": [[part.start, part.end] for part in self.trained],
        }
        return hashed(content)

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> PowerModel:
        """The model of ``as_json``; ``UsageError`` for anything else, and for one that was altered."""
        check_hash(content)
        try:
            levels, thresholds, trained = (_rows(content[name]) for name in ("levels", "thresholds", "trained"))
            step, window, dwell = (int(str(content[name])) for name in ("step_us", "window", "dwell_us"))
            return cls(
                tuple(Level(MachineState(row[0]), float(row[1]), float(row[2])) for row in levels),
                tuple((float(row[0]), MachineState(row[1])) for row in thresholds),
                step,
                window,
                dwell,
                tuple(Stretch(int(row[0]), int(row[1])) for row in trained),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError("model of states: is not what learn wrote ({reason})", reason=repr(error)) from error


@dataclass(frozen=True, slots=True)
class Inferred:
    """A stretch in one inferred state; ``confidence`` is the mean posterior probability of its steps, 0 where unknown."""

    start: int
    end: int
    state: MachineState
    confidence: float = field(compare=False)


def learn(series: Grid, labels: Sequence[Label], *, dwell: int = 20 * SECOND) -> PowerModel:
    """A model from labelled minutes of *series*.

    ``Inconclusive`` when fewer than two states are labelled, one of them too briefly, or two of them draw the same power.
    """
    window = _window(series, labels)
    smooth = smoothed(series, window)
    by_state: dict[MachineState, list[Float64]] = {}
    for label in labels:
        by_state.setdefault(label.state, []).append(_clean(smooth.inside(label.stretch)))
    values = {state: np.concatenate(parts) for state, parts in by_state.items()}
    _refuse_too_little(values)
    levels = _levels(values)
    levels = _fitted(_clean(smooth.value), levels)
    _refuse_the_same(levels)
    return PowerModel(levels, (), series.step, window, dwell, tuple(label.stretch for label in labels))


def by_thresholds(
    thresholds: Sequence[tuple[float, MachineState]], *, step: int, cycle: int = 0, dwell: int = 20 * SECOND
) -> PowerModel:
    """A model from known thresholds ``(from this value on, the state)``; *cycle* (µs) is the time one piece takes."""
    ordered = tuple(sorted(thresholds))
    if len(ordered) < 2:
        raise Inconclusive("one threshold tells nothing apart; give the value from which on each of two states begins")
    return PowerModel((), ordered, step, max(1, round(cycle / step)), dwell)


def infer(model: PowerModel, series: Grid) -> list[Inferred]:
    """The states of *series* from end to end, as far as they can be told."""
    if series.step != model.step:
        raise UsageError("the series has steps of {have} µs, the model of {want}", have=series.step, want=model.step)
    value = smoothed(series, model.window).value
    likely, states = _likelihoods(model, value)
    stay = STAY_1_S ** (series.step / SECOND)
    chosen, sure = path(likely, stay)
    missing = np.isnan(value)
    chosen, passing = _passed(chosen, len(states), model.window)
    chosen = _dwelling(chosen, missing, max(1, round(model.dwell / series.step)))
    confidence = sure[np.arange(len(chosen)), chosen]
    known = ~missing & (chosen < len(states)) & ((confidence >= SURE) | passing)
    found: list[Inferred] = []
    for start, stop in _runs(np.where(known, chosen, -1)):
        state = states[chosen[start]] if known[start] else MachineState.UNKNOWN
        mean = float(np.mean(confidence[start:stop])) if known[start] else 0.0
        found.append(Inferred(series.start + start * series.step, series.start + stop * series.step, state, mean))
    return found


def _rows(content: object) -> list[list[str]]:
    if not isinstance(content, list | tuple):
        raise TypeError(repr(content)[:80])
    return [[str(cell) for cell in row] for row in content]


def _window(series: Grid, labels: Sequence[Label]) -> int:
    """One working cycle of the longest labelled production, in steps, odd; 1 where none shows."""
    producing = [label.stretch for label in labels if label.state is MachineState.PRODUCING]
    if not producing:
        return 1
    longest = max(producing, key=lambda part: part.length)
    steps = cycle_steps(_clean(series.inside(longest)))
    return steps + (steps + 1) % 2


def _clean(values: Float64) -> Float64:
    return values[~np.isnan(values)]


def _refuse_too_little(values: Mapping[MachineState, Float64]) -> None:
    if len(values) < 2:
        raise Inconclusive("label two or three minutes of at least two states; from power alone no state has a name")
    for state, found in values.items():
        if len(found) < LEAST_LABELLED:
            raise Inconclusive(
                "{state} is labelled for {count} known steps only, expected at least {least}; label two or three minutes of it",
                state=state.value, count=len(found), least=LEAST_LABELLED,
            )  # fmt: skip


def _levels(values: Mapping[MachineState, Float64]) -> tuple[Level, ...]:
    top = max(float(np.median(found)) for found in values.values())
    floor = max(LEAST_DEVIATION * top, 1e-9)
    levels = []
    for state, found in values.items():
        middle = float(np.median(found))
        spread = 1.4826 * float(np.median(np.abs(found - middle)))
        levels.append(Level(state, middle, max(spread, float(np.std(found)) / 2, floor)))
    return tuple(sorted(levels, key=lambda level: level.mean))


def _fitted(values: Float64, levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """The levels after the mixture has seen everything; a level that would wander off towards another keeps its label."""
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - takes half a second to import

    near = values[np.any([np.abs(values - level.mean) < FOREIGN * level.deviation for level in levels], axis=0)]
    if len(near) < LEAST_LABELLED * len(levels):
        return levels
    mixture = GaussianMixture(
        n_components=len(levels),
        means_init=np.array([[level.mean] for level in levels]),
        precisions_init=np.array([[[1 / level.deviation**2]] for level in levels]),
        weights_init=np.full(len(levels), 1 / len(levels)),
        reg_covar=min(level.deviation for level in levels) ** 2 / 100,
        random_state=0,
    ).fit(near.reshape(-1, 1))
    means, deviations = mixture.means_.ravel(), np.sqrt(mixture.covariances_.ravel())
    room = np.diff([level.mean for level in levels])
    gaps = [min([*room[max(0, at - 1) : at + 1]]) for at in range(len(levels))]
    return tuple(
        Level(level.state, float(mean), max(float(deviation), level.deviation / 2))
        if abs(mean - level.mean) <= MOVED * gap and deviation <= WIDER * level.deviation
        else level
        for level, mean, deviation, gap in zip(levels, means, deviations, gaps, strict=True)
    )


def _refuse_the_same(levels: Sequence[Level]) -> None:
    for low, high in pairwise(levels):
        common = float(np.sqrt((low.deviation**2 + high.deviation**2) / 2))
        if high.mean - low.mean < APART * common:
            raise Inconclusive(
                "{one} and {other} draw nearly the same ({low:.3g} and {high:.3g}, scatter {common:.2g}), so they cannot be told apart; label them as one state, or read the control's own state",
                one=low.state.value, other=high.state.value, low=low.mean, high=high.mean, common=common,
            )  # fmt: skip


def _likelihoods(model: PowerModel, value: Float64) -> tuple[Float64, list[MachineState]]:
    """The logarithm of how well each step fits each state; steps that are missing fit all alike.

    Behind the states of learned levels stands one more: a level nobody labelled, which fits everything alike.
    """
    if model.thresholds:
        edges = [threshold for threshold, _ in model.thresholds[1:]]
        soft = max(1e-9, 0.02 * max(abs(edge) for edge in edges))
        at = np.stack([1 / (1 + np.exp(-np.clip((value - edge) / soft, -50, 50))) for edge in edges], axis=1)
        above = np.hstack([np.ones((len(value), 1)), at])
        below = np.hstack([1 - at, np.ones((len(value), 1))])
        likely = np.log(np.maximum(above * below, 1e-12))
        states = [state for _, state in model.thresholds]
    else:
        mean = np.array([level.mean for level in model.levels])
        deviation = np.array([level.deviation for level in model.levels])
        likely = -0.5 * ((value[:, None] - mean) / deviation) ** 2 - np.log(deviation)
        foreign = np.full((len(value), 1), -0.5 * FOREIGN**2 - float(np.mean(np.log(deviation))))
        likely = np.hstack([likely, foreign])
        states = [level.state for level in model.levels]
    return np.where(np.isnan(value)[:, None], 0.0, likely), states


def _passed(chosen: Int64, foreign: int, window: int) -> tuple[Int64, Mask]:
    """Short stays on a foreign level between two states are the running median passing by: half goes to each side."""
    found, passing = chosen.copy(), np.zeros(len(chosen), np.bool_)
    for start, stop in _runs(chosen):
        if chosen[start] == foreign and stop - start <= window and start > 0 and stop < len(chosen):
            middle = (start + stop) // 2
            found[start:middle], found[middle:stop] = chosen[start - 1], chosen[stop]
            passing[start:stop] = True
    return found, passing


def _runs(codes: Int64) -> list[tuple[int, int]]:
    """The stretches of equal codes, half open."""
    if not len(codes):
        return []
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
    return [(int(start), int(stop)) for start, stop in pairwise(edges)]


def _dwelling(chosen: Int64, missing: Mask, least: int) -> Int64:
    """*chosen* without stays shorter than *least* between two stays of one other state."""
    found = chosen.copy()
    for start, stop in _runs(chosen):
        inside = start > 0 and stop < len(found) and not missing[start - 1 : stop + 1].any()
        if inside and stop - start < least and found[start - 1] == chosen[stop]:
            found[start:stop] = found[start - 1]
    return found
