"""The journal of an office: who did what and when, a hash chain beside the ledger of receipts; every decision is a record in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from factory_kit.district.cases import Cases
from factory_kit.errors import StoreBusy
from factory_kit.seal.chain import Link, follow_chain, open_chain
from factory_kit.seal.stamps import to_text

__all__ = ["FILE", "Journal", "cases_of"]

FILE = "journal.jsonl"
PAUSE = 0.02
TRIES = 500
"""How often a writer asks whether another process is done, with a pause of that many seconds between."""

Make = Callable[[Cases], Mapping[str, Any]]
"""The record to write, given everything before it; raises to write nothing."""


class Journal:
    """The journal in *folder*, followed as it grows, whoever writes it; threads may share it."""

    def __init__(self, folder: Path, now: Callable[[], int]) -> None:
        self.path = folder / FILE
        """The file of the chain."""
        self._now = now
        self._lock = threading.RLock()
        self._links: list[Link] = []
        self._offset = 0
        self._cases = Cases()

    @property
    def links(self) -> list[Link]:
        """All records so far, not to be changed."""
        with self._lock:
            self._follow()
            return self._links

    @property
    def cases(self) -> Cases:
        """What the records come to, not to be changed."""
        with self._lock:
            self._follow()
            return self._cases

    def write(self, event: str, by: str, role: str, **details: object) -> Link:
        """The record of *event* by the user *by*, on the disk when this returns."""
        return self.decide(event, by, role, lambda _cases: details)

    def decide(self, event: str, by: str, role: str, make: Make) -> Link:
        """As ``write``, the details made by *make* while nobody else writes."""
        with self._lock:
            for _ in range(TRIES):
                with suppress(StoreBusy):
                    return self._append({"form": 1, "event": event, "by": by, "role": role}, make)
                time.sleep(PAUSE)
            return self._append({"form": 1, "event": event, "by": by, "role": role}, make)

    def _append(self, head: Mapping[str, Any], make: Make) -> Link:
        with open_chain(self.path) as chain:
            self._follow()
            chain.append({**head, "at": to_text(self._now()), **make(self._cases)})
            self._follow()
            return self._links[-1]

    def _follow(self) -> None:
        last = self._links[-1] if self._links else None
        fresh, self._offset = follow_chain(self.path, last, self._offset)
        for link in fresh:
            self._cases.take(link)
        self._links.extend(fresh)


def cases_of(folder: Path) -> Cases:
    """What the office in *folder* decided so far."""
    found = Cases()
    for link in follow_chain(folder / FILE, None, 0)[0]:
        found.take(link)
    return found
