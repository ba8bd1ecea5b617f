"""Indicators at work: each one's SQL over a store becomes evidence records, one per subject."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import duckdb
import rfc8785

from factory_kit import __version__
from factory_kit.errors import QueryError, StoreDamaged, StoreError, UsageError
from factory_kit.kpi.calendar import always_planned, local_iso, planned_time
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.reasons import NOTHING_MEASURED, TOO_LITTLE_KNOWN
from factory_kit.kpi.review import review
from factory_kit.model.definition import exact
from factory_kit.model.evidence import (
    PLANT,
    Engine,
    Evidence,
    FileUsed,
    IndicatorUsed,
    Json,
    Outcome,
    PointUsed,
    decimal_text,
    exact_text,
)
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar
from factory_kit.store.lineage import NamedFile

__all__ = ["Frame", "StoreView", "evaluate", "evidence_of", "register_planned", "unreadable"]

EXPECTED = (
    "subject", "not_applicable", "inconclusive", "numerator", "denominator", "lower_numerator", "lower_denominator",
    "upper_numerator", "upper_denominator", "covered", "coverable", "ledger", "points",
)  # fmt: skip
"""Columns every indicator gives; any further one goes into the details of the record."""
FIGURES = EXPECTED[3:11]
PLANNING = "SET asof_loop_join_threshold = 0; SET nested_loop_join_threshold = 0"
"""DuckDB guesses how many rows a join gets, and after a wrong guess takes a loop that is a hundred times slower."""
LEDGER = "SELECT equipment, kind, key, digital, connected, CAST(ideal_cycle_s AS VARCHAR), feeds FROM equipment ORDER BY equipment"
SAID_MORE = (
    "SELECT equipment, control, product FROM equipment WHERE control IS NOT NULL OR product IS NOT NULL "
    "UNION ALL SELECT operation, CAST(key AS VARCHAR), array_to_string(equipment, ' ') FROM operations ORDER BY ALL"
)
"""What later versions of the ledger can say; a ledger that says nothing of it keeps the hash it had."""
MICRO = 1_000_000
TRIES = 3
AT_HAND = 1_000_000
"""Samples that are kept in memory, some 60 MB."""
AFTERWARDS = 24 * 3600 * MICRO


class StoreView(Protocol):
    """What indicators need of a store."""

    def connect(self) -> Any:
        """A DuckDB connection with the views."""

    def files(self, start: int, end: int) -> Sequence[NamedFile]:
        """The sealed files with samples of [*start*, *end*), microseconds since 1970-01-01 UTC."""


@dataclass(frozen=True)
class Frame:
    """What all records of one evaluation share: the days, the calendar, and when they were made."""

    interval: Interval
    calendar: Calendar
    received: int
    """Microseconds since 1970-01-01 UTC."""


def evidence_of(
    indicators: Iterable[Indicator], store: StoreView, interval: Interval, calendar: Calendar, now: Callable[[], int]
) -> list[Evidence]:
    """The records of *indicators* over the sealed files of *store*, in order of indicator, the plant before its equipment.

    ``QueryError`` when the SQL of one cannot run, ``StoreDamaged`` when a file is not what it was, before or after the SQL ran.
    """
    chosen = list(indicators)
    frame = Frame(interval, calendar, now())
    before = _all_files(chosen, store, interval)
    for _try in range(TRIES):
        files = before
        try:
            with store.connect() as con:
                records = evaluate(chosen, con, frame, lambda indicator: files[_reach(indicator)])  # noqa: B023 - called at once
        except duckdb.Error as error:
            raise unreadable(error) from error
        before = _all_files(
            chosen, store, interval
        )  # read and compared again: nothing rotted or came while the SQL ran
        if before == files:
            return records
    raise StoreError(
        "the store changes faster than evidence can be computed from it; repeat, or end the collection first"
    )


def evaluate(
    indicators: Iterable[Indicator], con: Any, frame: Frame, files: Callable[[Indicator], Sequence[FileUsed]]
) -> list[Evidence]:
    """The records of *indicators* over the views of the DuckDB connection *con*; *files* tells what the views read for each."""
    register_planned(con, frame.interval, frame.calendar)
    con.execute(PLANNING)
    with _at_hand(con):
        catalogue = _Catalogue.read(con, frame.interval)
        return [
            _record(indicator, row, frame, catalogue, files(indicator))
            for indicator in indicators
            for row in _rows(indicator, con, frame.interval)
        ]


@contextlib.contextmanager
def _at_hand(con: Any) -> Iterator[None]:
    """Few samples are copied out of their files once, since every indicator reads them several times."""
    few = con.execute("SELECT count(*) FROM samples").fetchall()[0][0] <= AT_HAND
    if few:
        con.execute("CREATE TEMP TABLE samples AS SELECT * FROM samples")
    try:
        yield
    finally:
        if few:
            con.execute("DROP TABLE temp.samples")


def unreadable(error: Exception) -> StoreDamaged:
    """What to tell when a file of the store turns out to be broken while it is read."""
    reason = " ".join(str(error).partition("\n\nLINE")[0].split())
    return StoreDamaged("the store cannot be read ({reason}); run store verify", reason=reason)


def _all_files(
    indicators: Iterable[Indicator], store: StoreView, interval: Interval
) -> dict[int, tuple[FileUsed, ...]]:
    """By reach the files that the SQL of *indicators* may read, each found right just now."""
    return {reach: _files(store, interval, reach) for reach in {_reach(indicator) for indicator in indicators}}


def _reach(indicator: Indicator) -> int:
    """How far before the interval the SQL may read, microseconds."""
    return indicator.parameters.get("lookback", 0)


def _files(store: StoreView, interval: Interval, reach: int) -> tuple[FileUsed, ...]:
    """What the SQL may read: from the lookback to a day after the interval, where a run's later samples prove it lived."""
    found = store.files(interval.start - reach, interval.end + AFTERWARDS)
    return tuple(FileUsed(each.path, each.rows, each.sha256) for each in found)


def register_planned(con: Any, interval: Interval, calendar: Calendar) -> None:
    """The table ``planned(equipment, start, end)``: planned time in µs, the same for every piece of equipment of the ledger."""
    parts = planned_time(calendar, interval.zone, interval.window)
    con.execute(
        'CREATE OR REPLACE TEMP TABLE planned AS SELECT e.equipment, p.start, p."end" FROM equipment AS e, '
        '(SELECT unnest($starts::BIGINT[]) AS start, unnest($ends::BIGINT[]) AS "end") AS p',
        {"starts": [part.start for part in parts], "ends": [part.end for part in parts]},
    )


def _rows(indicator: Indicator, con: Any, interval: Interval) -> list[dict[str, Any]]:
    """The rows the SQL gives, by column; ``QueryError`` when it fails or lacks a column."""
    review(indicator)
    values = {"start": interval.start, "stop": interval.end, **indicator.parameters}
    try:
        (statement,) = con.extract_statements(indicator.sql)
        used = {name: values[name] for name in statement.named_parameters}
        answer = con.execute(indicator.sql, used)
        names = [column[0] for column in answer.description]
        rows = answer.fetchall()
    except KeyError as error:
        raise QueryError(
            "indicator {id}: query.sql asks for the parameter {name}, which indicator.yaml does not give",
            id=indicator.id,
            name=error,
        ) from error
    except (duckdb.Error, ValueError) as error:
        raise QueryError(
            "indicator {id}: query.sql fails ({reason})", id=indicator.id, reason=str(error).splitlines()[0]
        ) from error
    missing = [name for name in EXPECTED if name not in names]
    if missing:
        raise QueryError(
            "indicator {id}: query.sql lacks the columns {names}", id=indicator.id, names=", ".join(missing)
        )
    return [dict(zip(names, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class _Catalogue:
    """What the store says about points, and where their samples of the interval come from."""

    points: Mapping[int, PointUsed]
    origins: Mapping[int, frozenset[str]]
    ledger_sha256: str

    @classmethod
    def read(cls, con: Any, interval: Interval) -> _Catalogue:
        points = con.execute("SELECT point, equipment, name, role FROM points").fetchall()
        origins = con.execute(
            "SELECT point, list(DISTINCT origin) FROM samples "
            "WHERE time >= make_timestamp($start) AND time < make_timestamp($stop) GROUP BY point",
            {"start": interval.start, "stop": interval.end},
        ).fetchall()
        ledger = [list(row) for row in con.execute(LEDGER).fetchall()]
        if any(equipment == PLANT for equipment, *_ in ledger):
            raise UsageError(
                "site.yaml: equipment: {name!r} is the word for the whole plant in records; give this equipment another id",
                name=PLANT,
            )
        return cls(
            {point: PointUsed(equipment, name, role) for point, equipment, name, role in points},
            {point: frozenset(found) for point, found in origins},
            hashlib.sha256(
                rfc8785.dumps(ledger + [list(row) for row in con.execute(SAID_MORE).fetchall()])
            ).hexdigest(),
        )

    def origins_of(self, points: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(frozenset().union(*(self.origins.get(point, frozenset()) for point in points))))


def _record(
    indicator: Indicator, row: Mapping[str, Any], frame: Frame, catalogue: _Catalogue, files: Sequence[FileUsed]
) -> Evidence:
    definition = indicator.definition
    outcome, reason = _outcome(row, exact(definition.least_coverage))
    points = row["points"] or []
    if outcome == "not applicable":
        row = {name: None if name in FIGURES else value for name, value in row.items()}
    return Evidence(
        indicator=IndicatorUsed(indicator.id, definition.rev, indicator.sql_sha256),
        subject=row["subject"],
        unit=definition.unit,
        outcome=outcome,
        reason=reason,
        value=_ratio_text(row["numerator"], row["denominator"]) if outcome == "value" else None,
        lower=_ratio_text(row["lower_numerator"], row["lower_denominator"], "down"),
        upper=_ratio_text(row["upper_numerator"], row["upper_denominator"], "up"),
        numerator=_part_text(row["numerator"], definition.per),
        denominator=_part_text(row["denominator"], definition.per),
        coverage=_ratio_text(row["covered"], row["coverable"], "down"),
        points=tuple(sorted(catalogue.points[point] for point in points)),
        start=frame.interval.from_text,
        end=frame.interval.to_text,
        blocks=frame.interval.blocks,
        ledger=int(row["ledger"]),
        origin=catalogue.origins_of(points),
        files=tuple(files),
        engine=Engine(__version__, duckdb.__version__),
        received=local_iso(frame.received - frame.received % MICRO, frame.interval.zone),
        details={
            "figures": _figures(row),
            "parameters": dict(indicator.parameters),
            "calendar": _calendar(frame),
            "ledger_sha256": catalogue.ledger_sha256,
        },
    )


def _outcome(row: Mapping[str, Any], least: Fraction) -> tuple[Outcome, str | None]:
    if row["not_applicable"] is not None:
        return "not applicable", row["not_applicable"]
    if row["inconclusive"] is not None:
        return "inconclusive", row["inconclusive"]
    if not row["coverable"]:
        return "inconclusive", NOTHING_MEASURED
    if Fraction(int(row["covered"]), int(row["coverable"])) < least:
        return "inconclusive", TOO_LITTLE_KNOWN
    if not row["denominator"]:
        return "inconclusive", NOTHING_MEASURED
    return "value", None


def _ratio_text(numerator: int | None, denominator: int | None, rounding: Any = "nearest") -> str | None:
    if numerator is None or not denominator:
        return None
    return decimal_text(Fraction(int(numerator), int(denominator)), rounding)


def _part_text(parts: int | None, per: int) -> str | None:
    return None if parts is None else exact_text(Fraction(int(parts), per))


def _figures(row: Mapping[str, Any]) -> dict[str, Json]:
    """The columns beyond the expected ones; ``_us`` becomes seconds, ``_micro`` whole units, both as exact decimal text."""
    figures: dict[str, Json] = {}
    for name, value in row.items():
        if name in EXPECTED:
            continue
        if name.endswith("_us_micro"):
            figures[name.removesuffix("_us_micro") + "_s"] = _part_text(value, MICRO * MICRO)
        elif name.endswith("_us"):
            figures[name.removesuffix("_us") + "_s"] = _part_text(value, MICRO)
        elif name.endswith("_micro"):
            figures[name.removesuffix("_micro")] = _part_text(value, MICRO)
        else:
            figures[name] = _plain(value)
    return figures


def _plain(value: Any) -> Json:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | Decimal):
        return exact_text(Fraction(value))
    raise QueryError(
        "indicator: a column gives {value!r}; figures of evidence are whole numbers, decimals or texts", value=value
    )


def _calendar(frame: Frame) -> Json:
    calendar = frame.calendar
    return {
        "zone": frame.interval.zone,
        "round_the_clock": always_planned(calendar),
        "shifts": [
            {"start": f"{shift.start:%H:%M:%S}", "end": f"{shift.end:%H:%M:%S}", "days": list(shift.days)}
            for shift in calendar.shifts
        ],
        "holidays": [day.isoformat() for day in calendar.holidays],
    }
