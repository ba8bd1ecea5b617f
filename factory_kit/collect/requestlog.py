"""The request log: who sent what to which address, when and how often. One line of JSON for each kind of request and interval."""

from __future__ import annotations

import getpass
import json
import platform
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from factory_kit.errors import FactoryKitError

__all__ = ["RequestLog"]


class RequestLog:
    """Counts requests in memory; ``flush`` adds a line for each address and service to *path*. *now* gives µs UTC."""

    def __init__(self, path: Path, run: str, now: Callable[[], int]) -> None:
        self._path = path
        self._run = run
        self._now = now
        self._who = f"{_user()}@{platform.node()}"
        self._since = now()
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, address: str, service: str) -> None:
        """One request of *service* goes to *address*."""
        self._counts[address, service] += 1

    def telling(self, tell: Callable[[], None]) -> Callable[[str, str], None]:
        """``count``, with *tell* called for each request too."""

        def counted(address: str, service: str) -> None:
            self.count(address, service)
            tell()

        return counted

    def flush(self, *, last: bool = False) -> None:
        """What was counted since the last time is in the file; where that fails it waits for the next time.

        ``FactoryKitError`` when the *last* time fails too.
        """
        if not self._counts:
            return
        now = self._now()
        moment = {"from": _iso(self._since), "to": _iso(now), "run": self._run, "who": self._who}
        lines = [
            json.dumps({**moment, "address": address, "service": service, "count": count}, ensure_ascii=False)
            for (address, service), count in sorted(self._counts.items())
        ]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        except OSError as error:
            if last:
                raise FactoryKitError(
                    "{path}: the request log cannot be written ({reason})", path=self._path, reason=error.strerror
                ) from error
            return
        self._since = now
        self._counts.clear()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a system without user names
        return "unknown"


def _iso(time: int) -> str:
    return datetime.fromtimestamp(time // 1_000_000, UTC).isoformat()
