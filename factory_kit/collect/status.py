"""What a running collection tells those who watch it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = ["Notice", "Observer", "ServerState", "ServerStatus", "Silent", "Status"]

State = Literal["connecting", "running", "lost", "refused"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line about one server; *message* is a template for the catalogue of translations, filled by *details*."""

    server: str
    message: str
    details: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.server}: {self.message.format(**self.details)}"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server at one moment. ``rate`` is values per second since the status before; ``lag_ms`` how late the newest were."""

    server: str
    address: str
    driver: str
    state: State
    points: int
    rate: float
    delivered: int
    bad: int
    errors: int
    reconnects: int
    lag_ms: float
    last_error: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole collection at one moment. ``waiting`` are samples not yet written, ``dropped`` those given up."""

    run: str
    origin: str
    elapsed_s: float
    rate: float
    delivered: int
    waiting: int
    dropped: int
    bytes_written: int
    servers: tuple[ServerStatus, ...]


class Observer(Protocol):
    """Somebody who watches; called in the event loop, so it must be quick."""

    def status(self, status: Status) -> None:
        """The state of things, about once a second."""

    def notice(self, notice: Notice) -> None:
        """Something happened that a person should know."""


class Silent:
    """Nobody watches."""

    def status(self, status: Status) -> None:
        """Nothing."""

    def notice(self, notice: Notice) -> None:
        """Nothing."""


@dataclass(slots=True)
class ServerState:
    """The counters of one server while it is read."""

    server: str
    address: str
    driver: str
    points: int
    state: State = "connecting"
    delivered: int = 0
    bad: int = 0
    errors: int = 0
    reconnects: int = 0
    lag_ms: float = 0.0
    last_error: str = ""
    _counted: int = 0
    _counted_at: float = 0.0

    def snapshot(self, at: float) -> ServerStatus:
        """The counters as of *at* (seconds of any steady clock)."""
        passed = at - self._counted_at
        rate = (self.delivered - self._counted) / passed if self._counted_at and passed > 0 else 0.0
        self._counted, self._counted_at = self.delivered, at
        return ServerStatus(
            server=self.server,
            address=self.address,
            driver=self.driver,
            state=self.state,
            points=self.points,
            rate=rate,
            delivered=self.delivered,
            bad=self.bad,
            errors=self.errors,
            reconnects=self.reconnects,
            lag_ms=self.lag_ms,
            last_error=self.last_error,
        )
