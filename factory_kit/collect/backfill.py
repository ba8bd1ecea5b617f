"""The past of a server: its raw history between two times, page by page, into the store; what is there already is left out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from factory_kit.collect.batches import selected
from factory_kit.collect.book import Book, Hole
from factory_kit.collect.job import BACK, Settings, patience
from factory_kit.collect.plan import ServerPlan, chunks
from factory_kit.collect.units import Units
from factory_kit.drivers.base import HistoryDevice, Identity, Monitored, Past, Stretch
from factory_kit.errors import DeviceError
from factory_kit.i18n import N_
from factory_kit.model.sample import Int64
from factory_kit.store import Store

__all__ = ["Known", "PastJob", "Stretched", "known_times", "what_of"]

Rows = npt.NDArray[np.bool_]
AT_ONCE = 50
"""Points whose history is read at the same time."""
MOST_WAITING = 500_000
"""So many samples may wait for the store before the server is asked on."""
NAMED = 5


@dataclass(frozen=True, slots=True)
class Stretched:
    """What is wanted of the past: from *start* up to, not including, *end* (µs UTC)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store has of one point in the wanted time: the times, and how far an earlier run of the same kind came."""

    times: Int64
    reached: int | None = None


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far a point was read in this session, and how many values of that time came; the same of the session before."""

    time: int = 0
    here: int = 0
    before: int = 0
    given: int = 0


def what_of(wanted: Stretched) -> str:
    """How a run calls what it does; an interrupted one is found by this name."""
    first, last = (datetime.fromtimestamp(each / 1e6, UTC).isoformat() for each in (wanted.start, wanted.end))
    return f"collect --from {first} --to {last}"


def known_times(store: Store, wanted: Stretched, points: Iterable[int]) -> dict[int, Known]:
    """What *store* has of each of *points* in the *wanted* time."""
    ids = sorted(set(points))
    with store.connect() as con:
        rows = con.execute(
            "SELECT point, epoch_us(time) AS moment FROM samples WHERE list_contains(?, point)"
            " AND time >= make_timestamp(?) AND time < make_timestamp(?) ORDER BY point, moment",
            [ids, wanted.start, wanted.end],
        ).fetchnumpy()
        reached = dict(
            con.execute(
                "SELECT point, max(epoch_us(time)) FROM samples JOIN runs USING (run)"
                " WHERE what = ? AND list_contains(?, point) GROUP BY point",
                [what_of(wanted), ids],
            ).fetchall()
        )
    point, at = np.asarray(rows["point"]), np.asarray(rows["moment"], dtype=np.int64)
    return {each: Known(at[point == each], reached.get(each)) for each in ids}


class PastJob:
    """Reads the history of all points of one server once; it ends by itself."""

    def __init__(
        self,
        plan: ServerPlan,
        device: HistoryDevice,
        settings: Settings,
        wanted: Stretched,
        known: Callable[[Sequence[int]], Mapping[int, Known]],
    ) -> None:
        self.settings = settings
        self._plan = plan
        self._device = device
        self._wanted = wanted
        self._known = known
        """Of places of the plan."""
        self._units = Units(plan)
        self._open = False
        self._refused: dict[int, str] = {}
        self._reached: dict[int, _Reached] = {}
        self._chance = random.Random(plan.name)  # noqa: S311 - jitter, no secret

    async def open(self) -> Identity:
        """A session is open."""
        await self._device.connect()
        identity = await self._device.identify()
        self.settings.check_origin(identity)
        self._open = True
        return identity

    async def run(self, book: Book) -> None:
        """Everything is read, or refused; a break of the line is waited for and what was read is not read again."""
        state = self.settings.state
        for part in chunks(len(self._plan.items), AT_ONCE):
            known = await asyncio.to_thread(self._known, list(part))
            told = ""
            while True:
                try:
                    await self._opened()
                    if told:
                        state.reconnects += 1
                        self.settings.notice(BACK)
                    state.state, told = "running", ""
                    await self._part(list(part), known, book)
                    break
                except DeviceError as error:
                    self._open = False
                    state.errors += 1
                    state.state, state.last_error = "lost" if error.retry else "refused", str(error)
                    if not told:
                        self.settings.complain(error)
                    told = str(error)
                    if not error.retry:
                        self._give_up([place for place in part if place not in self._refused], str(error), book)
                        break
                    await asyncio.sleep(patience(error, self._chance))
        self._name()

    async def close(self) -> None:
        """Session and connection closed."""
        await self._device.aclose()

    async def _opened(self) -> None:
        if not self._open:
            await self._device.aclose()
            await self.open()
        for place, each in enumerate(await self._device.know(self._plan.items)):
            self._note(place, each)

    def _note(self, place: int, each: Monitored) -> None:
        if each.status:
            self._refused[place] = each.reason

    async def _part(self, places: Sequence[int], known: Mapping[int, Known], book: Book) -> None:
        stretches = [
            Stretch(place, self._from(place, known[place]), self._wanted.end - 1)
            for place in places
            if place not in self._refused
        ]
        async for page in self._device.history([each for each in stretches if each.start <= each.end]):
            self._take(page, known[page.item], book)
            while book.waiting > MOST_WAITING:  # noqa: ASYNC110 - the outbox tells nobody; this is rare
                await asyncio.sleep(0.1)
        self._give_up([place for place in places if place in self._refused], "", book)

    def _from(self, place: int, known: Known) -> int:
        reached = self._reached.get(place)
        if reached is None:
            return max(self._wanted.start, known.reached or 0)
        if not reached.time:
            return reached.before  # nothing came since the last break
        # What came of this time counts as there; the server begins with it again.
        self._reached[place] = _Reached(before=reached.time, given=reached.here)
        return reached.time

    def _take(self, page: Past, known: Known, book: Book) -> None:
        if page.status:
            self._refused[page.item] = page.reason
        if not len(page.batch):
            return
        new = selected(page.batch, self._fresh(page, known))
        book.fill(Hole(page.item, self._wanted.start, self._wanted.end, ""), self._units(new))

    def _fresh(self, page: Past, known: Known) -> Rows:
        """Which rows of *page* neither the store had nor this run handed on: the store keeps one value per point and time."""
        time = page.batch.time
        reached = self._reached.get(page.item, _Reached())
        last = int(time[-1])
        here = int((time == last).sum()) + (reached.here if last == reached.time else 0)
        self._reached[page.item] = replace(reached, time=last, here=here)
        fresh: Rows = ~np.isin(time, known.times)
        # Of a time that was cut through by a break, what came before the break comes again and is left out.
        again = np.flatnonzero(time == reached.before)[: reached.given]
        fresh[again] = False
        return fresh

    def _give_up(self, places: Sequence[int], reason: str, book: Book) -> None:
        """No history of *places*: the whole time is a gap."""
        for place in places:
            self._refused.setdefault(place, reason)
            start = max(self._wanted.start, self._reached.get(place, _Reached()).time)
            book.leave(Hole(place, start, self._wanted.end, f"history: {self._refused[place]}"))

    def _name(self) -> None:
        for place, reason in list(self._refused.items())[:NAMED]:
            self.settings.notice(
                N_("{address} has no history: {reason}"), address=self._plan.points[place].address, reason=reason
            )
        if len(self._refused) > NAMED:
            self.settings.notice(N_("{count} more points have no history"), count=len(self._refused) - NAMED)
