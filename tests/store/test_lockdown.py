from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from factory_kit.errors import QueryError
from factory_kit.store import Store, lockdown

T0 = 1_788_220_800_000_000


@pytest.fixture(name="filled")
def _filled(wrote: Callable[..., Store]) -> Store:
    return wrote([(1, T0, 1.0), (1, T0 + 1, 2.0)])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM samples",
        "FROM samples",
        "WITH a AS (SELECT * FROM samples) SELECT sum(value) FROM a UNION ALL SELECT 1",
        "DESCRIBE samples",
        "SELECT * FROM samples LIMIT 1; -- the end",
        "SELECT s.value FROM samples s JOIN points p USING (point) WHERE p.name IN (SELECT name FROM points)",
        "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT * FROM r",
    ],
)
def test_reading_is_possible(filled: Store, sql: str) -> None:
    """A SELECT over the views, however written, is answered."""
    assert len(filled.query(sql)) > 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '{file}.csv'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM enable_logging('QueryLog')",
        "SELECT * FROM parquet_metadata('{parquet}')",
        "SELECT * FROM read_parquet('{parquet}')",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT 1 WHERE EXISTS (SELECT * FROM read_blob('/etc/passwd'))",
        "COPY samples TO '{file}'",
        "COPY samples TO '{parquet}'",
        "WITH c AS (COPY (SELECT 1) TO '{parquet}') SELECT * FROM c",
        "WITH c AS (COPY (SELECT 1) TO '{file}') SELECT * FROM c",
        "WITH d AS (DELETE FROM points RETURNING *) SELECT * FROM d",
        "WITH d AS (INSERT INTO points SELECT * FROM points RETURNING *) SELECT * FROM d",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '{file}' AS other",
        "PRAGMA version",
        "PRAGMA table_info('samples')",
        "SET threads = 1",
        "RESET threads",
        "CALL enable_logging()",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW samples",
        "DELETE FROM points",
        "EXPORT DATABASE '{file}'",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW samples",
        "",
        "SELEC 1",
        "SELECT nothing FROM samples",
        "SELECT CAST('x' AS INTEGER)",
        "SELECT * FROM filled",
        "SELECT * FROM '{parquet}'",
        'FROM "{parquet}"',
        "SELECT * FROM pg_read_file('/etc/passwd')",
        "SELECT getenv('HOME')",
        "SELECT * FROM arrow_scan_dumb(94000000, 94000000, 94000000)",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 42'))",
        "SELECT * FROM query_table('samples')",
        "SELECT * FROM system.main.read_text('/etc/passwd')",
        "SELECT * FROM duckdb_settings()",
        "SELECT list_transform([1], x -> (SELECT content FROM read_text('/etc/passwd')))",
        "SELECT * FROM samples ORDER BY (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT * FROM samples LIMIT (SELECT size FROM read_blob('/etc/passwd'))",
        "PIVOT (FROM read_text('/etc/passwd')) ON size USING count(*)",
        "SUMMARIZE SELECT * FROM read_text('/etc/passwd')",
        "PREPARE p AS SELECT 1",
        "CREATE MACRO m() AS TABLE SELECT * FROM read_text('/etc/passwd')",
        "CREATE SECRET s (TYPE s3)",
        "SET VARIABLE x = 1",
        "USE memory",
        "SELECT ?",
        "SELECT '\udc80'",
        "SELECT * FROM (" * 5000 + "SELECT 1" + ")" * 5000,
        "SELECT x" + ".x" * 200_000,
    ],
)
def test_everything_else_is_refused_in_one_line(filled: Store, tmp_path: Path, sql: str) -> None:
    """What reads or writes outside the views, changes anything or is no SELECT is one line of QueryError and leaves no trace."""
    file = tmp_path / "made"
    parquet = next((filled.folder / "data").glob("*/*.parquet"))
    before = parquet.read_bytes()

    with pytest.raises(QueryError, match=r"^query: [^\n]+$") as refused:
        filled.query(sql.replace("{file}", str(file)).replace("{parquet}", str(parquet)))

    assert "\n" not in str(refused.value)
    assert not file.exists()
    assert parquet.read_bytes() == before


def test_no_more_rows_are_made_than_asked_for(filled: Store) -> None:
    """The first rows of an answer without end come at once."""
    table = filled.query("SELECT i FROM range(1000000000000) r(i)", most=3)

    assert table.to_pydict() == {"i": [0, 1, 2]}


def test_nothing_but_select_is_said_in_our_words(filled: Store) -> None:
    """A statement of another kind is told what to do instead, not how DuckDB stores statements."""
    with pytest.raises(QueryError, match=r"^query: this is no SELECT; the store can only be read"):
        filled.query("DROP VIEW samples")


def test_an_error_in_the_middle_of_the_rows_is_one_line(filled: Store) -> None:
    """What fails only after the first rows is refused like everything else."""
    sql = "SELECT CASE WHEN i = 50000 THEN error('broken') ELSE 'x' END FROM range(100000) r(i)"

    with pytest.raises(QueryError, match=r"^query: [^\n]*broken[^\n]*$"):
        filled.query(sql, most=90_000)


FOR_EVER = "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT max(i) FROM r"


@pytest.mark.parametrize("sql", [FOR_EVER, "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c"])
def test_a_query_ends_with_its_time(filled: Store, sql: str) -> None:
    """What takes longer than it may is refused with what to do."""
    with pytest.raises(
        QueryError, match=r"^query: not done after 0\.5 s; ask for less, or allow more time \(0: no end\)$"
    ):
        filled.query(sql, seconds=0.5)


def test_a_query_leaves_memory_and_disk_to_others(filled: Store) -> None:
    """A query gets half of the memory that DuckDB would take and half of the room on the disk."""
    import duckdb

    names = "('memory_limit', 'max_temp_directory_size')"
    (limits,) = filled.query(
        f"SELECT list(setting ORDER BY name) AS s FROM pg_settings WHERE name IN {names}"  # noqa: S608 - our own words
    ).to_pylist()
    with duckdb.connect() as con:
        usual = con.execute(
            f"SELECT list(value ORDER BY name) FROM duckdb_settings() WHERE name IN {names}"  # noqa: S608 - our own words
        ).fetchall()[0][0]
    assert limits["s"][1] != usual[1]
    assert limits["s"][0] != usual[0]
    assert float(limits["s"][1].split()[0]) < float(usual[1].split()[0])


@pytest.mark.parametrize("most", [None, 3])
def test_ctrl_c_ends_a_query_without_end(filled: Store, monkeypatch: pytest.MonkeyPatch, most: int | None) -> None:
    """A query that would run for ever ends when the user asks for it."""
    presses = iter([threading.Timer(0.3, _thread.interrupt_main)])

    def waited(works: list[Future[object]], seconds: float) -> object:
        for press in presses:  # once, when the query runs
            press.start()
        return wait(works, seconds)

    monkeypatch.setattr(lockdown, "wait", waited)
    with pytest.raises(KeyboardInterrupt):
        filled.query(FOR_EVER, most)

    assert len(filled.query("SELECT 1")) == 1
