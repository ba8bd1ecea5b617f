"""The same data as Delta tables that every engine reads: one of roll-ups, one of samples, parted by plant and day."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from factory_kit.errors import LakeUnavailable, MissingExtra
from factory_kit.lake.listing import folder_of
from factory_kit.lake.pace import Pace
from factory_kit.lake.remote import Remote, changed
from factory_kit.store import Store
from factory_kit.store.depot import DAY
from factory_kit.store.manifest import Manifest

__all__ = ["TABLES", "Tabled", "push_tables"]

RETRIES = 100
"""Commits to a table happen one after the other; the library tries so often to be the next."""
TRIES = 20
"""A commit that changed the table itself, as its first one does, makes those beside it begin anew."""
PAUSE_S = 0.2

NAMED = "equipment, name, role, unit"
TABLES = {
    "rollup_1min": f"""
        SELECT {{plant}} AS plant, CAST(minute AS DATE) AS date, point, {NAMED}, timezone('UTC', minute) AS minute, n, n_good,
            mean, min, max, first, last, time_weighted_mean, known_us
        FROM rollup_1min JOIN points USING (point)
        WHERE minute >= {{start}} AND minute < {{end}} ORDER BY point, minute""",  # noqa: S608 - our own names
    "samples": f"""
        SELECT {{plant}} AS plant, CAST(time AS DATE) AS date, point, {NAMED}, timezone('UTC', time) AS time, value, text, quality,
            status, origin, run
        FROM samples JOIN points USING (point)
        WHERE time >= {{start}} AND time < {{end}} ORDER BY point, time""",  # noqa: S608
}
"""What the rows of a day are; times are instants (timestamp with UTC), the units and roles those in force today."""

TIMES = ("minute", "time")


@dataclass(frozen=True, slots=True)
class Tabled:
    """What a push to Delta tables did."""

    place: str
    days: int
    """Days of tables that were written."""
    there: int
    """Days that were there as they are."""


def push_tables(workspace: Path, plant: str, remote: Remote, address: str, *, raw: bool, pace: Pace) -> Tabled:
    """The roll-ups of the store of *workspace*, and its samples where *raw*, as Delta tables under *address*.

    A day of a plant is written whole or not at all and replaces what was there of it, so repeating changes nothing; a day that is
    there already is not written again. ``MissingExtra`` without deltalake, ``LakeError``, ``StoreDamaged``.
    """
    _library()
    work = _Tables(Store(workspace / "store"), plant, remote, address, pace)
    done = [work.push(name) for name in TABLES if raw or name != "samples"]
    return Tabled(f"{remote.name}/delta", sum(each[0] for each in done), sum(each[1] for each in done))


@dataclass(frozen=True)
class _Tables:
    store: Store
    plant: str
    remote: Remote
    address: str
    pace: Pace
    sleep: Callable[[float], None] = time.sleep

    def push(self, name: str) -> tuple[int, int]:
        """How many days of table *name* were written, and how many were there."""
        days = _days(Manifest.read(self.store.folder / "manifest.jsonl"))
        key = f"{folder_of(self.plant)}/delta-{name}.json"
        found = self.remote.read(key)
        known: dict[str, str] = json.loads(found[0]) if found else {}
        due = {day: digest for day, digest in days.items() if known.get(day) != digest}
        self.pace.expect(len(due), 0)
        with self.store.proven() as con:
            for day in sorted(due):
                self._write(con, name, day)
        if due:
            content = json.dumps(days, sort_keys=True, indent=0).encode()
            self.remote.write(key, content, found[1] if found else None)
        return len(due), len(days) - len(due)

    def _write(self, con: Any, name: str, day: str) -> None:
        """The rows of *day*; when somebody else's commit came between, again, since the whole day is replaced each time."""
        from deltalake.exceptions import CommitFailedError  # noqa: PLC0415 - an extra

        place = f"{self.remote.name}/delta/{name}"
        for patience in range(TRIES):
            with _told(place):
                try:
                    self._written(con, name, date.fromisoformat(day))
                except CommitFailedError:
                    self.sleep(random.uniform(0, PAUSE_S) * (patience + 1))  # noqa: S311 - so that two do not meet again
                else:
                    return
        raise changed(place)

    def _written(self, con: Any, name: str, day: date) -> None:
        library = _library()
        sql = TABLES[name].format(
            plant=f"'{self.plant}'", start=f"TIMESTAMP '{day}'", end=f"TIMESTAMP '{day + timedelta(days=1)}'"
        )
        library.write_deltalake(
            f"{self.address.rstrip('/')}/delta/{name}",
            con.sql(sql).to_arrow_reader(),
            mode="overwrite",
            predicate=f"plant = '{self.plant}' AND date = '{day}'",
            partition_by=["plant", "date"],
            storage_options=_options(os.environ),
            writer_properties=_layout(library, name),
            commit_properties=library.CommitProperties(max_commit_retries=RETRIES),
        )


def _days(manifest: Manifest) -> dict[str, str]:
    """For each day (UTC) with samples, which files hold them: the same name, the same rows."""
    files: dict[int, list[str]] = {}
    for sealed in manifest.of_kind("samples"):
        for day in range(sealed.first // DAY, sealed.last // DAY + 1):
            files.setdefault(day, []).append(sealed.sha256)
    return {
        datetime.fromtimestamp(day * 86400, UTC).date().isoformat(): hashlib.sha256(
            "".join(sorted(found)).encode()
        ).hexdigest()
        for day, found in sorted(files.items())
    }


def _layout(library: Any, name: str) -> Any:
    """Times as differences, values without a dictionary; without that the files are four times as large."""
    plain = library.ColumnProperties(dictionary_enabled=False)
    delta = library.ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    values = ("value",) if name == "samples" else ("mean", "min", "max", "first", "last", "time_weighted_mean")
    columns = {**dict.fromkeys(values, plain), TIMES[name == "samples"]: delta}
    return library.WriterProperties(compression="ZSTD", compression_level=3, column_properties=columns)


def _options(environ: Mapping[str, str]) -> dict[str, str]:
    """What the writer of Delta tables must know of the object store."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    found = {name: environ[name] for name in names if environ.get(name)}
    found["AWS_REGION"] = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    if endpoint:
        found |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    return found


def _library() -> Any:
    try:
        import deltalake  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra(
            'Delta tables need the extra lake; run: pip install "factory-kit[lake]" (from a wheelhouse folder: with --no-index --find-links FOLDER)'
        ) from error
    return deltalake


@contextlib.contextmanager
def _told(place: str) -> Iterator[None]:
    """What the library says, as one line of ours."""
    from deltalake.exceptions import DeltaError  # noqa: PLC0415

    try:
        yield
    except (DeltaError, OSError) as error:
        raise LakeUnavailable(
            "{place}: the table cannot be written ({reason}); check the address, the keys and the network, and repeat",
            place=place,
            reason=" ".join(str(error).split())[:300],
        ) from error
