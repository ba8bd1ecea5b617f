"""Uploads become receipts: one thread takes whatever is waiting with one look at the ledger, and tells everybody theirs."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from factory_kit.district.journal import Journal
from factory_kit.district.office import Office
from factory_kit.district.receive import LIMITS, Rebuild, Receipt, receive
from factory_kit.errors import FactoryKitError, StoreBusy
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_json
from factory_kit.model.assessment import Assessment
from factory_kit.seal.verify import open_sealed
from factory_kit.web.district.book import speaks_for
from factory_kit.web.district.users import User
from factory_kit.web.guard import Refused

__all__ = ["Intake", "check_sender"]

MOST = 64
"""Uploads that one look at the ledger serves."""
PAUSE = 0.1
TRIES = 300
"""How often another process that receives is waited for, with a pause of that many seconds between."""
NAME = "assessment.json"


@dataclass
class _Waiting:
    path: Path
    user: User
    receipt: Future[Receipt] = field(default_factory=Future)


class Intake:
    """The one place of a server where bundles enter the ledger of *office*."""

    def __init__(self, office: Office, journal: Journal, rebuild: Rebuild, now: Callable[[], int]) -> None:
        self._office = office
        self._journal = journal
        self._rebuild = rebuild
        self._now = now
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def folder(self) -> Path:
        """Where uploads lie until they have a receipt; each in a folder of its own."""
        return self._office.path / "incoming"

    def clear(self) -> None:
        """What was being uploaded when an earlier server ended is gone: nobody has a receipt for it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def submit(self, path: Path, user: User) -> Future[Receipt]:
        """The receipt of the file at *path*, in the ledger when it is there, and the file and its folder gone."""
        waiting = _Waiting(path, user)
        self._waiting.put(waiting)
        with self._started:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
                self._thread.start()
        return waiting.receipt

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < MOST and not self._waiting.empty():
                batch.append(self._waiting.get())
            try:
                self._patiently(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the next ones are served
                _tell(batch, error)
            for each in batch:
                shutil.rmtree(each.path.parent, ignore_errors=True)

    def _patiently(self, batch: Sequence[_Waiting]) -> None:
        for _ in range(TRIES):
            try:
                return self._receive([each for each in batch if not each.receipt.done()])
            except StoreBusy:
                time.sleep(PAUSE)
        return self._receive([each for each in batch if not each.receipt.done()])

    def _receive(self, batch: Sequence[_Waiting]) -> None:
        receipts = receive(self._office, [each.path for each in batch], self._rebuild, self._now)
        for each, receipt in zip(batch, receipts, strict=True):
            self._journal.write(
                "upload", each.user.name, each.user.role, provider=each.user.provider, receipt=receipt.number,
                hash=receipt.hash, outcome=receipt.outcome, file=receipt.file,
            )  # fmt: skip
            shutil.rmtree(each.path.parent, ignore_errors=True)
            each.receipt.set_result(receipt)


def check_sender(path: Path, user: User) -> None:
    """``Refused`` for a bundle that names another provider than *user*'s, or none; what cannot be read gets its receipt by the rules."""
    if user.role != "provider":
        return
    try:
        sealed = open_sealed(path, limits=LIMITS)
        text = sealed.read(NAME).decode("utf-8", errors="replace")
        provider = checked(parse_json(text, NAME), Assessment).provider
    except FactoryKitError:
        return
    if provider is None or not speaks_for(user, provider.name, provider.credit_code or ""):
        raise Refused(403, "refused.sender")


def _tell(batch: Sequence[_Waiting], error: Exception) -> None:
    for each in batch:
        if not each.receipt.done():
            each.receipt.set_exception(error)
