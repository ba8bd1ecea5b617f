"""Who falls silent is asked, and who answers but reports nothing is given up: each subscription by its own publishing interval."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

from asyncua import ua

from factory_kit.drivers.opcua.link import Link
from factory_kit.drivers.opcua.subscription import Subscription
from factory_kit.errors import DeviceUnavailable

__all__ = ["Watchdog"]

STATE = ua.ObjectIds.Server_ServerStatus_State


class Watchdog:
    """Looks after *subscriptions*; *more* sends one request to publish more, *silent* is told of a subscription that is dead."""

    def __init__(
        self,
        link: Link,
        subscriptions: Callable[[], Mapping[int, Subscription]],
        more: Callable[[], None],
        silent: Callable[[int], None],
    ) -> None:
        self._link = link
        self._subscriptions = subscriptions
        self._more = more
        self._silent = silent

    async def watch(self) -> None:
        """For ever; ``DeviceUnavailable`` when the server no longer answers, or answers and reports nothing."""
        while True:
            late = min(self._subscriptions().values(), key=lambda each: each.due_at(0))
            wait = late.due_at(self._link.slowness) - monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            else:
                await self._ask_after(late)

    async def _ask_after(self, late: Subscription) -> None:
        """Whether the server of *late* answers; when it does for too long without reporting anything, this is an error."""
        if not late.probed or late.probed < late.heard:
            self._more()  # perhaps the server lost those that waited
        heard = late.heard
        # Not by Republish: there are servers that forget a notification once they sent it again, and the answer may get lost.
        await self._link.read((STATE,))
        late.probed = monotonic()
        if late.heard == heard and late.probed >= late.silent_at(self._link.slowness):
            self._silent(late.id)
            raise DeviceUnavailable(
                "{address}: the server answers, but reports nothing any more", address=self._link.address
            )
