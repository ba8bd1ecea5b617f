"""SQL of users: one SELECT over the views, and nothing that reaches outside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from factory_kit.errors import QueryError
from factory_kit.store.views import file_list

__all__ = ["answer", "check", "lock"]

READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
NO_SELECT = "Only SELECT"
"""How DuckDB begins to say that a statement is another one."""
ROWS_AT_ONCE = 10_000
HEARD_S = 0.2
"""How long Ctrl-C may go unheard where it cannot wake a waiting thread (Windows)."""
TABLE_FUNCTIONS = frozenset({"generate_series", "range", "unnest", "json_each", "json_tree", "repeat", "repeat_row"})


def check(sql: str) -> None:
    """``QueryError`` unless *sql* is one SELECT that reads nothing but tables and views.

    DuckDB 2.0 lets a WITH write, even to files it may read; so the syntax tree is looked at, not only the kind of statement.
    """
    tree = _tree(sql)
    if len(tree) != 1:
        raise QueryError("query: {count} statements, expected one SELECT", count=len(tree))
    for node in _walk(tree):
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in READING and "cte_map" in node:
            raise QueryError("query: {what} inside, expected nothing but SELECT", what=kind.partition("_")[0])
        if kind == "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                raise QueryError("query: {name}() cannot be used here, expected tables and views", name=name)


def lock(con: Any, folder: Path, paths: Iterable[str]) -> None:
    """From here on *con* reaches no file but the sealed ones at *paths*, no network, no extension, and no setting changes."""
    con.execute(f"SET allowed_paths = {file_list(folder, paths)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def answer(con: Any, sql: str, most: int | None) -> pa.Table:
    """The rows of *sql*, at most the first *most*; ``QueryError`` when it fails. Whatever interrupts the wait ends the query too."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        work = pool.submit(_fetched, con, sql, most)
        try:
            while not work.done():
                wait([work], HEARD_S)
        except BaseException:
            while not work.done():  # once is not enough: between planning and running DuckDB forgets it
                con.interrupt()
                wait([work], HEARD_S)
            raise
        try:
            return work.result()
        except (
            duckdb.Error,
            pa.ArrowException,
            OSError,
        ) as error:  # the last two: the first on its way through the stream of rows
            raise _refusal(error) from error


def _fetched(con: Any, sql: str, most: int | None) -> pa.Table:
    relation = con.sql(sql)
    if most is None:
        return relation.to_arrow_table()
    reader = relation.to_arrow_reader(min(most, ROWS_AT_ONCE) or 1)
    batches: list[pa.RecordBatch] = []
    while sum(map(len, batches)) < most and (batch := next(reader, None)) is not None:
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema).slice(0, most)


def _refusal(error: Exception) -> QueryError:
    """What DuckDB says about a statement, in one line."""
    said = " ".join(str(error).partition("\n\nLINE")[0].partition("\nPossible solutions")[0].split())
    return QueryError("query: {said}", said=said)


def _tree(sql: str) -> list[Any]:
    with duckdb.connect(config={"autoload_known_extensions": "false"}) as con:
        try:
            rows = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
        except duckdb.Error as error:
            raise _refusal(error) from error
    parsed = json.loads(rows[0][0])
    if parsed["error"]:
        said = " ".join(str(parsed["error_message"]).split())
        if said.startswith(NO_SELECT):
            raise QueryError("query: this is no SELECT; the store can only be read, so ask for rows with SELECT")
        raise QueryError("query: {said}", said=said)
    statements: list[Any] = parsed["statements"]
    return statements


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
