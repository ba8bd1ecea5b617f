"""One planned Modbus read: how its answer becomes samples, and what is wrong with it at the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from factory_kit.collect.blocks import Span
from factory_kit.collect.book import Places
from factory_kit.collect.decode import Decoded, Decoder, Slot
from factory_kit.collect.deviceclock import DeviceClock
from factory_kit.collect.plan import ServerPlan
from factory_kit.collect.plausible import Plausible
from factory_kit.collect.reads import PlannedRead
from factory_kit.collect.refused import Group, grouped
from factory_kit.drivers.base import ReadRequest, Words
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError
from factory_kit.model.connector import Role
from factory_kit.model.registers import modbus_address, registers_of, scale_point
from factory_kit.model.sample import Quality, SampleBatch

__all__ = ["Task"]

TICKS = {"s": 1_000_000, "ms": 1000, "us": 1, "": 1}
FIRST_REST_S, LONGEST_REST_S, LONGER = 10.0, 3600.0, 6


class Task:
    """One planned read with its decoder, the places it answers, and what is wrong with it at the moment."""

    def __init__(self, plan: ServerPlan, read: PlannedRead) -> None:
        self.read = read
        self.interval = read.interval_ms / 1000
        self.places: Places = np.array(read.points, dtype=np.int32)
        self.complained = 0
        """The exception of the device that was told last; 0 when all is well."""
        self.told_missed = False
        self.late = 0
        """How many readings in a row came more than an interval late."""
        self.took = 0.0
        """How long the last answers took, on the average."""
        self.refused: tuple[int, DeviceError] | None = None
        """The exception with which the device refuses it for good, and the reason."""
        self.ask_again_at = 0.0
        self._rest = FIRST_REST_S
        self._plan = plan
        # Behind what is answered: the time point, also when it is answered itself, then scale factors answered elsewhere.
        stamps = () if read.stamp is None else (read.stamp,)
        places = [*read.points, *stamps, *read.factors]
        by_name = {_named(plan, place): index for index, place in reversed(list(enumerate(places)))}
        self._slots = [_slot(plan, place, read.request, by_name) for place in places]
        self._decode = Decoder(self._slots, read.request.count)
        self._stamp = None if read.stamp is None else len(read.points)
        self._counter = next(
            (index for index, slot in enumerate(self._slots) if slot.point.role is Role.SEQUENCE), None
        )
        self._record: int | None = None
        self._plausible = Plausible([plan.points[place].point for place in read.points])

    def groups(self) -> list[Group]:
        """The registers of its points in order, each with its scale factor."""
        return grouped([self._span(place) for place in self.read.points])

    def part(self, groups: Sequence[Group]) -> Task:
        """The same for the points of *groups* alone."""
        start, end = min(group.start for group in groups), max(group.end for group in groups)
        points = tuple(place for place in self.read.points if any(place in group.tags for group in groups))
        needed = {scale_point(self._plan.points[place].point) for place in points}
        factors = tuple(
            place
            for place in (*self.read.points, *self.read.factors)
            if place not in points and self._plan.points[place].point.name in needed
        )
        request = replace(self.read.request, address=start, count=end - start)
        return Task(self._plan, replace(self.read, request=request, points=points, factors=factors))

    def rests(self, now: float) -> bool:
        """Whether it is refused and not asked again yet; each time it is asked in vain the rest is longer."""
        return self.refused is not None and now < self.ask_again_at

    def refuse(self, status: int, reason: DeviceError, now: float) -> None:
        """The device refuses it with *status*: it is asked again, ever more rarely."""
        self.refused = status, reason
        self.ask_again_at = now + self._rest
        self._rest = min(LONGER * self._rest, LONGEST_REST_S)

    def answered(self, took: float) -> None:
        """It was answered, after *took* seconds."""
        self.refused, self._rest, self.complained = None, FIRST_REST_S, 0
        self.took = took if not self.took else self.took + (took - self.took) / 8

    def decode(self, words: Words) -> Decoded:
        """The values of an answer."""
        return self._decode(words)

    def missed(self, decoded: Decoded) -> int:
        """How many records the device made since the last reading beside this one; a count that starts anew tells nothing."""
        if self._counter is None:
            return 0
        before, self._record = self._record, int(decoded.raw[self._counter])
        return 0 if before is None else max(0, self._record - before - 1)

    def batch(self, decoded: Decoded, received: int, steady: float, clock: DeviceClock) -> SampleBatch:
        """The samples of an answer that came at *received* (µs UTC) and *steady* (seconds of any steady clock)."""
        count = len(self.places)
        time, doubt = received, False
        if self._stamp is not None:
            time = int(decoded.raw[self._stamp]) * self._tick()
            if not decoded.known[self._stamp] or not clock.observe(time, received):
                time, doubt = received, True
        value, known = decoded.value[:count], decoded.known[:count]
        status = np.full(count, Status.UNCERTAIN_SUBSTITUTE_TIME if doubt else Status.GOOD, np.int64)
        if not known.all():
            status[~known] = Status.BAD_DECODING_ERROR
            status[decoded.absent[:count]] = Status.BAD_DATA_UNAVAILABLE
        if not self._plausible.idle:
            wrong = known & self._plausible.wrong(value, steady)
            known, value = known & ~wrong, np.where(wrong, np.nan, value)
            status[wrong] = Status.BAD_OUT_OF_RANGE
        texts = None if decoded.text is None else decoded.text[:count]
        has_text = np.zeros(count, np.bool_) if texts is None else np.array([text is not None for text in texts])
        return SampleBatch(
            point=self.places,
            time=np.full(count, time, np.int64),
            value=value,
            quality=np.where(known, Quality.UNCERTAIN if doubt else Quality.GOOD, Quality.BAD).astype(np.int8),
            has_value=known & ~has_text,
            text=texts,
            status=status,
            received_time=np.full(count, received, np.int64),
        )

    def _tick(self) -> int:
        assert self._stamp is not None  # noqa: S101 - asked only where there is one
        point = self._slots[self._stamp].point
        return TICKS[point.unit] if point.type in {"uint32", "int32", "uint64", "int64"} else 1

    def _span(self, place: int) -> Span:
        """The registers that the point at *place* needs, with its scale factor where it has one."""
        point = self._plan.points[place].point
        factor = next(
            (
                each
                for each in (*self.read.points, *self.read.factors)
                if scale_point(point) and self._plan.points[each].point.name == scale_point(point)
            ),
            place,
        )
        needed = [
            (modbus_address(self._plan.points[each].address).number, self._plan.points[each].point)
            for each in (place, factor)
        ]
        return Span(
            min(number for number, _ in needed), max(number + registers_of(each) for number, each in needed), place
        )


def _named(plan: ServerPlan, place: int) -> str:
    return plan.points[place].point.name


def _slot(plan: ServerPlan, place: int, request: ReadRequest, by_name: dict[str, int]) -> Slot:
    planned = plan.points[place]
    address = modbus_address(planned.address)
    return Slot(
        planned.point,
        address.number - request.address,
        address.bit,
        address.top,
        by_name.get(scale_point(planned.point)),
        ZoneInfo(planned.zone) if planned.zone else None,
    )
