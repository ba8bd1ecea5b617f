"""Erasing a bundle: first the tombstone in the journal, then the file; the receipt in the ledger stays and says what was received."""

from __future__ import annotations

from collections.abc import Mapping

from factory_kit.district.cases import Cases
from factory_kit.district.journal import Journal
from factory_kit.district.office import Office
from factory_kit.errors import UsageError
from factory_kit.files import sync_folder

__all__ = ["GROUNDS", "erase", "finish_erasures"]

GROUNDS = ("retention", "request", "order")
"""Its time is over, the enterprise asked for it, or an authority ordered it."""


def erase(office: Office, journal: Journal, receipt: int, ground: str, reason: str, by: tuple[str, str]) -> None:
    """The bundle of *receipt* is gone, and a tombstone by the user and role *by* says why. ``UsageError`` when there is none to erase."""
    sha256 = _bundle_of(office, receipt)

    def make(cases: Cases) -> Mapping[str, object]:
        if sha256 in cases.erasures:
            raise UsageError("receipt {number}: its bundle was erased before", number=receipt)
        return {"receipt": receipt, "sha256": sha256, "ground": ground, "reason": reason}

    journal.decide("erasure", *by, make)
    _remove(office, sha256)


def finish_erasures(office: Office, journal: Journal) -> int:
    """How many bundles had a tombstone and were still there, since something ended in between; they are gone now."""
    left = [sha256 for sha256 in journal.cases.erasures if (office.bundles_folder / f"{sha256}.zip").exists()]
    for sha256 in left:
        _remove(office, sha256)
    return len(left)


def _bundle_of(office: Office, receipt: int) -> str:
    for link in office.ledger():
        if link.n == receipt and link.record["outcome"].startswith("accepted"):
            return str(link.record["sha256"])
    raise UsageError("receipt {number}: there is no accepted bundle under this number", number=receipt)


def _remove(office: Office, sha256: str) -> None:
    (office.bundles_folder / f"{sha256}.zip").unlink(missing_ok=True)
    sync_folder(office.bundles_folder)
