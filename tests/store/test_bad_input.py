"""What people, disks and other programs put into a store: one clear line each, no damage, and the store goes on."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import StoreError
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store import Store
from factory_kit.store.lines import encode, read_lines

T0 = 1_788_220_800_000_000
YEAR_1601 = -11_644_473_600_000_000
YEAR_2554 = 18_446_744_073_709_551
HOUR = 3_600_000_000
Rows = list[tuple[int, int, float | None]]
Harm = Callable[[Path], object]


@pytest.fixture(name="filled")
def _filled(wrote: Callable[..., Store]) -> Store:
    return wrote([(1, T0, 1.0), (2, T0 + 1, 2.0)])


def _fresh(store: Store) -> Store:
    return Store(store.folder, now=lambda: T0)


def _write(store: Store, run: Run, batch: SampleBatch) -> None:
    with _fresh(store).writer(run) as writer:
        writer.append(batch)


def _said(work: Callable[[], object]) -> str:
    """The one line that *work* fails with, empty when it does not."""
    said = ""
    try:
        work()
    except StoreError as error:
        said = str(error)
    assert "\n" not in said
    return said


def _everything(store: Store, run: Run, batch: SampleBatch) -> list[str]:
    """What reading, looking, writing, merging and mending say; anything but one line of ours fails the test."""
    works: list[Callable[[], object]] = [
        lambda: _fresh(store).query("SELECT count(*) FROM samples"),
        lambda: _fresh(store).status(),
        lambda: _fresh(store).verify(),
        lambda: _write(store, run, batch),
        lambda: _fresh(store).compact(),
        lambda: _fresh(store).repair(),
    ]
    return [_said(work) for work in works]


@pytest.mark.parametrize(
    "name", ["工厂 甲", 'it\'s a "plant"', "a [2026] *x? {b}", "semi;colon%20#x", "-dash", "$HOME", "深" * 80 + "/" + "b" * 200]
)  # fmt: skip
def test_a_store_may_lie_anywhere(
    tmp_path: Path, name: str, run: Callable[..., Run], batch: Callable[..., SampleBatch], point: Callable[[int], Any]
) -> None:
    """Chinese signs, blanks, quotes, signs of patterns and very long names in the path change nothing."""
    store = Store(tmp_path / name / "store", now=lambda: T0)
    store.register([point(1)])
    for number in range(2):
        _write(store, run(f"run-{number}"), batch([(1, T0 + number, 1.0)]))
    store.compact()
    _write(store, run("run-3"), batch([(1, T0 + 2, 1.0)]))

    assert store.query("SELECT count(*) AS n FROM samples").to_pylist() == [{"n": 3}]
    assert store.query("SELECT sum(n) AS n FROM rollup_1min").to_pylist() == [{"n": 3}]
    assert store.export(tmp_path / "out", "csv") == 3
    assert store.verify() == ()


def test_a_path_too_long_for_the_system_is_one_line(tmp_path: Path, point: Callable[[int], Any]) -> None:
    """The system's limit is told, and nothing is made."""
    with pytest.raises(
        StoreError, match=r"^[^\n]*cannot be read or written \([^\n]*\); check the disk and its rights$"
    ):
        Store(tmp_path / ("d" * 300)).register([point(1)])
    assert list(tmp_path.iterdir()) == []


def _foreign_rows(folder: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), folder / "x.parquet")
    day = next((folder / "data").glob("*"))
    pq.write_table(pa.table({"point": ["a"], "value": [b"b"]}), day / "day-000000000000.parquet")
    (folder / "data" / "readme.txt").write_text("hello", encoding="utf-8")
    (folder / "journal" / "x.seg").write_text("hello", encoding="utf-8")
    (folder / "journal" / "000000100-0011223344556677.seg").mkdir()


def test_foreign_files_are_named_and_not_read(
    filled: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch]
) -> None:
    """Another Parquet, another schema, a text, a folder among the files: told by verify, in no answer, left where they are."""
    _foreign_rows(filled.folder)

    foreign = [str(each.details["file"]) for each in filled.verify()]
    assert sorted(Path(each).name for each in foreign) == [
        "000000100-0011223344556677.seg", "day-000000000000.parquet", "readme.txt", "x.parquet", "x.seg",
    ]  # fmt: skip
    assert _everything(filled, run("run-2"), batch([(1, T0 + 5, 1.0)])) == [""] * 6
    assert filled.query("SELECT count(*) AS n FROM samples").to_pylist() == [{"n": 3}]
    assert all(Path(each).exists() for each in foreign)


def _added(name: str, entry: Any) -> Harm:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + encode(entry))


def _other_schema(folder: Path) -> None:
    path = folder / "manifest.jsonl"
    (entry,) = read_lines(path)
    path.write_bytes(encode({**entry, "adds": [{**each, "schema": 2} for each in entry["adds"]]}))


NEWER: dict[str, Harm] = {
    "field": _added("manifest.jsonl", {"at": 1, "adds": [{"path": "x", "colour": 1}], "removes": [], "segments": []}),
    "line": _added("manifest.jsonl", {"form": 9, "x": 1}),
    "list": _added("manifest.jsonl", [1, 2]),
    "schema": _other_schema,
    "kind": _added("catalogue.jsonl", {"kind": "future"}),
    "point": _added("catalogue.jsonl", {"kind": "points", "since": 1, "points": [{"id": 9, "colour": 1}]}),
    "journal": lambda folder: (folder / "journal/000000099-0011223344556677.seg").write_bytes(
        b"FKJRNL\0\2" + bytes(99)
    ),
}


@pytest.mark.parametrize("harm", NEWER.values(), ids=NEWER)
def test_a_store_of_a_newer_version_is_left_alone(
    filled: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch], harm: Harm
) -> None:
    """What this version cannot understand is not damage: it is told so, and no repair touches it."""
    harm(filled.folder)
    before = {
        path: path.read_bytes() for path in filled.folder.rglob("*.*") if path.is_file() and path.name != "checked.json"
    }
    reading, status, verify, *_, mending = _everything(filled, run("run-2"), batch([(1, T0 + 5, 1.0)]))

    assert "was written by a newer version of Factory Kit; read this store with that one" in reading
    assert (status, verify, mending) == ("", "", reading)
    assert any("newer version" in each.message for each in filled.verify())
    assert all(path.read_bytes().startswith(content) for path, content in before.items())
    assert not (filled.folder / "quarantine").exists()


def _replaced_by_a_folder(name: str) -> Harm:
    def harm(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return harm


def _replaced_by_a_file(name: str) -> Harm:
    def harm(folder: Path) -> None:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).write_text("x", encoding="utf-8")

    return harm


def _looped(folder: Path) -> None:
    path = next((folder / "data").glob("*/*.parquet"))
    path.unlink()
    path.symlink_to(path)


ODD: dict[str, Harm] = {
    **{f"folder {name}": _replaced_by_a_folder(name) for name in
       ("manifest.jsonl", "catalogue.jsonl", "catalogue.copy.jsonl", "lock", "checked.json")},
    **{f"file {name}": _replaced_by_a_file(name) for name in ("journal", "data", "latest", "quarantine")},
    "link loop": _looped,
    "link up": lambda folder: (folder / "data" / "loop").symlink_to(folder),
    "odd lock": lambda folder: (folder / "lock").write_bytes(b"\xff\xfe" + b"9" * 40),
    "odd checks": lambda folder: (folder / "checked.json").write_text('{"a": 1, "b": [[]]}', encoding="utf-8"),
    "deep checks": lambda folder: (folder / "checked.json").write_text("[" * 100_000, encoding="utf-8"),
    "end without begin": _added("catalogue.jsonl", {"kind": "run ended", "run": "nobody", "ended": 1}),
    "no segment": lambda folder: (folder / "journal" / "000000100-zz.seg").write_bytes(b""),
    "huge number": lambda folder: (folder / "journal" / f"{'9' * 30}-zz.seg").write_bytes(b"x"),
}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("harm", ODD.values(), ids=ODD)
def test_odd_things_in_the_folder_are_one_line_at_most(
    filled: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch], harm: Harm
) -> None:
    """Folders for files, files for folders, links, nonsense: every command works or says one line."""
    harm(filled.folder)

    for said in _everything(filled, run("run-2"), batch([(1, T0 + 5, 1.0)])):
        assert "store" in said or not said


WITHOUT_RIGHTS = """
import sys
from pathlib import Path
from factory_kit.errors import StoreError
from factory_kit.model.run import Run
from factory_kit.model.sample import Origin
from factory_kit.store import Store
store = Store(Path(sys.argv[1]))
def write():
    with store.writer(Run("r", 0, Origin.LIVE, "demo", "test")):
        pass
for work in (lambda: store.query("SELECT count(*) AS n FROM samples").to_pylist(), lambda: store.status().problems, store.verify,
        write, store.seal, store.compact, store.repair):
    try:
        print("ok", work())
    except StoreError as error:
        print("no", error)
"""


@pytest.fixture(name="humble")
def _humble(system_tool: Callable[[str], str]) -> list[str]:
    """Words before a command that take from root the power over all files; others lack it anyway."""
    if os.geteuid() != 0:
        return []
    return [system_tool("setpriv"), "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", "--"]


@pytest.mark.skipif(sys.platform == "win32", reason="rights are other ones there")
@pytest.mark.parametrize(("folders", "files"), [(0o555, 0o444), (0o755, 0o000), (0o000, 0o444)])
def test_without_rights_everything_works_or_is_one_line(
    filled: Store, humble: list[str], folders: int, files: int
) -> None:
    """A store that may only be read can be queried and looked at; one that may not even be read says so; nothing changes."""
    (filled.folder / "checked.json").unlink(missing_ok=True)
    before = sorted(filled.folder.rglob("*"), reverse=True)
    for path in before:
        path.chmod(files if path.is_file() else folders)
    filled.folder.chmod(folders)
    done = subprocess.run(
        [*humble, sys.executable, "-c", WITHOUT_RIGHTS, str(filled.folder)], capture_output=True, text=True, check=False
    )
    for path in [filled.folder, *reversed(before)]:
        path.chmod(0o755)

    lines = done.stdout.splitlines()
    assert (len(lines), done.stderr) == (7, "")
    assert (lines[0] == "ok [{'n': 2}]") is (files == 0o444 and folders != 0)
    assert all("Permission denied" in line or line in {"ok ()", "ok None"} for line in lines[1:]), lines
    assert "Permission denied" in lines[3]
    assert sorted(filled.folder.rglob("*"), reverse=True) == before


def test_times_and_numbers_at_the_edges_are_kept(
    store: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch], rows_of: Callable[[Store], Rows]
) -> None:
    """The years 1601 and 2554, NaN, infinities, the smallest and the largest number: as they came, also merged, also exported."""
    values = [math.inf, -math.inf, 5e-324, -1.7976931348623157e308, -0.0]
    rows = [(1, YEAR_1601, 1.0), (1, YEAR_2554, 2.0), *((2, T0 + at, value) for at, value in enumerate(values))]
    _write(store, run(), batch([*rows, (3, T0, math.nan)]))
    store.compact()

    found = rows_of(_fresh(store))
    assert found[:-1] == rows
    assert found[-1][:2] == (3, T0)
    assert math.isnan(found[-1][2] or 0.0)
    assert math.copysign(1, float(str(found[-2][2]))) == -1
    assert store.query("SELECT sum(n) AS n, sum(n_good) AS good FROM rollup_1min").to_pylist() == [{"n": 8, "good": 5}]
    for form in ("csv", "xlsx", "parquet", "duckdb"):
        assert store.export(store.folder.parent / f"out.{form}", form) == 8
    assert store.verify() == ()


def test_a_text_of_ten_megabytes_is_a_text(store: Store, run: Callable[..., Run]) -> None:
    """It goes through journal, sealing, merging and CSV; an Excel cell has its beginning."""
    text = "温" * 3_500_000
    batch = SampleBatch(np.array([1], np.int32), np.array([T0]), np.array([np.nan]), np.zeros(1, np.int8), text=[text])
    _write(store, run(), batch)
    store.compact()

    assert store.query("SELECT text FROM samples").to_pylist() == [{"text": text}]
    store.export(store.folder.parent / "out", "csv")
    store.export(store.folder.parent / "out.xlsx", "xlsx")
    assert text in (store.folder.parent / "out/samples.csv").read_text(encoding="utf-8-sig")


def test_a_point_renamed_in_mid_run_is_another_point(
    store: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch]
) -> None:
    """The old name keeps its samples, the new one gets its own; a changed unit keeps the number and has a history."""
    with store.writer(run()) as writer:
        writer.append(batch([(1, T0, 1.0)]))
        renamed, changed = store.register(
            [
                CataloguePoint("m1", "load_2", "spindle_load", "%", "float64", "ns=1;i=1", "cnc", "1", "line"),
                CataloguePoint("m2", "load", "spindle_load", "W", "float64", "ns=1;i=1", "cnc", "2", "line"),
            ]
        )
        writer.append(batch([(renamed, T0 + 1, 2.0), (changed, T0 + 1, 3.0)]))

    assert (renamed, changed) == (6, 2)
    sql = "SELECT name, value FROM samples JOIN points USING (point) ORDER BY value"
    assert [tuple(row.values()) for row in _fresh(store).query(sql).to_pylist()] == [
        ("load", 1.0),
        ("load_2", 2.0),
        ("load", 3.0),
    ]
    units = "SELECT unit FROM points_history WHERE point = 2"
    assert [row["unit"] for row in store.query(units).to_pylist()] == ["%", "W"]


def test_a_clock_set_back_an_hour_loses_nothing(
    tmp_path: Path, point: Callable[[int], Any], run: Callable[..., Run], batch: Callable[..., SampleBatch],
    rows_of: Callable[[Store], Rows],
) -> None:  # fmt: skip
    """The computer's clock and the samples' jump back in mid-run: the second pass stands where both have a value."""
    clock = [T0 + 10 * HOUR]
    store = Store(tmp_path / "store", now=lambda: clock[0])
    store.register([point(1)])
    with store.writer(run()) as writer:
        writer.append(batch([(1, T0 + at * HOUR // 2, float(at)) for at in range(4)]))
        clock[0] -= HOUR
        writer.roll()
        writer.append(batch([(1, T0 + at * HOUR // 2, 10.0 + at) for at in range(2, 6)]))
        store.seal()
        clock[0] -= HOUR
        store.compact()

    expected = [0.0, 1.0, 12.0, 13.0, 14.0, 15.0]
    assert rows_of(store) == [(1, T0 + at * HOUR // 2, value) for at, value in enumerate(expected)]
    assert store.verify() == ()
