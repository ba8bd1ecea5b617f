"""A device that only answers, as one that reports: every point is read at its interval. This is how drivers of other packages are used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import TypeVar

import numpy as np

from factory_kit.drivers.base import (
    Arrival,
    Context,
    Identity,
    Monitored,
    NodeItem,
    Past,
    Stretch,
    Value,
    ValueDevice,
)
from factory_kit.errors import DeviceRefused, DeviceUnavailable, FactoryKitError
from factory_kit.model.sample import Quality, SampleBatch
from factory_kit.model.site import OtherServer

__all__ = ["PolledDevice"]

Result = TypeVar("Result")
NO_HISTORY = "a device that is only asked for its values now"


class PolledDevice:
    """Asks *device* for its values, each at its own interval; every question is counted before it is sent."""

    def __init__(self, device: ValueDevice, server: OtherServer, context: Context) -> None:
        self._device = device
        self._server = server
        self._context = context
        self._items: Sequence[NodeItem] = ()
        self._due: dict[float, float] = {}
        """When (by the loop's clock) the items of an interval (ms) are read next."""

    @property
    def address(self) -> str:
        """``host:port`` as the authorisation record names it."""
        return self._server.address

    @property
    def started(self) -> int:
        """Nothing is known of that."""
        return 0

    async def connect(self) -> None:
        """The connection is open."""
        await self._asked("connect", self._device.connect())

    async def identify(self, units: Sequence[int] = ()) -> Identity:
        """What the device says about itself."""
        return await self._asked("identify", self._device.identify(units))

    async def aclose(self) -> None:
        """The connection is closed cleanly."""
        await self._device.aclose()

    async def subscribe(self, items: Sequence[NodeItem], publishing_ms: float) -> list[Monitored]:
        """All of *items* are read from now on, each at its interval."""
        del publishing_ms
        self._items = items
        now = asyncio.get_running_loop().time()
        self._due = {item.sampling_ms: now for item in items}
        return await self.retry(range(len(items)))

    async def retry(self, places: Sequence[int]) -> list[Monitored]:
        """Nothing is refused beforehand: an address that the device does not know is a bad value."""
        return [Monitored(0, sampling_ms=self._items[place].sampling_ms, polled=True) for place in places]

    async def arrivals(self) -> list[Arrival]:
        """The values that were due next; a beat that has passed already is left out."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, min(self._due.values()) - loop.time()))
        now = loop.time()
        beats = [interval for interval, due in self._due.items() if due <= now]
        places = [place for place, item in enumerate(self._items) if item.sampling_ms in beats]
        if not places:
            return []
        values = await self._asked("read", self._device.read([self._items[place].node for place in places]))
        if len(values) != len(places):
            raise DeviceRefused(
                "{address}: the driver {driver} gave {found} values for {asked} addresses; it must give one for each",
                address=self.address,
                driver=self._server.driver,
                found=len(values),
                asked=len(places),
            )
        for beat in beats:
            self._due[beat] += beat / 1000 * (1 + max(0, int((loop.time() - self._due[beat]) / (beat / 1000))))
        batch = _batch(places, values, self._context.now())
        return [Arrival(batch, about=batch.point)]

    async def resume(self) -> bool:
        """The connection is open again; what happened meanwhile is not known."""
        await self._device.aclose()
        await self.connect()
        return False

    async def mended(self) -> None:
        """Nothing on this side can mend a refusal."""
        await asyncio.Event().wait()

    async def know(self, items: Sequence[NodeItem]) -> list[Monitored]:
        """The *items* by their places, for ``history``."""
        self._items = items
        return await self.retry(range(len(items)))

    async def history(self, stretches: Sequence[Stretch]) -> AsyncIterator[Past]:
        """There is none, and that is said of each of *stretches*."""
        nothing = _batch([], [], 0)
        for each in stretches:
            yield Past(each.item, nothing, status=1, reason=NO_HISTORY)

    async def _asked(self, what: str, answer: Coroutine[object, object, Result]) -> Result:
        """What came of the question; whatever went wrong as one line, so that no driver of others stops a collection."""
        self._context.count(self.address, what)
        try:
            return await asyncio.wait_for(answer, self._server.timeout_ms / 1000)
        except TimeoutError as error:
            raise DeviceUnavailable(
                "{address}: no answer within {seconds:g} s",
                address=self.address,
                seconds=self._server.timeout_ms / 1000,
            ) from error
        except (OSError, EOFError) as error:
            raise DeviceUnavailable("{address}: {reason}", address=self.address, reason=error) from error
        except FactoryKitError:
            raise
        except Exception as error:
            raise DeviceUnavailable(
                "{address}: the driver {driver} failed ({kind}: {reason})",
                address=self.address,
                driver=self._server.driver,
                kind=type(error).__name__,
                reason=error,
            ) from error


def _batch(places: Sequence[int], values: Sequence[Value], now: int) -> SampleBatch:
    """One sample for each of *places*."""
    texts = [each.value if isinstance(each.value, str) else None for each in values]
    numbers = [None if isinstance(each.value, str) else each.value for each in values]
    good = [each.status == 0 and each.value is not None for each in values]
    return SampleBatch(
        point=np.array(places, dtype=np.int32),
        time=np.array([now if each.time is None else each.time for each in values], dtype=np.int64),
        value=np.array([np.nan if number is None else float(number) for number in numbers], dtype=np.float64),
        quality=np.array([Quality.GOOD if each else Quality.BAD for each in good], dtype=np.int8),
        has_value=np.array([number is not None for number in numbers], dtype=np.bool_),
        text=texts if any(text is not None for text in texts) else None,
        status=np.array([each.status for each in values], dtype=np.int64),
        received_time=np.full(len(values), now, np.int64),
    )
