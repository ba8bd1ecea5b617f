"""Literal plants: the views of the store, filled by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from factory_kit.load.indicator import all_indicators
from factory_kit.model.indicator import Indicator

SHIPPED = Path(__file__).resolve().parents[2] / "assessments" / "indicators"

VIEWS = """
CREATE TABLE samples(point INTEGER, time TIMESTAMP, value DOUBLE, text VARCHAR, quality TINYINT, status BIGINT, server_time TIMESTAMP, received_time TIMESTAMP, origin VARCHAR, run VARCHAR);
CREATE TABLE points_history(point INTEGER, equipment VARCHAR, name VARCHAR, role VARCHAR, unit VARCHAR, type VARCHAR, address VARCHAR, connector VARCHAR, connector_version VARCHAR, server VARCHAR, since TIMESTAMP);
CREATE VIEW points AS SELECT * FROM points_history QUALIFY row_number() OVER (PARTITION BY point ORDER BY since DESC) = 1;
CREATE TABLE equipment(equipment VARCHAR, name_zh VARCHAR, name_en VARCHAR, kind VARCHAR, key BOOLEAN, digital BOOLEAN, connected BOOLEAN, ideal_cycle_s DECIMAL(18, 6), feeds VARCHAR[], control VARCHAR, product VARCHAR);
CREATE TABLE operations(operation VARCHAR, name_zh VARCHAR, name_en VARCHAR, key BOOLEAN, equipment VARCHAR[]);
CREATE TABLE states(connector VARCHAR, connector_version VARCHAR, raw VARCHAR, state VARCHAR, profile VARCHAR);
CREATE TABLE runs(run VARCHAR, started TIMESTAMP, ended TIMESTAMP, origin VARCHAR, kind VARCHAR, what VARCHAR, authorisation VARCHAR, software VARCHAR);
CREATE TABLE gaps(run VARCHAR, point INTEGER, start TIMESTAMP, "end" TIMESTAMP, reason VARCHAR);
CREATE TABLE loss_ledger(run VARCHAR, point INTEGER, delivered BIGINT, bad BIGINT, overflows BIGINT, sequence_gaps BIGINT, dropped BIGINT, outages BIGINT, outage_us BIGINT, revised_sampling_ms DOUBLE, revised_queue BIGINT);
"""
TABLES = ("samples", "points_history", "equipment", "operations", "states", "runs", "gaps", "loss_ledger")
STATES = {"1": "producing", "2": "setup", "3": "idle", "4": "down", "5": "maintenance", "6": "off", "7": "unknown"}


def microseconds(when: str | int) -> int:
    """ISO 8601 (UTC where it names no zone) as microseconds since 1970-01-01 UTC."""
    if isinstance(when, int):
        return when
    moment = datetime.fromisoformat(when)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def stamp(when: str | int | None) -> datetime | None:
    """The TIMESTAMP of the views."""
    if when is None:
        return None
    seconds, rest = divmod(microseconds(when), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=rest)


def empty_views(threads: int) -> Any:
    """A connection with the views of the store as empty tables."""
    con = duckdb.connect(config={"threads": threads})
    con.execute(VIEWS)
    return con


@dataclass
class Tables:
    """A connection with the views of the store as tables, and words to fill them."""

    points: dict[tuple[str, str], int] = field(default_factory=dict)
    threads: int = 2
    _rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    _con: Any = None
    _ready: bool = False

    @property
    def con(self) -> Any:
        """The connection, with everything that was said so far."""
        if not self._ready:
            self._ready = True
            self._con = self._con or empty_views(self.threads)
            for table in TABLES:
                self._con.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self._insert("states", [("c", "1", raw, state, "test@1") for raw, state in STATES.items()])
        for table, rows in self._rows.items():
            schema = self._con.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table().schema  # noqa: S608
            arrow = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
            self._con.register("arriving", arrow)
            self._con.execute(f"INSERT INTO {table} SELECT * FROM arriving")  # noqa: S608
            self._con.unregister("arriving")
        self._rows = {}
        return self._con

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._rows.setdefault(table, []).extend(rows)

    def machine(
        self,
        name: str,
        *,
        kind: str = "machine",
        key: bool = True,
        connected: bool = True,
        cycle: str | None = None,
        feeds: Sequence[str] = (),
        control: str | None = None,
        product: str | None = None,
    ) -> None:
        """One line of the ledger."""
        exact_cycle = None if cycle is None else Decimal(cycle)
        row = (name, name, name, kind, key, connected, connected, exact_cycle, list(feeds), control, product)
        self._insert("equipment", [row])

    def operation(self, name: str, *machines: str, key: bool = False) -> None:
        """One operation of the main process."""
        self._insert("operations", [(name, name, name, key, list(machines))])

    def point(
        self,
        equipment: str,
        role: str,
        *,
        name: str | None = None,
        unit: str = "",
        type_: str = "uint32",
        server: str = "s",
        connector: str = "c",
    ) -> int:
        """One point of the catalogue; its id."""
        number = len(self.points) + 1
        self.points[equipment, name or role] = number
        row = (number, equipment, name or role, role, unit, type_, "a", connector, "1", server, stamp("2020-01-01"))
        self._insert("points_history", [row])
        return number

    def run(self, run: str, start: str | int, end: str | int | None, origin: str = "live") -> None:
        """One run."""
        self._insert("runs", [(run, stamp(start), stamp(end), origin, "real", "collect", "", "")])

    def samples(self, point: int, run: str, *rows: tuple[Any, ...], origin: str = "live") -> None:
        """Samples ``(time, value or text[, quality[, received]])`` of *point* in *run*."""
        table = []
        for time, value, *rest in rows:
            quality = rest[0] if rest else 0
            received = stamp(rest[1]) if len(rest) > 1 else None
            number, text = (None, value) if isinstance(value, str) else (value, None)
            table.append((point, stamp(time), number, text, quality, None, None, received, origin, run))
        self._insert("samples", table)

    def gap(self, point: int, run: str, start: str | int, end: str | int) -> None:
        """A recorded gap."""
        self._insert("gaps", [(run, point, stamp(start), stamp(end), "outage")])

    def delivered(self, point: int, run: str, count: int) -> None:
        """An entry of the loss ledger."""
        self._insert("loss_ledger", [(run, point, count, 0, 0, 0, 0, 0, 0, None, None)])


@pytest.fixture(scope="session")
def new_tables() -> Callable[[], Tables]:
    """Empties the one plant that many small examples share."""
    con = empty_views(2)
    return lambda: Tables(_con=con)


@pytest.fixture
def tables() -> Tables:
    """An empty plant."""
    return Tables()


@pytest.fixture(scope="session")
def us() -> Callable[[str | int], int]:
    """ISO 8601 to microseconds."""
    return microseconds


class Shelf(dict[str, Indicator]):
    """Indicators by id, shown briefly: hypothesis prints the arguments of a failing example."""

    def __repr__(self) -> str:
        return "Shelf(...)"


@pytest.fixture(scope="session")
def shipped() -> dict[str, Indicator]:
    """The shipped indicators by id."""
    return Shelf(all_indicators([SHIPPED]))
