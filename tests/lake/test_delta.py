"""Delta tables on an object store, read back by deltalake and by DuckDB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from factory_kit.lake import Pace, Remote, push_tables
from factory_kit.lake.delta import _options
from factory_kit.store import Store

pytestmark = pytest.mark.wire

ROLLUP = ("point", "minute", "n", "n_good", "mean", "min", "max", "first", "last", "time_weighted_mean", "known_us")
PUSHING = """
import sys
from pathlib import Path
from factory_kit.lake import Pace, opened, push_tables
place, plant, folder = sys.argv[1:]
push_tables(Path(folder), plant, opened(place), place, raw=False, pace=Pace())
"""


def table(place: str, name: str, environ: dict[str, str]) -> pa.Table:
    """All rows of the Delta table *name*."""
    return pa.table(DeltaTable(f"{place}/delta/{name}", storage_options=_options(environ)).to_pyarrow_table())


def test_every_minute_and_every_sample_is_in_the_tables(
    workspace: Path, remote: Remote, environ: dict[str, str]
) -> None:
    """Row for row what the views of the store say, with plant, day and names beside."""
    push_tables(workspace, "p1", remote, remote.name, raw=True, pace=Pace())
    found = table(remote.name, "rollup_1min", environ).sort_by([("point", "ascending"), ("minute", "ascending")])
    with Store(workspace / "store").connect() as con:
        minutes = con.execute(f"SELECT {', '.join(ROLLUP)} FROM rollup_1min ORDER BY point, minute").fetchall()  # noqa: S608
        samples = con.execute("SELECT count(*), sum(value) FROM samples").fetchone()
    rows = [tuple(row[name] for name in ROLLUP) for row in found.to_pylist()]
    assert [(row[0], row[1].replace(tzinfo=None), *row[2:]) for row in rows] == minutes
    assert set(found["plant"].to_pylist()) == {"p1"}
    raw = table(remote.name, "samples", environ)
    assert (raw.num_rows, pytest.approx(sum(raw["value"].to_pylist()))) == samples


def test_a_day_that_is_there_is_not_written_again(
    workspace: Path, remote: Remote, environ: dict[str, str], add_days: Callable[..., None]
) -> None:
    """Repeating writes nothing; a new day adds itself, a day with more data replaces itself."""
    first = push_tables(workspace, "p1", remote, remote.name, raw=False, pace=Pace())
    again = push_tables(workspace, "p1", remote, remote.name, raw=False, pace=Pace())
    assert (first.days, again.days, again.there) == (2, 0, 2)
    add_days(workspace, 1, 2, points=4, seed=4)
    third = push_tables(workspace, "p1", remote, remote.name, raw=False, pace=Pace())
    assert (third.days, third.there) == (2, 1)
    with Store(workspace / "store").connect() as con:
        (count,) = con.execute("SELECT count(*) FROM rollup_1min").fetchone()
    assert table(remote.name, "rollup_1min", environ).num_rows == count


def test_eight_writers_to_one_table_lose_nothing(
    tmp_path: Path, remote: Remote, environ: dict[str, str], new_workspace: Callable[..., Path]
) -> None:
    """Eight processes push eight plants into the same new table at once."""
    made = [new_workspace(tmp_path / f"w{number}", days=2, points=1, seed=number) for number in range(8)]
    command = [sys.executable, "-c", PUSHING, remote.name]
    running = [
        subprocess.Popen([*command, f"p{number}", str(folder)], stderr=subprocess.PIPE, text=True)
        for number, folder in enumerate(made)
    ]
    errors = [each.communicate()[1] for each in running]
    assert [each.returncode for each in running] == [0] * 8, errors
    found = table(remote.name, "rollup_1min", environ)
    assert found.num_rows == 8 * 2 * 60
    assert sorted(set(found["plant"].to_pylist())) == [f"p{number}" for number in range(8)]


def test_a_push_that_ended_before_its_note_repeats_itself_to_the_same_rows(
    workspace: Path, remote: Remote, environ: dict[str, str]
) -> None:
    """The note of what was written is lost: the days are written again in the place of the same days."""
    push_tables(workspace, "p1", remote, remote.name, raw=False, pace=Pace())
    before = table(remote.name, "rollup_1min", environ).num_rows
    key = "plant=p1/delta-rollup_1min.json"
    _data, version = remote.read(key) or (b"", "")
    remote.write(key, json.dumps({}).encode(), version)
    again = push_tables(workspace, "p1", remote, remote.name, raw=False, pace=Pace())
    assert again.days == 2
    assert table(remote.name, "rollup_1min", environ).num_rows == before
