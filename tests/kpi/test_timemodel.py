"""The time model, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from factory_kit.kpi.timemodel import Heard, Life, PointRecord, Segment, Stretch, known, time_elements, timeline
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Quality

WINDOW = Stretch(1000, 2000)
MAPPING = {
    "run": MachineState.PRODUCING,
    "stop": MachineState.IDLE,
    "fault": MachineState.DOWN,
    "tool": MachineState.SETUP,
}
ALWAYS = [Life(0, 9000)]


def states(*samples: Any, runs: list[Life] | None = None, gaps: list[Stretch] | None = None) -> PointRecord[str]:
    """A state point with samples ``(time, raw[, quality[, run]])``."""
    return PointRecord([Heard(*sample) for sample in samples], runs or ALWAYS, gaps or [])


def line(
    record: PointRecord[str], planned: list[Stretch] | None = None, silence: int = 100, lookback_from: int = 0
) -> list[tuple[int, int, str]]:
    """The timeline as start, end and state."""
    found = timeline(record, MAPPING, WINDOW, planned or [WINDOW], silence=silence, lookback_from=lookback_from)
    return [(each.start, each.end, each.state.value) for each in found]


def test_the_window_is_seeded_by_the_last_value_before_it() -> None:
    """A machine that said run long before the window produces from the window's first microsecond."""
    assert line(states((300, "stop"), (400, "run"), (1600, "stop"))) == [
        (1000, 1600, "producing"),
        (1600, 2000, "idle"),
    ]


def test_nothing_is_known_before_the_first_value() -> None:
    """Without a value before the window its beginning is unknown, not stopped."""
    assert line(states((1200, "run"))) == [(1000, 1200, "unknown"), (1200, 2000, "producing")]


def test_what_lies_before_the_lookback_is_not_read() -> None:
    """A value from before the lookback does not seed the window."""
    assert line(states((400, "run")), lookback_from=500) == [(1000, 2000, "unknown")]


def test_silence_of_a_live_run_is_no_gap() -> None:
    """A subscription that reports nothing for long says that nothing changed."""
    assert line(states((100, "run")), silence=5) == [(1000, 2000, "producing")]


def test_silence_of_history_is_unknown_after_the_limit() -> None:
    """An imported value holds for the limit only; to the last sample of the import nothing is known."""
    record = states((1000, "run"), (1300, "stop"), (1350, "run"), runs=[Life(500, 1900, history=True, agree=False)])
    assert line(record) == [
        (1000, 1100, "producing"),
        (1100, 1300, "unknown"),
        (1300, 1350, "idle"),
        (1350, 1450, "producing"),
        (1450, 2000, "unknown"),
    ]


def test_a_gap_is_unknown_and_what_held_before_holds_after_it() -> None:
    """A recorded gap never counts as running or stopped."""
    assert line(states((100, "run"), gaps=[Stretch(1400, 1500)])) == [
        (1000, 1400, "producing"),
        (1400, 1500, "unknown"),
        (1500, 2000, "producing"),
    ]


def test_a_bad_value_is_unknown_until_the_next_value() -> None:
    """Bad quality is not stopped; uncertain counts as it is."""
    record = states((100, "run"), (1200, "run", Quality.BAD), (1300, "stop", Quality.UNCERTAIN))
    assert line(record) == [(1000, 1200, "producing"), (1200, 1300, "unknown"), (1300, 2000, "idle")]


def test_a_bad_value_inside_a_gap_does_not_outlive_the_gap() -> None:
    """The outage's own bad sample must not make an unchanged machine unknown after the line is back."""
    record = states((100, "run"), (1200, "run", Quality.BAD), gaps=[Stretch(1200, 1300)])
    assert line(record) == [(1000, 1200, "producing"), (1200, 1300, "unknown"), (1300, 2000, "producing")]


def test_nothing_is_known_between_two_runs() -> None:
    """After a run has ended the last value no longer holds, until another run reads the point."""
    record = states((100, "run"), (1500, "run", Quality.GOOD, 1), runs=[Life(0, 1300), Life(1400, 3000)])
    assert line(record) == [(1000, 1300, "producing"), (1300, 1500, "unknown"), (1500, 2000, "producing")]


def test_an_old_first_value_counts_from_the_start_of_its_run() -> None:
    """An OPC UA server's first value may be hours old; before the run nobody was watching."""
    assert line(states((50, "stop"), runs=[Life(1400, 3000)])) == [(1000, 1400, "unknown"), (1400, 2000, "idle")]


def test_a_run_whose_first_value_was_stored_already_watched_from_its_start() -> None:
    """A value that comes again unchanged is stored once; the loss ledger tells that the second run had it too."""
    runs = [Life(0, 1300), Life(1400, 3000, repeated=True)]
    assert line(states((100, "run"), runs=runs)) == [
        (1000, 1300, "producing"),
        (1300, 1400, "unknown"),
        (1400, 2000, "producing"),
    ]


def test_what_a_run_repeated_counts_from_its_start_although_it_said_more_later() -> None:
    """The second run had the first value from its start on, and another one of its own at 1800."""
    runs = [Life(0, 1300), Life(1400, 3000, repeated=True)]
    assert line(states((100, "run"), (1800, "stop", Quality.GOOD, 1), runs=runs)) == [
        (1000, 1300, "producing"),
        (1300, 1400, "unknown"),
        (1400, 1800, "producing"),
        (1800, 2000, "idle"),
    ]


def test_history_that_repeats_a_value_watched_nothing() -> None:
    """An import of values that are stored already says nothing about the time between them."""
    runs = [Life(0, 1300), Life(1400, 3000, history=True, agree=False, repeated=True)]
    assert line(states((100, "run"), runs=runs)) == [(1000, 1300, "producing"), (1300, 2000, "unknown")]


def test_a_state_outside_the_mapping_is_unknown() -> None:
    """A raw value nobody explained is never guessed."""
    assert line(states((100, "run"), (1500, "dance"))) == [(1000, 1500, "producing"), (1500, 2000, "unknown")]


def test_time_running_backward_is_put_in_order() -> None:
    """Samples that arrive out of order count by their time."""
    assert line(states((1500, "stop"), (100, "run"))) == [(1000, 1500, "producing"), (1500, 2000, "idle")]


def test_of_two_values_at_one_moment_the_later_source_time_counts() -> None:
    """Two old first values of a run count from its start; what the machine said last holds."""
    record = states((600, "run"), (700, "stop"), runs=[Life(1200, 9000)])
    assert line(record) == [(1000, 1200, "unknown"), (1200, 2000, "idle")]


def test_time_elements_are_those_of_iso_22400() -> None:
    """Planned time falls into production, setup, delay, down and unknown time without a rest."""
    segments = [
        Segment(0, 10, MachineState.PRODUCING), Segment(10, 17, MachineState.SETUP), Segment(17, 22, MachineState.DOWN),
        Segment(22, 25, MachineState.IDLE), Segment(25, 27, MachineState.OFF), Segment(27, 28, MachineState.MAINTENANCE),
        Segment(28, 41, MachineState.UNKNOWN), Segment(41, 99, MachineState.PRODUCING, planned=False),
    ]  # fmt: skip
    elements = time_elements(segments)

    found = (elements.pbt, elements.apt, elements.aust, elements.adet, elements.adot, elements.unknown)
    assert found == (41, 10, 7, 5, 6, 13)
    assert (elements.aupt, elements.aubt, elements.known) == (17, 22, 28)
    assert elements.by_state == dict(zip(MachineState, (10, 7, 3, 5, 1, 2, 13), strict=True))


def test_unplanned_time_counts_for_nothing() -> None:
    """The state outside planned time is in the timeline but in no time element."""
    found = timeline(states((100, "run")), MAPPING, WINDOW, [Stretch(1200, 1300)], silence=1, lookback_from=0)

    assert [(each.start, each.end, each.planned) for each in found] == [
        (1000, 1200, False),
        (1200, 1300, True),
        (1300, 2000, False),
    ]
    assert time_elements(found).apt == 100


@pytest.mark.parametrize(
    "record", [states(), states((1100, "run", Quality.BAD)), states((1100, "run"), runs=[Life(1100, 1100)])]
)
def test_no_sample_bad_samples_or_an_empty_run_tell_nothing(record: PointRecord[str]) -> None:
    """All of the window is unknown, none of it stopped."""
    assert line(record) == [(1000, 2000, "unknown")]
    assert known(record, WINDOW, silence=100, lookback_from=0) == []
