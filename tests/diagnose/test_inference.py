"""States inferred from power, against machines whose states are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from factory_kit.diagnose.grid import Grid, cycle_steps, on_grid
from factory_kit.diagnose.inference import Inferred, Label, PowerModel, by_thresholds, infer, learn
from factory_kit.diagnose.material import Column
from factory_kit.diagnose.models import hashed
from factory_kit.errors import Inconclusive, UsageError
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.testing.plantmodel import PlantModel
from factory_kit.testing.shifts import HOUR, MINUTE, SECOND, microseconds

State = MachineState
Truth = list[tuple[int, int, MachineState]]
START = microseconds("2026-09-01T00:00:00+08:00")
STANDING = {State.DOWN: State.IDLE, State.MAINTENANCE: State.IDLE}
"""What a machine without work draws is one level: its power cannot say why it stands."""


def simulated(seed: int, name: str, noise: float = 0.02) -> tuple[Grid, Truth]:
    """Twelve hours of a simulated machine's power, measured with noise every ten seconds, and what it did."""
    machine = PlantModel(seed, START, faults=False).machines[name]
    end = START + 12 * HOUR
    truth: Truth = []
    for part in machine.segments(START, end):
        state = STANDING.get(part.state, part.state)
        if truth and truth[-1][2] is state:
            truth[-1] = (truth[-1][0], part.end, state)
        else:
            truth.append((part.start, part.end, state))
    times = range(START, end, 10 * SECOND)
    chance = np.random.default_rng(seed)
    power = np.array([machine.power(time) for time in times])
    return Grid(START, 10 * SECOND, power + chance.normal(0, noise * machine.spec.power, len(power))), truth


def cycling(seed: int, noise: float) -> tuple[Grid, Truth]:
    """Two hours, every second: off, idle, and work in cycles of 45 s whose last third draws hardly more than idling."""
    chance = np.random.default_rng(seed)
    longest = {State.OFF: (300, 900), State.IDLE: (250, 600), State.PRODUCING: (400, 1500)}
    truth: Truth = []
    power = np.empty(0)
    order = [State.OFF, State.IDLE, State.PRODUCING, State.IDLE, State.PRODUCING]
    while len(power) < 7200:
        state = order[len(truth) % len(order)]
        seconds = np.arange(int(chance.uniform(*longest[state])))
        level = {State.OFF: 0.2 + 0 * seconds, State.IDLE: 1.5 + 0 * seconds}
        level[State.PRODUCING] = np.where(seconds % 45 < 30, 6.0, 2.0)
        truth.append((len(power) * SECOND, (len(power) + len(seconds)) * SECOND, state))
        power = np.concatenate([power, level[state]])
    return Grid(0, SECOND, power + chance.normal(0, noise, len(power))), truth


def labelled(truth: Truth, states: Iterable[MachineState], minutes: int = 3) -> list[Label]:
    """So many minutes from the middle of the first long stretch of each of *states*."""
    found = []
    for wanted in states:
        start = next(a for a, b, state in truth if state is wanted and b - a >= (minutes + 1) * MINUTE) + MINUTE // 2
        found.append(Label(Stretch(start, start + minutes * MINUTE), wanted))
    return found


def codes(parts: Iterable[tuple[int, int, MachineState]], series: Grid) -> list[str]:
    """The state at each step."""
    times = series.start + series.step * np.arange(len(series.value))
    found = [""] * len(times)
    for start, end, state in parts:
        for at in range(int(np.searchsorted(times, start)), int(np.searchsorted(times, end))):
            found[at] = state.value
    return found


def agreement(found: Sequence[Inferred], truth: Truth, series: Grid) -> tuple[float, float]:
    """The share of told steps that are right, and the share that is not told."""
    mine = codes(((each.start, each.end, each.state) for each in found), series)
    real = codes(truth, series)
    told = [(one, other) for one, other in zip(mine, real, strict=True) if one != "unknown"]
    return sum(one == other for one, other in told) / len(told), 1 - len(told) / len(mine)


@pytest.mark.parametrize(("seed", "name"), [(1, "cnc-05"), (1, "cnc-04"), (2, "cnc-06"), (3, "cnc-08")])
def test_a_machine_is_read_from_three_labelled_minutes_of_each_state(seed: int, name: str) -> None:
    """Of the told steps at least 99 of 100 are what the machine did, and hardly any is left untold."""
    series, truth = simulated(seed, name)
    model = learn(series, labelled(truth, (State.IDLE, State.SETUP, State.PRODUCING)))

    right, untold = agreement(infer(model, series), truth, series)
    assert right >= 0.99
    assert untold <= 0.01


@pytest.mark.parametrize("noise", [0.2, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_pauses_inside_a_cycle_are_production(seed: int, noise: float) -> None:
    """The median over one cycle, whose length the labelled minutes show, keeps tool changes from looking like idling."""
    series, truth = cycling(seed, noise)
    model = learn(series, labelled(truth, (State.OFF, State.IDLE, State.PRODUCING)))

    assert model.window == 45
    right, untold = agreement(infer(model, series), truth, series)
    assert right >= 0.98
    assert untold <= 0.01


def test_states_that_draw_the_same_are_refused_by_name() -> None:
    """A machine that is down draws what an idle one draws: no figure, but which two cannot be told apart."""
    series, _ = simulated(1, "cnc-04")
    idle, down = Stretch(START, START + 3 * MINUTE), Stretch(START + 10 * MINUTE, START + 13 * MINUTE)
    level = np.full(len(series.value), 2.0) + np.random.default_rng(1).normal(0, 0.2, len(series.value))
    with pytest.raises(Inconclusive, match=r"(idle and down|down and idle) draw nearly the same"):
        learn(Grid(START, series.step, level), [Label(idle, State.IDLE), Label(down, State.DOWN)])


@pytest.mark.parametrize(
    ("states", "minutes", "said"),
    [((), 3, "at least two states"), ((State.PRODUCING,), 3, "at least two states")],
)
def test_without_labels_nothing_is_guessed(states: tuple[MachineState, ...], minutes: int, said: str) -> None:
    """From power alone no state has a name."""
    series, truth = simulated(1, "cnc-01")
    with pytest.raises(Inconclusive, match=said):
        learn(series, labelled(truth, states, minutes))


def test_a_glimpse_is_no_label() -> None:
    """Half a minute of a state is too little to learn from."""
    series, truth = simulated(1, "cnc-01")
    producing, idle = labelled(truth, (State.PRODUCING, State.IDLE))
    glimpse = Label(Stretch(idle.stretch.start, idle.stretch.start + 30 * SECOND), State.IDLE)
    with pytest.raises(Inconclusive, match="idle is labelled for 3 known steps only"):
        learn(series, [producing, glimpse])


def test_a_level_nobody_labelled_stays_unknown() -> None:
    """Setting up was not labelled: its time is told to be unknown, not idle and not producing."""
    series, truth = simulated(2, "cnc-06")
    model = learn(series, labelled(truth, (State.IDLE, State.PRODUCING)))

    found = codes(((each.start, each.end, each.state) for each in infer(model, series)), series)
    setups = [mine for mine, real in zip(found, codes(truth, series), strict=True) if real == "setup"]
    assert setups.count("unknown") >= 0.95 * len(setups)


def test_missing_power_is_unknown_time() -> None:
    """An hour without a value is neither running nor stopped, with no confidence."""
    series, truth = simulated(1, "cnc-05")
    model = learn(series, labelled(truth, (State.IDLE, State.SETUP, State.PRODUCING)))
    value = series.value.copy()
    value[1000:1360] = np.nan

    found = infer(model, Grid(series.start, series.step, value))
    gap = [each for each in found if each.start == START + 10_000 * SECOND]
    assert [(each.end - each.start, each.state, each.confidence) for each in gap] == [(HOUR, State.UNKNOWN, 0.0)]


def test_thresholds_do_without_labels() -> None:
    """Known thresholds tell states apart as labels do."""
    series, truth = cycling(3, 0.2)
    thresholds = [(0.0, State.OFF), (0.8, State.IDLE), (3.0, State.PRODUCING)]
    model = by_thresholds(thresholds, step=SECOND, cycle=45 * SECOND)

    right, _ = agreement(infer(model, series), truth, series)
    assert right >= 0.98
    assert [border[0] for border in model.borders] == [0.8, 3.0]
    with pytest.raises(Inconclusive, match="one threshold tells nothing apart"):
        by_thresholds(thresholds[:1], step=SECOND)


def test_a_model_goes_through_json() -> None:
    """No pickle: what was learned is a few numbers, and gives the same states again."""
    series, truth = simulated(1, "cnc-02")
    model = learn(series, labelled(truth, (State.IDLE, State.SETUP, State.PRODUCING)))
    again = PowerModel.from_json(json.loads(json.dumps(model.as_json())))

    assert again == model
    assert infer(again, series) == infer(model, series)
    with pytest.raises(UsageError, match="sha256 differs"):
        PowerModel.from_json({**model.as_json(), "dwell_us": 1})
    with pytest.raises(UsageError, match="is not what learn wrote"):
        PowerModel.from_json(hashed({"levels": "x"}))


def test_a_model_reads_only_its_own_steps() -> None:
    """A model of ten-second steps says nothing about minutes."""
    model = by_thresholds([(0.0, State.OFF), (1.0, State.IDLE)], step=SECOND)
    with pytest.raises(UsageError, match="steps of 60000000"):
        infer(model, Grid(0, MINUTE, np.zeros(3)))


def test_the_cycle_is_found_in_the_rhythm() -> None:
    """A rhythm of 45 steps is found under noise; noise alone has none."""
    chance = np.random.default_rng(5)
    beat = np.where(np.arange(180) % 45 < 30, 6.0, 2.0) + chance.normal(0, 0.5, 180)
    assert cycle_steps(beat) == 45
    assert cycle_steps(chance.normal(0, 1, 180)) == 1


def test_a_value_holds_until_the_next_and_no_longer_than_it_was_watched() -> None:
    """Steps take the last value; before the first sample and outside the watched time there is none."""
    column = Column(np.array([10, 35]), np.array([1.0, 2.0]))
    found = on_grid(column, Stretch(0, 60), 10, [Stretch(0, 50)])
    assert np.isnan(found.value).tolist() == [True, False, False, False, False, True]
    assert found.value[1:5].tolist() == [1, 1, 1, 2]
