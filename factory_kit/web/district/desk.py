"""What the pages of one district work on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_kit.district.cases import Cases
from factory_kit.district.definitions import Campaign, Targets, Units
from factory_kit.district.erasure import finish_erasures
from factory_kit.district.journal import Journal
from factory_kit.district.office import Office
from factory_kit.district.receive import Rebuild
from factory_kit.web.district.book import Book, Entry, speaks_for
from factory_kit.web.district.intake import Intake
from factory_kit.web.district.users import User, Users

__all__ = ["Desk", "Settings", "Stamp", "desk_of", "stamp_of"]


Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp:
    """Another one as soon as *path* was written."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


class Settings:
    """Campaign and units of *office*, read again when a file changed."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._read: dict[str, tuple[Stamp, Any]] = {}

    @property
    def campaign(self) -> Campaign:
        """The campaign in force."""
        found: Campaign = self._fresh("campaign.yaml", self._office.campaign)
        return found

    @property
    def units(self) -> Units:
        """The reporting units."""
        found: Units = self._fresh("units.yaml", self._office.units)
        return found

    @property
    def targets(self) -> Targets:
        """The targets."""
        found: Targets = self._fresh("targets.yaml", self._office.targets)
        return found

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """All campaigns, the one in force among them."""
        found: tuple[Campaign, ...] = self._fresh("campaigns", self._office.campaigns)
        current = self.campaign
        return (current, *(each for each in found if each.id != current.id))

    @property
    def plants(self) -> Mapping[tuple[str, str], Mapping[str, str]]:
        """The register of plants by credit code and site number."""
        found: Mapping[tuple[str, str], Mapping[str, str]] = self._fresh(
            "registers/registers.jsonl", lambda: self._office.registers().plants
        )
        return found

    def _fresh(self, name: str, read: Callable[[], Any]) -> Any:
        stamp = stamp_of(self._office.path / name)
        if name not in self._read or self._read[name][0] != stamp:
            self._read[name] = (stamp, read())
        return self._read[name][1]


@dataclass(frozen=True)
class Desk:
    """One district's office with everything that follows it."""

    office: Office
    users: Users
    journal: Journal
    book: Book
    intake: Intake
    settings: Settings
    counting: threading.RLock
    """Held while the index is used: it is one file."""
    now: Callable[[], int]
    """Microseconds since 1970-01-01 UTC."""

    def sees(self, user: User, entry: Entry, cases: Cases | None = None) -> bool:
        """Whether *user* may know of the receipt *entry*: the office of all, a provider of its own; *cases* where they are at hand."""
        if user.role == "officer":
            return True
        if entry.known or entry.provider:
            return speaks_for(user, entry.provider, entry.provider_code)
        senders = (cases or self.journal.cases).senders
        return user.role == "provider" and senders.get(entry.number) == user.provider


def desk_of(folder: Path, rebuild: Rebuild, now: Callable[[], int]) -> Desk:
    """The desk of the district in *folder*; what an earlier server left half done is cleared away."""
    office = Office.at(folder)
    journal = Journal(folder, now)
    intake = Intake(office, journal, rebuild, now)
    intake.clear()
    finish_erasures(office, journal)
    return Desk(
        office, Users(folder), journal, Book(office.ledger_file), intake, Settings(office), threading.RLock(), now
    )
