"""What reading one server needs, whatever its protocol."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from factory_kit.collect.book import Book
from factory_kit.collect.deviceclock import DeviceClock
from factory_kit.collect.status import Notice, Observer, ServerState
from factory_kit.drivers.base import Identity
from factory_kit.errors import DeviceError, DeviceRefused
from factory_kit.i18n import N_
from factory_kit.model.sample import Origin

__all__ = ["Job", "Settings", "patience"]

RETRY_S = 0.75
REFUSED_RETRY_S = 30.0
"""After a clear no: rarely, so that no account is locked and no log filled."""


@dataclass(slots=True)
class Settings:
    """What a job is given: the clock, who watches, and, once the run has begun, its books and origin."""

    now: Callable[[], int]
    observer: Observer
    state: ServerState
    clock: DeviceClock = field(default_factory=DeviceClock)
    origin: Origin | None = None

    def notice(self, message: str, **details: object) -> None:
        """Tell who watches."""
        self.observer.notice(Notice(self.state.server, message, details))

    def complain(self, error: DeviceError) -> None:
        """Tell who watches of *error*, and keep it as the last one."""
        self.state.last_error = str(error)
        self.notice(error.message, **error.details)

    def check_origin(self, identity: Identity) -> None:
        """``DeviceRefused`` when *identity* is of another origin than the run: a run has one."""
        if self.origin is not None and identity.origin is not self.origin:
            raise DeviceRefused(
                "{address}: is {found}, this run is {origin}; real and simulated values are never mixed",
                address=self.state.address,
                found=identity.origin.value,
                origin=self.origin.value,
            )


class Job(Protocol):
    """Reads one server until it is cancelled."""

    settings: Settings

    async def open(self) -> Identity:
        """The first contact. ``DeviceUnavailable`` or ``DeviceRefused``; then ``run`` may still try later."""

    async def run(self, book: Book) -> None:
        """Read for ever; what is lost is noted in *book*."""

    async def close(self) -> None:
        """Everything is closed cleanly; never raises."""


def patience(error: DeviceError, chance: random.Random) -> float:
    """Seconds until the next try after *error*, with jitter so that servers are not all asked at once."""
    return (RETRY_S if error.retry else REFUSED_RETRY_S) * (1 + chance.random())


BACK = N_("connection is back")
