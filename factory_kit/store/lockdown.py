"""SQL of users: one SELECT over the views, and nothing that reaches outside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from factory_kit.errors import QueryError
from factory_kit.store.views import file_list

__all__ = ["check", "lock", "refusal"]

READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
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


def refusal(error: Exception) -> QueryError:
    """What DuckDB says about a statement, in one line."""
    said = " ".join(str(error).partition("\n\nLINE")[0].split())
    return QueryError("query: {said}", said=said)


def _tree(sql: str) -> list[Any]:
    with duckdb.connect(config={"autoload_known_extensions": "false"}) as con:
        try:
            rows = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
        except duckdb.Error as error:
            raise refusal(error) from error
    answer = json.loads(rows[0][0])
    if answer["error"]:
        raise QueryError("query: {said}", said=" ".join(str(answer["error_message"]).split()))
    statements: list[Any] = answer["statements"]
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
