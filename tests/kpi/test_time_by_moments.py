"""The time model against its own rules, asked moment by moment: slow, without one clever step, and so short that it can be read beside the rules."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.kpi.timemodel import Heard, Life, PointRecord, Segment, Stretch, counted, known, length, timeline
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Quality

WINDOW = Stretch(10, 30)
MAPPING = {"run": MachineState.PRODUCING, "stop": MachineState.IDLE, "fault": MachineState.DOWN}
MOMENTS = range(-5, 36)

moments = st.integers(MOMENTS.start, MOMENTS.stop)
stretches = st.tuples(moments, st.integers(0, 12)).map(lambda each: Stretch(each[0], sum(each)))


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A run; the clocks of history never agree."""
    watched, history = draw(stretches), draw(st.booleans())
    agree = not history and draw(st.booleans())
    return Life(watched.start, watched.end, history=history, agree=agree, repeated=draw(st.booleans()))


@st.composite
def records(draw: st.DrawFn) -> PointRecord[str]:
    """A point with a few runs, samples in any order, gaps."""
    runs = draw(st.lists(lives(), min_size=1, max_size=3))
    heard = st.builds(
        Heard,
        moments,
        st.sampled_from(["run", "stop", "fault", "dance"]),
        st.sampled_from([Quality.GOOD, Quality.GOOD, *Quality]),
        st.integers(0, len(runs) - 1),
    )
    return PointRecord(draw(st.lists(heard, max_size=7)), runs, draw(st.lists(stretches, max_size=2)))


@dataclass(frozen=True)
class Asked:
    """The rules, asked of one record at one moment."""

    record: PointRecord[str]
    silence: int
    lookback_from: int

    def read(self) -> list[tuple[int, Heard[str]]]:
        """Rules 1 and 7: which samples are read, and from when they count."""
        found = []
        for sample in self.record.samples:
            life = self.record.runs[sample.run]
            if life.agree and sample.time < life.start:
                if max(sample.time, life.start) >= self.lookback_from:
                    found.append((life.start, sample))
            elif sample.time >= self.lookback_from:
                found.append((sample.time, sample))
        return found

    def last(self, moment: int) -> tuple[int, Heard[str]] | None:
        """The sample that counts at *moment*, and since when; rule 4: a bad one inside a gap is not heard."""
        best = None
        for since, sample in self.read():
            lost = sample.quality is Quality.BAD and self.in_gap(sample.time)
            if since <= moment and not lost and (best is None or (since, sample.time) > (best[0], best[1].time)):
                best = since, sample
        return best

    def in_gap(self, moment: int) -> bool:
        """Rule 4."""
        return any(gap.start <= moment < gap.end for gap in self.record.gaps)

    def watched(self, moment: int) -> bool:
        """Rule 2."""
        read = self.read()
        for number, life in enumerate(self.record.runs):
            starts = [since for since, sample in read if sample.run == number]
            if life.repeated and not life.history and read:
                starts.append(max(life.start, min(since for since, _ in read)))
            if starts and min(starts) <= moment < life.end:
                return True
        return False

    def known(self, moment: int) -> bool:
        """Rules 2 to 5."""
        last = self.last(moment)
        if last is None or self.in_gap(moment) or not self.watched(moment) or last[1].quality is Quality.BAD:
            return False
        return not self.record.runs[last[1].run].history or moment < last[0] + self.silence

    def state(self, moment: int) -> MachineState:
        """Rule 6."""
        last = self.last(moment)
        return MAPPING.get(last[1].value, MachineState.UNKNOWN) if last and self.known(moment) else MachineState.UNKNOWN


asked = st.builds(Asked, records(), st.integers(1, 15), st.integers(-5, 15))


def holds(moment: int, parts: list[Stretch]) -> bool:
    """Whether *moment* lies in one of *parts*."""
    return sum(part.start <= moment < part.end for part in parts) == 1


@settings(max_examples=200)
@given(asked, st.integers(10, 31))
def test_what_counts_at_each_moment_is_what_the_rules_say(each: Asked, stop: int) -> None:
    """One sample per moment before the end, in order, with the value that holds from then on."""
    found = counted(each.record, each.lookback_from, stop)

    heard = {since for since, _ in each.read() if since < stop and each.last(since) and each.last(since)[0] == since}
    assert [sample.time for sample in found] == sorted(heard)
    for sample in found:
        last = each.last(sample.time)
        assert last is not None
        assert sample == Heard(sample.time, last[1].value, last[1].quality, last[1].run)


@settings(max_examples=200)
@given(asked)
def test_what_is_known_is_what_the_rules_say_at_each_moment(each: Asked) -> None:
    """Known stretches hold exactly the moments at which the rules tell a value, in order and never touching each other."""
    parts = known(each.record, WINDOW, silence=each.silence, lookback_from=each.lookback_from)

    moments_known = [moment for moment in MOMENTS if WINDOW.start <= moment < WINDOW.end and each.known(moment)]
    assert [moment for moment in MOMENTS if holds(moment, parts)] == moments_known
    assert length(parts) == len(moments_known)
    assert all(part.length > 0 for part in parts)
    assert all(earlier.end < later.start for earlier, later in pairwise(parts))


@settings(max_examples=200)
@given(asked, st.lists(stretches, max_size=2), st.lists(st.lists(stretches, max_size=2), max_size=2))
def test_the_timeline_is_what_the_rules_say_at_each_moment(
    each: Asked, planned: list[Stretch], others: list[list[Stretch]]
) -> None:
    """The window from end to end, in one segment for as long as state and plan are the same; unknown where another point is."""
    found = timeline(
        each.record, MAPPING, WINDOW, planned,
        silence=each.silence, lookback_from=each.lookback_from, also_known=others,
    )  # fmt: skip

    expected: list[Segment] = []
    for moment in range(WINDOW.start, WINDOW.end):
        sure = all(any(part.start <= moment < part.end for part in parts) for parts in others)
        state = each.state(moment) if sure else MachineState.UNKNOWN
        plan = any(part.start <= moment < part.end for part in planned)
        if expected and (expected[-1].state, expected[-1].planned) == (state, plan):
            expected[-1] = Segment(expected[-1].start, moment + 1, state, plan)
        else:
            expected.append(Segment(moment, moment + 1, state, plan))
    assert found == expected
