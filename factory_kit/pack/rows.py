"""The rows of a data product as Parquet parts: in one piece, or a few groups at a time where sorting all of them would need the disk.

A part holds whole groups, and parts follow one another in the order of the groups. Which rows a part gets is asked for around build.sql,
so it is the same rows whether there is one part or many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from factory_kit.errors import FactoryKitError, QueryError
from factory_kit.load.product import ProductTemplate
from factory_kit.model.product import FieldType
from factory_kit.model.recipe import Pseudonym, Resample
from factory_kit.pack.deid import treated, unordered
from factory_kit.pack.pseudonyms import pseudonyms
from factory_kit.store.views import quoted

__all__ = ["PARQUET_FORM", "copy_rows", "wrong_sql"]

DUCKDB: Mapping[FieldType, str] = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
PARQUET_FORM = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880, USE_TMP_FILE false"
NO_ROOM = ("No space left", "File too large", "Disk quota", "max_temp_directory_size")
ROWS_OF_A_PART = 2_000_000
"""So many are sorted in memory; measured on 20 million rows, parts of 4 million need a quarter more time, one piece nearly twice as much."""
ROW_BY_ROW = {
    "PROJECTION", "UNION", "HASH_JOIN", "NESTED_LOOP_JOIN", "PIECEWISE_MERGE_JOIN", "CROSS_PRODUCT", "FILTER", "ORDER_BY", "SEQ_SCAN",
    "READ_PARQUET", "EMPTY_RESULT", "COLUMN_DATA_SCAN", "DUMMY_SCAN",
}  # fmt: skip
"""What a query may consist of to be asked for one group after another: no group is then computed twice."""


def copy_rows(
    con: duckdb.DuckDBPyConnection, template: ProductTemplate, key: bytes, aside: Path
) -> tuple[tuple[Path, ...], int]:
    """The parts beside *aside*, the one file *con* may write, and how many rows they hold; nothing is left on any error."""
    made: list[Path] = []
    rows = 0
    try:
        for number, sql in enumerate(_pieces(con, template, key)):
            part = aside.with_name(f"part-{number:03d}.parquet")
            rows += _copied(con, template, sql, aside)
            aside.replace(part)
            made.append(part)
    except BaseException as error:
        for path in (aside, *made):
            path.unlink(missing_ok=True)
        if isinstance(error, duckdb.Error):
            raise _refused(template, error, aside) from error
        raise
    return tuple(made), rows


def wrong_sql(template: ProductTemplate, reason: str) -> QueryError:
    """What is wrong with build.sql, in one line."""
    return QueryError("{product}/build.sql: {reason}", product=template.product.product, reason=reason)


def _refused(template: ProductTemplate, error: duckdb.Error, aside: Path) -> FactoryKitError:
    reason = " ".join(str(error).partition("\n\nLINE")[0].split())
    if any(words in reason for words in NO_ROOM):
        return FactoryKitError("{path}: the disk is full, nothing was written; make room and repeat", path=aside.parent)
    return wrong_sql(template, reason)


def _copied(con: duckdb.DuckDBPyConnection, template: ProductTemplate, sql: str, out: Path) -> int:
    """Rows written to *out*; every value cast to the declared type, decimals rounded to their places."""
    there = _types(con, sql)
    columns = ", ".join(
        _cast(field.name, field.type, field.places, there.get(field.name, "")) for field in template.product.fields
    )
    found = con.execute(f"COPY (SELECT {columns} FROM ({sql})) TO {quoted(str(out))} ({PARQUET_FORM})").fetchone()  # noqa: S608 - a checked query on locked views
    return int(found[0]) if found else 0


def _types(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    """The columns of *sql* and their types."""
    return dict(con.execute(f"SELECT column_name, column_type FROM (DESCRIBE {sql})").fetchall())  # noqa: S608 - a checked query


def _cast(name: str, kind: FieldType, places: int, there: str) -> str:
    if kind == "decimal":
        return f'CAST(CAST("{name}" AS DECIMAL(30, {places})) AS DOUBLE) AS "{name}"'
    if kind == "timestamp":
        moment = f'"{name}"' if there.startswith("TIMESTAMP") else f'CAST("{name}" AS TIMESTAMP)'
        return f'make_timestamptz(epoch_us({moment})) AS "{name}"'  # AT TIME ZONE 'UTC' says the same and costs thirty times as much
    return f'CAST("{name}" AS {DUCKDB[kind]}) AS "{name}"'


def _pieces(con: duckdb.DuckDBPyConnection, template: ProductTemplate, key: bytes) -> Iterator[str]:
    """The rows to publish as one query, or as one for each part, whole groups in each."""
    product, expected = template.product, template.checks.expected
    whole, order = template.sql, ""
    if any(isinstance(step, Pseudonym | Resample) for step in product.recipe.operations):
        whole = unordered(con, template.sql)  # an order by names of the plant would tell how they sort
        order = " ORDER BY " + ", ".join(f'"{name}"' for name in (*expected.per, expected.time))
    for some in _parts(con, template, key):
        asked = f"SELECT * FROM ({whole}) WHERE {some}" if some else whole  # noqa: S608 - a checked query
        yield treated(con, product, asked, key) + order


def _parts(con: duckdb.DuckDBPyConnection, template: ProductTemplate, key: bytes) -> list[str]:
    """The conditions that cut the rows of build.sql into parts; one empty condition where all are one part."""
    per, steps = template.checks.expected.per, template.product.recipe.operations
    if not per or any(isinstance(step, Resample) for step in steps) or not _row_by_row(con, template.sql):
        return [""]
    if _types(con, template.sql).get(per[0]) != "VARCHAR":
        return [""]
    counted = (
        f'SELECT "{per[0]}" AS g, count(*) FROM ({unordered(con, template.sql)}) GROUP BY g ORDER BY g NULLS FIRST'  # noqa: S608 - a checked query
    )
    groups = con.execute(counted).fetchall()
    if sum(count for _, count in groups) <= ROWS_OF_A_PART:
        return [""]
    if any(isinstance(step, Pseudonym) and step.field == per[0] for step in steps):
        shown = pseudonyms((name for name, _ in groups if name is not None), key, per[0])
        groups.sort(key=lambda group: shown.get(group[0], ""))
    return [_is_one_of(per[0], names) for names in _together(groups)]


def _row_by_row(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether the plan of *sql* makes each row from a few rows of the store: then asking for some groups costs no more than their share."""
    plan = con.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1]
    return set(re.findall(r'"name":\s*"([A-Z_]+) *"', plan)) <= ROW_BY_ROW


def _together(groups: Sequence[tuple[str | None, int]]) -> Iterator[list[str | None]]:
    """Neighbouring *groups* (name, rows) that make up a part."""
    names: list[str | None] = []
    there = 0
    for name, count in groups:
        if names and there + count > ROWS_OF_A_PART:
            yield names
            names, there = [], 0
        names.append(name)
        there += count
    yield names


def _is_one_of(field: str, names: Sequence[str | None]) -> str:
    known = ", ".join(quoted(name) for name in names if name is not None)
    tests = [f'"{field}" IN ({known})'] if known else []
    return " OR ".join([*tests, *([f'"{field}" IS NULL'] if None in names else [])])
