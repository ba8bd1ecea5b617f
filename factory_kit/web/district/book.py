"""The ledger as pages need it: every receipt by number in a few words, followed as the ledger grows, whoever writes it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Any

from factory_kit.district.receipts import rulings_of
from factory_kit.district.rules import Ruling
from factory_kit.seal.chain import Link, follow_chain
from factory_kit.web.district.users import User

__all__ = ["Book", "Entry", "speaks_for"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One receipt of the ledger; what the submission did not say is empty."""

    number: int
    hash: str
    campaign: str
    file: str
    sha256: str
    received: str
    outcome: str
    rulings: tuple[Ruling, ...]
    assessment: str
    supersedes: str
    plant: tuple[str, str]
    """Credit code and site number; empty where the file could not be read."""
    name_zh: str
    name_en: str
    provider: str
    provider_code: str
    model: str
    type: str
    level: int | None
    total: str

    @property
    def accepted(self) -> bool:
        """Whether the rules accepted it."""
        return self.outcome.startswith("accepted")

    @property
    def known(self) -> bool:
        """Whether it could be read whose it is."""
        return bool(self.plant[0])


class Book:
    """The receipts of the ledger at *path*; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._last: Link | None = None
        self._offset = 0
        self._entries: list[Entry] = []
        self._plants: dict[tuple[str, str], list[int]] = {}
        self._bundles: dict[str, int] = {}

    def entries(self) -> Sequence[Entry]:
        """All receipts in order, not to be changed."""
        with self._lock:
            fresh, self._offset = follow_chain(self._path, self._last, self._offset)
            for link in fresh:
                self._take(link)
            return self._entries

    def entry(self, number: int) -> Entry | None:
        """The receipt *number*."""
        found = self.entries()
        return found[number - 1] if 0 < number <= len(found) else None

    def of_plant(self, credit_code: str, site_no: str) -> list[Entry]:
        """The receipts of one plant, oldest first."""
        found = self.entries()
        return [found[number - 1] for number in self._plants.get((credit_code, site_no), ())]

    def of_bundle(self, sha256: str) -> Entry | None:
        """The receipt by which the bundle with this hash was accepted."""
        found = self.entries()
        number = self._bundles.get(sha256)
        return found[number - 1] if number else None

    def _take(self, link: Link) -> None:
        entry = _entry(link)
        self._entries.append(entry)
        self._last = link
        if entry.known:
            self._plants.setdefault(entry.plant, []).append(entry.number)
        if entry.accepted:
            self._bundles[entry.sha256] = entry.number


def speaks_for(user: User, provider: str, provider_code: str) -> bool:
    """Whether *user* is of the provider that a bundle names: by its code where both give one, else by its name."""
    if user.role != "provider" or not (provider or provider_code):
        return False
    if provider_code and user.provider_code:
        return provider_code == user.provider_code
    return provider == user.provider


def _entry(link: Link) -> Entry:
    record: dict[str, Any] = link.record
    plant, model = record.get("plant") or {}, record.get("model")
    return Entry(
        number=link.n,
        hash=link.hash,
        campaign=intern(record["campaign"]),
        file=record["file"],
        sha256=record["sha256"],
        received=intern(record["received"]),
        outcome=intern(record["outcome"]),
        rulings=rulings_of(record),
        assessment=record.get("assessment", ""),
        supersedes=record.get("supersedes", ""),
        plant=(plant.get("credit_code", ""), intern(plant.get("site_no", ""))),
        name_zh=plant.get("zh", ""),
        name_en=plant.get("en", ""),
        provider=intern(record.get("provider", "")),
        provider_code=intern(record.get("provider_code", "")),
        model=intern(f"{model['id']}@{model['edition']}") if model else "",
        type=intern(record.get("type", "")),
        level=record.get("level"),
        total=record.get("total", ""),
    )
