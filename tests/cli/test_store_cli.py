"""``query`` and ``store``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from deltalake import DeltaTable

from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.lock import Lock
from factory_kit.testing.busyplant import busy_plant

from .conftest import Command

START = 1_767_225_600_000_000


@pytest.fixture
def plant(factory_kit: Command, tmp_path: Path) -> Path:
    """A workspace whose store holds three samples."""
    folder = tmp_path / "plant"
    factory_kit("init", folder)
    store = Store(folder / "store")
    with store.writer(Run("r", START, Origin.LIVE, "real", "collect")) as writer:
        (point,) = store.register([CataloguePoint("m", "p", "other", "", "float64", "holding:0", "c", "1", "s")])
        times = START + np.arange(3) * 1_000_000
        writer.append(SampleBatch(np.full(3, point, np.int32), times, np.array([1.0, 2.0, 3.0]), np.zeros(3, np.int8)))
    return folder


def sealed_file(plant: Path) -> Path:
    """A file with samples."""
    return next(path for path in (plant / "store").rglob("*.parquet") if "date=" in str(path))


def test_a_select_gives_rows(factory_kit: Command, plant: Path) -> None:
    """Rows come as JSON for programs."""
    assert json.loads(factory_kit("query", "SELECT sum(value) AS total FROM samples", "-w", plant, "--json").out) == [
        {"total": 6.0}
    ]


def test_long_answers_say_that_they_are_cut(factory_kit: Command, plant: Path) -> None:
    """--limit shows as many and says so."""
    said = factory_kit("query", "SELECT value FROM samples", "-w", plant, "--limit", 2)

    assert "The first 2 rows" in said.err


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE samples", "SELECT * FROM read_csv('/etc/passwd')", "SELECT 1; SELECT 2", "COPY samples TO 'x.csv'"],
)
def test_anything_but_one_select_on_the_views_is_refused(factory_kit: Command, plant: Path, sql: str) -> None:
    """Writing, reading elsewhere and several statements give one line and exit code 1."""
    said = factory_kit("query", sql, "-w", plant)

    assert (said.code, said.err.strip().count("\n")) == (1, 0)


def test_a_damaged_file_is_found_put_aside_and_noted(factory_kit: Command, plant: Path) -> None:
    """Verify names it with exit code 1, repair moves it to the quarantine, and afterwards all is right and the loss is a gap."""
    file = sealed_file(plant)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    found = factory_kit("store", "verify", "-w", plant)
    mended = factory_kit("store", "repair", "-w", plant)
    after = factory_kit("store", "verify", "-w", plant)
    gaps = json.loads(factory_kit("query", "SELECT count(*) AS gaps FROM gaps", "-w", plant, "--json").out)

    assert (found.code, mended.code, after.code) == (1, 0, 0)
    assert file.name in found.err
    assert list((plant / "store" / "quarantine").iterdir()) != []
    assert gaps == [{"gaps": 1}]


def test_status_counts(factory_kit: Command, plant: Path) -> None:
    """The state of the store as JSON."""
    status = json.loads(factory_kit("store", "status", "-w", plant, "--json").out)

    assert (status["rows"], status["points"], status["runs"], status["problems"]) == (3, 1, 1, [])


def test_compacting_changes_no_answer(factory_kit: Command, plant: Path) -> None:
    """After compacting the same query gives the same rows."""
    assert factory_kit("store", "compact", "-w", plant).code == 0
    assert json.loads(factory_kit("query", "SELECT sum(value) AS total FROM samples", "-w", plant, "--json").out) == [
        {"total": 6.0}
    ]


@pytest.mark.parametrize("target", ["out.xlsx", "out.duckdb", "out.csv", "out.parquet"])
def test_an_export_says_how_much(factory_kit: Command, plant: Path, tmp_path: Path, target: str) -> None:
    """The name says the format; what was written is counted."""
    said = factory_kit("store", "export", tmp_path / target, "-w", plant)

    assert (said.code, said.err) == (0, f"✓ 3 samples written to {tmp_path / target}.\n")
    assert (tmp_path / target).exists()


def test_an_export_takes_days_equipment_and_points(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """Days are the plant's; equipment and points are named."""
    words = ("-w", plant, "--json")
    day = factory_kit("store", "export", tmp_path / "a.csv", "--from", "2026-01-01", "--to", "2026-01-01", *words)
    before = factory_kit("store", "export", tmp_path / "b.csv", "--to", "2025-12-31", *words)
    chosen = factory_kit("store", "export", tmp_path / "c.csv", "--equipment", "m", "--point", "m/p", *words)

    assert [json.loads(each.out)["samples"] for each in (day, before, chosen)] == [3, 0, 3]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["out"], "'' is no format for this, expected one of csv, xlsx, parquet, duckdb"),
        (["a.csv", "--equipment", "x"], "'x' is no equipment with points in the store; there are m"),
        (["a.csv", "--point", "x"], "'x' is no point of the store"),
        (["a.csv", "--from", "2026-02-02", "--to", "2026-02-01"], "2026-02-02 comes after 2026-02-01"),
        (["a.csv", "--from", "yesterday"], "'yesterday' is not a date, expected YYYY-MM-DD"),
    ],
)
def test_wrong_exports_are_named(
    factory_kit: Command, plant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], what: str
) -> None:
    """One line with what is possible, exit code 2, nothing written."""
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path / "place")

    said = factory_kit("store", "export", *words, "-w", plant)

    assert (said.code, what in said.err, said.err.strip().count("\n")) == (2, True, 0)
    assert list((tmp_path / "place").iterdir()) == []


@pytest.mark.parametrize("words", [["status"], ["verify"], ["repair"], ["compact"]])
def test_without_a_store_that_is_said(factory_kit: Command, tmp_path: Path, words: list[str]) -> None:
    """A workspace that never collected has no table of zeros and no files that are right; nothing is made."""
    factory_kit("init", tmp_path / "plant")
    said = factory_kit("store", *words, "-w", tmp_path / "plant")

    assert (said.code, said.out) == (0, "")
    assert "there is no store yet; collect or import first" in said.err.replace("\n", " ")
    assert list((tmp_path / "plant" / "store").iterdir()) == []


def test_status_names_each_problem_once(factory_kit: Command, plant: Path) -> None:
    """A line per file, the file named once, exit code 1 for findings; programs get the same lines."""
    sealed_file(plant).unlink()
    (plant / "store" / "x.parquet").write_bytes(b"x")
    said = factory_kit("store", "status", "-w", plant)
    lines = json.loads(factory_kit("store", "status", "-w", plant, "--json").out)["problems"]

    assert said.code == 1
    assert said.err.splitlines() == lines
    assert [line.count(str(plant)) for line in lines] == [1, 1]
    assert "│ 2026-01-01 00:00:02" in said.out.replace("  ", " ")


def test_a_store_of_another_writer_is_told(factory_kit: Command, plant: Path) -> None:
    """While somebody writes, repair and compact say who; status names the process, queries go on."""
    lock = Lock(plant / "store" / "lock")
    lock.acquire()
    busy = [factory_kit("store", word, "-w", plant) for word in ("repair", "compact")]
    status = json.loads(factory_kit("store", "status", "-w", plant, "--json").out)
    rows = factory_kit("query", "SELECT count(*) AS n FROM samples", "-w", plant, "--json").out
    lock.release()

    assert [(each.code, f"process {os.getpid()} writes to this store" in each.err) for each in busy] == [(1, True)] * 2
    assert (status["writer"], json.loads(rows)) == (os.getpid(), [{"n": 3}])


def test_push_and_pull_carry_a_plant_to_another_folder(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """Over a disk that is carried: the copy answers the same query; the second push sends nothing."""
    site = (plant / "site.yaml").read_text(encoding="utf-8")
    name = next(line.split(":")[1].strip() for line in site.splitlines() if line.strip().startswith("id:"))
    first = json.loads(factory_kit("store", "push", tmp_path / "disk", "-w", plant, "--raw", "--json").out)
    again = json.loads(factory_kit("store", "push", tmp_path / "disk", "-w", plant, "--raw", "--json").out)
    factory_kit("store", "pull", tmp_path / "disk", name, tmp_path / "copy", "--raw")
    rows = json.loads(
        factory_kit("query", "SELECT sum(value) AS total FROM samples", "-w", tmp_path / "copy", "--json").out
    )
    assert first["sent"] > 0
    assert again["sent"] == 0
    assert rows == [{"total": 6.0}]


def test_push_writes_delta_tables_where_asked(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """The one day is written once; the second push finds it there."""
    words = ("store", "push", tmp_path / "disk", "-w", plant, "--raw", "--delta", "--json")
    first, again = (json.loads(factory_kit(*words).out) for _time in range(2))
    found = DeltaTable(str(tmp_path / "disk" / "delta" / "samples")).to_pyarrow_table()
    assert (first["days"], again["days"]) == (2, 0)
    assert sorted(found["value"].to_pylist()) == [1.0, 2.0, 3.0]


def test_pulling_what_nobody_pushed_is_one_line(factory_kit: Command, tmp_path: Path) -> None:
    """The place and the plant are named."""
    said = factory_kit("store", "pull", tmp_path / "disk", "nobody", tmp_path / "copy")
    assert said.code == 1
    assert "there is nothing of plant nobody; push it first" in said.err
    assert not (tmp_path / "copy").exists()


def test_pushing_during_a_collection_sends_what_is_sealed(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """The lock of the store is somebody else's: that is said, and the push goes on."""
    lock = Lock(plant / "store" / "lock")
    lock.acquire()
    try:
        said = factory_kit("store", "push", tmp_path / "disk", "-w", plant, "--raw")
    finally:
        lock.release()
    assert said.code == 0
    assert "A collection goes on" in said.err
    assert (tmp_path / "disk").is_dir()


def test_figures_of_pushed_plants_are_a_table(factory_kit: Command, tmp_path: Path) -> None:
    """Two plants at one place: every KPI of each, the evidence records in a folder, an Excel file."""
    for name in ("p1", "p2"):
        busy_plant(tmp_path / name, name, machines=1, days=2, seed=1, step_s=60)
        factory_kit("store", "push", tmp_path / "place", "-w", tmp_path / name, "--raw")
    days = ("--from", "2026-09-01", "--to", "2026-09-01")
    rows = json.loads(factory_kit("lake", "figures", tmp_path / "place", *days, "--of", "kpi", "--json").out)
    saved = factory_kit(
        "lake", "figures", tmp_path / "place", *days, "--plant", "p2", "--of", "indicators", "--out", tmp_path / "f.xlsx", "--records", tmp_path / "records",
    )  # fmt: skip
    there = json.loads(factory_kit("lake", "plants", tmp_path / "place", "--json").out)
    assert {row["plant"] for row in rows} == {"p1", "p2"}
    assert saved.code == 0
    assert len(list((tmp_path / "records" / "p2").glob("*.json"))) > 10
    assert (tmp_path / "f.xlsx").is_file()
    assert [row["plant"] for row in there] == ["p1", "p2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "flink"), "no such engine, expected duckdb or spark"),
        (("--of", "oee"), "no such figures, expected kpi, indicators or all"),
        (("--plant", "p9"), "plant p9 was not pushed there"),
    ],
)
def test_wrong_words_for_figures_are_one_line(
    factory_kit: Command, plant: Path, tmp_path: Path, words: tuple[str, str], said: str
) -> None:
    """What was expected is named."""
    factory_kit("store", "push", tmp_path / "place", "-w", plant)
    days = ("--from", "2026-09-01", "--to", "2026-09-01")
    answer = factory_kit("lake", "figures", tmp_path / "place", *days, *words)
    assert answer.code == 2
    assert said in answer.err
