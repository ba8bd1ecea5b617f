"""Who is logged in: sessions that end when nobody uses them, at the latest after a day's work; and log-ins that cannot be guessed."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from factory_kit.web.district.users import User, Users

__all__ = ["ABSOLUTE", "IDLE", "Brake", "Session", "Sessions"]

MINUTE = 60_000_000
IDLE = 30 * MINUTE
ABSOLUTE = 12 * 60 * MINUTE
"""Microseconds after which a session ends: unused, and in any case."""
MOST = 10_000
"""Sessions at once; the one unused longest goes."""


@dataclass
class Session:
    """One log-in; the key is known to the browser, and here only by its hash."""

    key: str
    user: User
    began: int
    used: int
    signed: str = ""
    """The hash of the password it was opened with; another one ends it."""


class Sessions:
    """The sessions of one server; they live in its memory, so a new server asks everybody to log in again."""

    def __init__(self, users: Users, now: Callable[[], int]) -> None:
        self._users = users
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def begin(self, user: User) -> Session:
        """A new session of *user*, under a key that was never used."""
        key, now = secrets.token_urlsafe(32), self._now()
        session = Session(key, user, now, now, user.password)
        with self._lock:
            self._sweep(now)
            self._open[_hash(key)] = session
        return session

    def find(self, key: str) -> Session | None:
        """The session under *key* while it lasts; its user as the file says now."""
        if not key:
            return None
        now = self._now()
        with self._lock:
            session = self._open.get(_hash(key))
            if session is None:
                return None
            user = self._users.active(session.user.name)
            if _over(session, now) or user is None or user.password != session.signed:
                del self._open[_hash(key)]
                return None
            session.used, session.user = now, user
            return session

    def end(self, key: str) -> None:
        """The session under *key* is over."""
        with self._lock:
            self._open.pop(_hash(key), None)

    def _sweep(self, now: int) -> None:
        for name in [name for name, each in self._open.items() if _over(each, now)]:
            del self._open[name]
        while len(self._open) >= MOST:
            del self._open[min(self._open, key=lambda name: self._open[name].used)]


class Brake:
    """Slows guessing: after *most* failures within *within* microseconds a key has to wait, whoever asks."""

    def __init__(self, most: int, within: int, now: Callable[[], int]) -> None:
        self._most = most
        self._within = within
        self._now = now
        self._lock = threading.Lock()
        self._failed: dict[str, deque[int]] = {}

    def waits(self, key: str) -> bool:
        """Whether *key* has to wait."""
        with self._lock:
            return len(self._recent(key)) >= self._most

    def failed(self, key: str) -> None:
        """*key* was wrong again."""
        with self._lock:
            if len(self._failed) >= MOST:
                self._failed = {name: times for name in list(self._failed) if (times := self._recent(name))}
            if len(self._failed) < MOST or key in self._failed:
                self._failed.setdefault(key, deque(maxlen=self._most)).append(self._now())

    def _recent(self, key: str) -> deque[int]:
        times = self._failed.get(key, deque())
        while times and times[0] < self._now() - self._within:
            times.popleft()
        return times


def _over(session: Session, now: int) -> bool:
    return now - session.used > IDLE or now - session.began > ABSOLUTE


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
