"""SQL of users: one SELECT over the views, and nothing that reaches outside them."""

from __future__ import annotations

import atexit
import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from factory_kit.errors import QueryError
from factory_kit.store.spill import room_to_spill
from factory_kit.store.views import file_list

__all__ = ["answer", "check", "first_rows", "lock"]

T = TypeVar("T")

READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
NO_SELECT = "Only SELECT"
"""How DuckDB begins to say that a statement is another one."""
HEARD_S = 0.2
"""How long Ctrl-C may go unheard where it cannot wake a waiting thread (Windows)."""
LONGEST = 200_000
"""Signs of a statement: DuckDB takes minutes to understand some longer ones, and hears nobody meanwhile."""

SHARE = 2
"""A query gets at most this part of the memory that DuckDB would take: a collection may be running beside it."""

TABLE_FUNCTIONS = frozenset({"generate_series", "range", "unnest", "json_each", "json_tree", "repeat", "repeat_row"})


def check(sql: str) -> list[dict[str, Any]]:
    """The nodes of the syntax tree of *sql*; ``QueryError`` unless it is one SELECT that reads nothing but tables and views.

    DuckDB 2.0 lets a WITH write, even to files it may read; so the syntax tree is looked at, not only the kind of statement.
    """
    if len(sql) > LONGEST:
        raise QueryError("query: {count} signs, expected at most {most}", count=len(sql), most=LONGEST)
    tree = _tree(sql)
    if len(tree) != 1:
        raise QueryError("query: {count} statements, expected one SELECT", count=len(tree))
    nodes = list(_walk(tree))
    for node in nodes:
        _check_node(node)
    return nodes


def _check_node(node: dict[str, Any]) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in READING and "cte_map" in node:
        raise QueryError("query: {what} inside, expected nothing but SELECT", what=kind.partition("_")[0])
    if kind == "TABLE_FUNCTION":
        name = str(node.get("function", {}).get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise QueryError("query: {name}() cannot be used here, expected tables and views", name=name)
    if kind == "BASE_TABLE" and any(sign in str(node.get("table_name", "")) for sign in "/\\"):
        raise QueryError("query: files cannot be read here, expected tables and views")


def lock(con: Any, folder: Path, paths: Iterable[str], memory_mib: int | None = None) -> None:
    """From here on *con* reaches no file but the sealed ones at *paths*, no network, no extension, and no setting changes.

    It leaves memory and room on the disk to others; *memory_mib* fixes how much memory it takes.
    """
    amount, unit = con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0].split()
    most = f"{float(amount) / SHARE:.3f} {unit}" if memory_mib is None else f"{memory_mib} MiB"
    con.execute(f"SET memory_limit = '{most}'")
    con.execute(f"SET max_temp_directory_size = '{room_to_spill(folder)} B'")
    con.execute(f"SET allowed_paths = {file_list(folder, paths)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def answer(con: Any, sql: str, take: Callable[[pa.RecordBatchReader], T], at_once: int, seconds: float) -> T:
    """What *take* makes of the rows of *sql*, *at_once* rows a time; ``QueryError`` when it fails or takes longer than *seconds* (0: no end).

    Whatever interrupts the wait ends the query too.
    """
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    with ThreadPoolExecutor(max_workers=1) as pool:
        work = pool.submit(lambda: take(con.sql(sql).to_arrow_reader(at_once)))
        try:
            _await(work, seconds)
        except BaseException:
            _end(con, work)
            raise
        try:
            return work.result()
        except (
            duckdb.Error,
            pa.ArrowException,
            OSError,
        ) as error:  # the last two: on its way through the stream of rows
            if isinstance(error, OSError) and error.errno is not None:  # of the file that *take* writes
                raise
            raise _refusal(error) from error


def first_rows(reader: pa.RecordBatchReader, most: int | None) -> pa.Table:
    """At most the first *most* rows of *reader*."""
    if most is None:
        return reader.read_all()
    batches: list[pa.RecordBatch] = []
    while sum(map(len, batches)) < most and (batch := next(reader, None)) is not None:
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema).slice(0, most)


def _end(con: Any, work: Future[Any]) -> None:
    """The query ends. Once is not enough: between planning and running DuckDB forgets it; impatience changes nothing."""
    while not work.done():
        with contextlib.suppress(KeyboardInterrupt):
            con.interrupt()
            wait([work], HEARD_S)


def _await(work: Future[Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not work.done():
        if seconds and time.monotonic() > end:
            raise QueryError(
                "query: not done after {seconds:g} s; ask for less, or allow more time (0: no end)", seconds=seconds
            )
        wait([work], HEARD_S)


def _refusal(error: Exception) -> QueryError:
    """What DuckDB says about a statement, in one line."""
    said = " ".join(str(error).partition("\n\nLINE")[0].partition("\nPossible solutions")[0].split())
    return QueryError("query: {said}", said=said)


@cache
def _parser() -> Any:
    """One database that only parses: to make one takes longer than to parse a long query."""
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    atexit.register(_parser.cache_clear)  # before the interpreter goes: the library complains of what outlives it
    return duckdb.connect(config={"autoload_known_extensions": "false", "threads": "1"})


def _tree(sql: str) -> list[Any]:
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    with _parser().cursor() as con:
        try:
            sql.encode()
            rows = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
            parsed = json.loads(rows[0][0])
        except duckdb.Error as error:
            raise _refusal(error) from error
        except UnicodeEncodeError as error:
            raise QueryError("query: holds bytes that are no text; write it in UTF-8") from error
        except RecursionError as error:
            raise QueryError("query: too many queries inside one another") from error
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
