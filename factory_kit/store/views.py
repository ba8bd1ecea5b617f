"""DuckDB views over the sealed files and the unsealed journal: what everything that reads the store is written against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.store.catalogue import Catalogue, PointEntry
from factory_kit.store.collide import collisions, numbers
from factory_kit.store.columns import SAMPLES
from factory_kit.store.depot import HOUR
from factory_kit.store.latest import newest
from factory_kit.store.ledger import GAPS, LOSS, gap_rows, loss_rows
from factory_kit.store.lines import flat
from factory_kit.store.parquet import Sealed, read, read_ledger
from factory_kit.store.rollup import ROLLUP, sql
from factory_kit.store.seal import arranged
from factory_kit.store.snapshot import Snapshot
from factory_kit.store.spill import spill_folder

__all__ = ["connection", "table"]

CACHE = "SET parquet_metadata_cache = true"
"""Sealed files never change, and their footers are much to read again for each question."""

TIME = pa.timestamp("us")
TEXT = pa.string()

POINTS = pa.schema(
    [
        ("point", pa.int32()),
        *((name, TEXT) for name in ("equipment", "name", "role", "unit", "type", "address")),
        *((name, TEXT) for name in ("connector", "connector_version", "server")),
        ("since", TIME),
        *((name, TEXT) for name in ("scale", "offset")),
    ]
)
EQUIPMENT = pa.schema(
    [
        *((name, TEXT) for name in ("equipment", "name_zh", "name_en", "kind")),
        *((name, pa.bool_()) for name in ("key", "digital", "connected")),
        ("ideal_cycle_s", TEXT),
        ("feeds", pa.list_(TEXT)),
        *((name, TEXT) for name in ("control", "product")),
    ]
)
OPERATIONS = pa.schema(
    [
        *((name, TEXT) for name in ("operation", "name_zh", "name_en")),
        ("key", pa.bool_()),
        ("equipment", pa.list_(TEXT)),
    ]
)
STATES = pa.schema([(name, TEXT) for name in ("connector", "connector_version", "raw", "state", "profile")])
RUNS = pa.schema(
    [
        ("run", TEXT),
        ("started", TIME),
        ("ended", TIME),
        *((name, TEXT) for name in ("origin", "kind", "what", "authorisation", "software")),
    ]
)


def connection(snapshot: Snapshot, threads: int | None = None) -> Any:
    """An in-memory DuckDB connection with the views of *snapshot*; times are TIMESTAMP in UTC.

    Nothing is downloaded: extensions that are not built in stay unknown.
    """
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    con = duckdb.connect(config=_settings(snapshot.folder, threads))
    con.execute("SET enable_progress_bar = false")  # it would stand among the results
    con.execute(CACHE)
    _samples(con, snapshot)
    catalogue = snapshot.catalogue
    table(con, "points", _points(catalogue.newest.values()))
    table(con, "points_history", _points(catalogue.history))
    table(
        con,
        "equipment",
        pa.Table.from_pylist(catalogue.ledger, EQUIPMENT),
        "* REPLACE (CAST(ideal_cycle_s AS DECIMAL(18, 6)) AS ideal_cycle_s)",
    )
    table(con, "operations", pa.Table.from_pylist(catalogue.operations, OPERATIONS))
    table(con, "states", _states(catalogue))
    table(con, "runs", _runs(catalogue))
    table(con, "gaps", _gaps(snapshot))
    _losses(con, snapshot)
    return con


def file_list(folder: Path, paths: Iterable[str]) -> str:
    """The paths of sealed files as a DuckDB list."""
    return "[" + ", ".join(quoted(str((folder / path).resolve())) for path in paths) + "]"


def quoted(text: str) -> str:
    """*text* as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _settings(folder: Path, threads: int | None) -> dict[str, str | bool | int | float | list[str]]:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",  # a variable of the calling program is no table
        "temp_directory": str(spill_folder(folder)),
    }
    return settings if threads is None else {**settings, "threads": str(threads)}


def table(con: Any, name: str, rows: pa.Table, columns: str = "*") -> None:
    """*rows* as the table *name*, copied."""
    con.register("arriving", rows)
    con.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM arriving")  # noqa: S608 - our own names
    con.unregister("arriving")


def _samples(con: Any, snapshot: Snapshot) -> None:
    """samples, rollup_1min and latest."""
    journal = arranged([segment.samples for segment in snapshot.segments])
    files = snapshot.manifest.of_kind("samples")
    replaced: list[pa.Table] = []
    if len(journal):
        time = numbers(journal["time"])
        near = snapshot.manifest.overlapping(int(time.min()), int(time.max()))
        clash = collisions(snapshot.folder, journal, near)
        journal = journal.filter(pa.array(~clash.known)) if clash.known.any() else journal
        replaced = list(clash.replaced.values())
    table(con, "journal", journal.cast(_plain(SAMPLES)))
    if replaced:
        table(con, "journal_replaces", pa.concat_tables(replaced))
    union = _union(snapshot.folder, [each.path for each in files], replaced=bool(replaced))
    con.execute(f"CREATE VIEW samples AS {union}")
    _rollup(con, snapshot, journal, replaced=bool(replaced))
    _latest(con, snapshot, journal)


def _union(folder: Path, paths: Sequence[str], *, replaced: bool) -> str:
    """A query for the samples of the sealed files at *paths* and of the journal, each once."""
    columns = ", ".join(SAMPLES.names)
    rows = f"SELECT {columns} FROM journal"  # noqa: S608 - our own names
    if not paths:
        return rows
    sealed = f"SELECT {columns} FROM read_parquet({file_list(folder, paths)}, hive_partitioning = false)"  # noqa: S608 - our own names, quoted paths
    if replaced:
        sealed += " AS sealed ANTI JOIN journal_replaces USING (point, time)"
    return f"{sealed} UNION ALL {rows}"


def _rollup(con: Any, snapshot: Snapshot, journal: pa.Table, *, replaced: bool) -> None:
    """Stored roll-ups where they still hold, the others made when they are asked for."""
    hours = np.unique(numbers(journal["time"]) // HOUR)
    stored = [each for each in snapshot.manifest.of_kind("rollup") if not _touches(each, hours)]
    covered = {path for each in stored for path in each.covers}
    rest = [each.path for each in snapshot.manifest.of_kind("samples") if each.path not in covered]
    query = sql(f"({_union(snapshot.folder, rest, replaced=replaced)})")
    if stored:
        kept = file_list(snapshot.folder, (each.path for each in stored))
        columns = ", ".join(ROLLUP.names)
        query = f"SELECT {columns} FROM read_parquet({kept}, hive_partitioning = false) UNION ALL {query}"  # noqa: S608 - our own names, quoted paths
    con.execute(f"CREATE VIEW rollup_1min AS {query}")


def _touches(rollup: Sealed, hours: npt.NDArray[np.int64]) -> bool:
    """Whether the journal has samples in the time of *rollup*."""
    low, high = np.searchsorted(hours, [rollup.first // HOUR, rollup.last // HOUR + 1])
    return bool(low < high)


def _latest(con: Any, snapshot: Snapshot, journal: pa.Table) -> None:
    sealed = [read(snapshot.folder / each.path).cast(SAMPLES) for each in snapshot.manifest.of_kind("latest")]
    rows = newest(pa.concat_tables([SAMPLES.empty_table(), *sealed]), journal)
    columns = ["point", "time", "value", "text", "quality"]
    table(con, "latest", rows.select(columns).cast(_plain(pa.schema([SAMPLES.field(each) for each in columns]))))


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(each.name, TEXT if pa.types.is_dictionary(each.type) else each.type) for each in schema])


def _points(entries: Iterable[PointEntry]) -> pa.Table:
    rows = [{"point": each.id, "since": each.since, **flat(each.point)} for each in entries]
    return pa.Table.from_pylist(rows, POINTS)


def _states(catalogue: Catalogue) -> pa.Table:
    rows = [
        {
            "connector": connector,
            "connector_version": version,
            "raw": raw,
            "state": state,
            "profile": entry["profile"],
        }
        for (connector, version), entry in catalogue.states.items()
        for raw, state in entry["states"].items()
    ]
    return pa.Table.from_pylist(rows, STATES)


def _runs(catalogue: Catalogue) -> pa.Table:
    rows = [
        {**asdict(each.run), "run": each.run.id, "origin": str(each.run.origin), "ended": each.ended}
        for each in catalogue.runs.values()
    ]
    return pa.Table.from_pylist(rows, RUNS)


def _gaps(snapshot: Snapshot) -> pa.Table:
    sealed = [each.path for each in snapshot.manifest.files.values() if each.kind == "gaps"]
    unsealed = [gap_rows(segment.run.id, segment.gaps) for segment in snapshot.segments]
    return _ledger(snapshot.folder, sealed, unsealed, GAPS)


def _losses(con: Any, snapshot: Snapshot) -> None:
    """Of several entries for a run and point the last one stands."""
    sealed = [each.path for each in snapshot.manifest.files.values() if each.kind == "loss"]
    unsealed = [loss_rows(segment.run.id, segment.losses) for segment in snapshot.segments]
    rows = _ledger(snapshot.folder, sealed, unsealed, LOSS)
    turn = pa.array(range(len(rows)), pa.int64())
    table(con, "loss_entries", rows.append_column("turn", turn))
    con.execute(
        "CREATE VIEW loss_ledger AS SELECT * EXCLUDE (turn) FROM loss_entries "
        "QUALIFY row_number() OVER (PARTITION BY run, point ORDER BY turn DESC) = 1"
    )


def _ledger(folder: Path, sealed: Sequence[str], unsealed: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    tables = [read_ledger(folder / path).cast(schema) for path in sealed]
    return pa.concat_tables([schema.empty_table(), *tables, *unsealed])
