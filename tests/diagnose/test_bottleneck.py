"""The bottleneck of a line."""

from __future__ import annotations

import random

import pytest

from factory_kit.diagnose.bottleneck import bottlenecks, line_bottleneck
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

State = MachineState
DAY = Stretch(0, 1000)


def machine(text: str, step: int = 100) -> list[Segment]:
    """One segment per sign: P produces, S is set up, D down, i idle, ? unknown."""
    states = {"P": State.PRODUCING, "S": State.SETUP, "D": State.DOWN, "i": State.IDLE, "?": State.UNKNOWN}
    return [Segment(at * step, (at + 1) * step, states[sign]) for at, sign in enumerate(text)]


def test_the_longest_period_rules_and_overlaps_shift() -> None:
    """By hand: a is active 0-6, b 4-10; alone 0-4 and 6-10, shifting between from 4 to 6."""
    line = {"a": machine("PPPPPPiiii"), "b": machine("iiiiPPPPPP")}
    found, known = bottlenecks(line, DAY)
    shares = {each.machine: (each.sole, each.shifting) for each in found}
    assert shares == {"a": (0.4, 0.2), "b": (0.4, 0.2)}
    assert known == 1
    assert list(line_bottleneck(line, DAY)) == []


def test_a_short_period_inside_a_long_one_is_no_bottleneck() -> None:
    """While a works through, b's pieces of work never are the longest; being down and set up is active too."""
    line = {"a": machine("PPPDDSPPPP"), "b": machine("iPPiiPPPii")}
    found, _ = bottlenecks(line, DAY)
    assert [(each.machine, each.sole, each.shifting) for each in found] == [("a", 1.0, 0.0), ("b", 0.0, 0.0)]
    (finding,) = line_bottleneck(line, DAY)
    assert (finding.subject, finding.numbers["second"]) == ("a", "b")


def test_unknown_time_of_one_machine_is_left_out_for_all() -> None:
    """Where one machine is unknown nobody can say which period was the longest."""
    line = {"a": machine("PPPP????ii"), "b": machine("iiiiPPPPPP")}
    found, known = bottlenecks(line, DAY)
    assert known == pytest.approx(0.6)
    assert {each.machine: each.sole for each in found} == {"a": pytest.approx(4 / 6), "b": pytest.approx(2 / 6)}


def test_too_little_known_time_names_nobody() -> None:
    """With less than half of the time known the method keeps silent."""
    assert list(line_bottleneck({"a": machine("PPPP??????"), "b": machine("iiii??????")}, DAY)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slow", [0, 2, 3])
def test_the_slowest_machine_of_a_simulated_line_is_found(seed: int, slow: int) -> None:
    """Four machines in series with small buffers; the one with the longest cycle is the bottleneck."""
    cycles = [50.0, 50.0, 50.0, 50.0]
    cycles[slow] = 75.0
    line, end = series_line(cycles, buffer=2, seed=seed, parts=400)
    (finding,) = line_bottleneck(line, Stretch(0, end))
    assert finding.subject == f"m{slow}"


def series_line(cycles: list[float], *, buffer: int, seed: int, parts: int) -> tuple[dict[str, list[Segment]], int]:
    """A line whose machines start a part when it has come and finish it when there is room behind them."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    leaves: list[list[float]] = [[] for _ in cycles]
    busy: list[list[tuple[float, float]]] = [[] for _ in cycles]
    for part in range(parts):
        arrived = 0.0
        for at, cycle in enumerate(cycles):
            start = max(arrived, leaves[at][-1] if leaves[at] else 0.0)
            done = start + cycle * chance.uniform(0.8, 1.2)
            room = 0.0
            if at + 1 < len(cycles) and part > buffer:
                room = leaves[at + 1][part - buffer - 1]
            leaves[at].append(max(done, room))
            busy[at].append((start, done))
            arrived = leaves[at][-1]
    end = int(leaves[-1][-1])
    line = {}
    for at, periods in enumerate(busy):
        segments, clock = [], 0
        for start, done in periods:
            if int(start) > clock:
                segments.append(Segment(clock, int(start), State.IDLE))
            segments.append(Segment(max(clock, int(start)), int(done), State.PRODUCING))
            clock = int(done)
        segments.append(Segment(clock, max(end, clock + 1), State.IDLE))
        line[f"m{at}"] = segments
    return line, end
