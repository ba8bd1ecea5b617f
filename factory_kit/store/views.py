"""DuckDB views over the sealed files and the unsealed journal: what everything that reads the store is written against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from factory_kit.store.catalogue import Catalogue, PointEntry
from factory_kit.store.collide import collisions, numbers
from factory_kit.store.columns import SAMPLES
from factory_kit.store.ledger import GAPS, LOSS, gap_rows, loss_rows
from factory_kit.store.parquet import read
from factory_kit.store.seal import arranged
from factory_kit.store.snapshot import Snapshot

__all__ = ["connection"]

TIME = pa.timestamp("us")
TEXT = pa.string()

POINTS = pa.schema(
    [
        ("point", pa.int32()),
        *((name, TEXT) for name in ("equipment", "name", "role", "unit", "type", "address")),
        *((name, TEXT) for name in ("connector", "connector_version", "server")),
        ("since", TIME),
    ]
)
EQUIPMENT = pa.schema(
    [
        *((name, TEXT) for name in ("equipment", "name_zh", "name_en", "kind")),
        *((name, pa.bool_()) for name in ("key", "digital", "connected")),
        ("ideal_cycle_s", TEXT),
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
LATEST = """
    SELECT point, newest.time AS time, newest.value AS value, newest.text AS text, newest.quality AS quality
    FROM (SELECT point, arg_max({time: time, value: value, text: text, quality: quality}, time) AS newest
          FROM samples GROUP BY point)
"""


def connection(snapshot: Snapshot, threads: int | None = None) -> Any:
    """An in-memory DuckDB connection with the views of *snapshot*; times are TIMESTAMP in UTC.

    Nothing is downloaded: extensions that are not built in stay unknown.
    """
    con = duckdb.connect(config=_settings(snapshot.folder, threads))
    _samples(con, snapshot)
    con.execute(f"CREATE VIEW latest AS {LATEST}")
    catalogue = snapshot.catalogue
    _table(con, "points", _points(catalogue.newest.values()))
    _table(con, "points_history", _points(catalogue.history))
    _table(
        con,
        "equipment",
        pa.Table.from_pylist(catalogue.ledger, EQUIPMENT),
        "* REPLACE (CAST(ideal_cycle_s AS DECIMAL(18, 6)) AS ideal_cycle_s)",
    )
    _table(con, "states", _states(catalogue))
    _table(con, "runs", _runs(catalogue))
    _table(con, "gaps", _gaps(snapshot))
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
        "temp_directory": str((folder / "spill").resolve()),
    }
    return settings if threads is None else {**settings, "threads": str(threads)}


def _table(con: Any, name: str, rows: pa.Table, columns: str = "*") -> None:
    con.register("arriving", rows)
    con.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM arriving")  # noqa: S608 - our own names
    con.unregister("arriving")


def _samples(con: Any, snapshot: Snapshot) -> None:
    journal = arranged([segment.samples for segment in snapshot.segments])
    files = snapshot.manifest.of_kind("samples")
    replaced: list[pa.Table] = []
    if len(journal):
        time = numbers(journal["time"])
        near = snapshot.manifest.overlapping(int(time.min()), int(time.max()))
        clash = collisions(snapshot.folder, journal, near)
        journal = journal.filter(pa.array(~clash.known))
        replaced = list(clash.replaced.values())
    _table(con, "journal", journal.cast(_plain(SAMPLES)))
    sealed = (
        f"FROM read_parquet({file_list(snapshot.folder, (each.path for each in files))}, hive_partitioning = false)"
    )
    if replaced:
        _table(con, "journal_replaces", pa.concat_tables(replaced))
        sealed += " AS sealed ANTI JOIN journal_replaces USING (point, time)"
    columns = ", ".join(SAMPLES.names)
    parts = [f"SELECT {columns} {sealed}"] if files else []
    parts.append(f"SELECT {columns} FROM journal")  # noqa: S608 - our own names
    con.execute(f"CREATE VIEW samples AS {' UNION ALL '.join(parts)}")


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(each.name, TEXT if pa.types.is_dictionary(each.type) else each.type) for each in schema])


def _points(entries: Iterable[PointEntry]) -> pa.Table:
    rows = [{"point": each.id, "since": each.since, **asdict(each.point)} for each in entries]
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
    _table(con, "loss_entries", rows.append_column("turn", turn))
    con.execute(
        "CREATE VIEW loss_ledger AS SELECT * EXCLUDE (turn) FROM loss_entries "
        "QUALIFY row_number() OVER (PARTITION BY run, point ORDER BY turn DESC) = 1"
    )


def _ledger(folder: Path, sealed: Sequence[str], unsealed: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    tables = [read(folder / path).cast(schema) for path in sealed]
    return pa.concat_tables([schema.empty_table(), *tables, *unsealed])
