from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from factory_kit.errors import StoreDamaged, StoreError
from factory_kit.model.run import Gap, LossEntry, Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store import Store
from factory_kit.store.journal import SegmentWriter

T0 = 1_788_220_800_000_000
HOUR = 3_600_000_000
Rows = list[tuple[int, int, float | None]]
TIGHT = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
import numpy as np
from factory_kit.errors import StoreFull
from factory_kit.model.run import Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
time, kept = np.arange(100) + int(sys.argv[3]), 0
try:
    with Store(Path(sys.argv[1])).writer(Run("tight", 0, Origin.LIVE, "demo", "test")) as writer:
        for _ in range(50):
            writer.append(SampleBatch(np.full(100, 1, np.int32), time, time / 7, np.zeros(100, np.int8)))
            kept += 100
            time = time + 100
except StoreFull as full:
    print(kept, full)
"""


@pytest.fixture(name="mixed")
def _mixed(store: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch]) -> Store:
    """A store with two sealed hours, ledgers, and a journal left by a crash."""
    for number in range(2):
        store.compact()
        with store.writer(run(f"run-{number}")) as writer:
            writer.append(
                batch([(point, T0 + number * 24 * HOUR + step, step / 7) for point in (1, 2) for step in range(50)])
            )
            writer.gap(Gap(1, T0, T0 + 1, "outage"))
            writer.loss(LossEntry(1, 100))
    segment = SegmentWriter(store._disk, store.folder / "journal", 77, run("run-1"))
    _fill(segment, batch)
    return store


def _fill(segment: SegmentWriter, batch: Callable[..., SampleBatch]) -> None:
    from factory_kit.store.columns import from_batch, to_payload
    from factory_kit.store.frames import Kind

    for step in range(4):
        record = from_batch(batch([(3, T0 + 4 * step + each, float(each)) for each in range(4)]))
        segment.append(Kind.SAMPLES, to_payload(record))
        segment.commit()
    segment._file.close()


def _all(store: Store) -> Rows:
    with Store(store.folder).connect() as con:
        found: Rows = con.execute("SELECT point, epoch_us(time), value FROM samples ORDER BY ALL").fetchall()
    return found


def _files(store: Store) -> list[Path]:
    """Files that are part of the store: not the replaced ones, which only wait to go."""
    gone = {store.folder / path for path in store._manifest().removed}
    files = [path for path in sorted(store.folder.rglob("*")) if path.is_file() and path.stat().st_size]
    return [path for path in files if path not in gone]


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_never_give_wrong_values(mixed: Store, seed: int) -> None:
    """With any one bit of any file flipped, reading gives an error in one line or rows that were written, never others."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    whole = _all(mixed)
    found = 0
    for _ in range(40):
        path = chance.choice(_files(mixed))
        before = path.read_bytes()
        bit = chance.randrange(len(before) * 8)
        damaged = bytearray(before)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        found += _read_or_refused(mixed, whole, complete=True)
        if path.suffix in {".parquet", ".jsonl"}:
            assert Store(mixed.folder).verify(), f"{path.name} bit {bit}"
        path.write_bytes(before)
    assert found > 20
    assert _all(mixed) == whole


@pytest.mark.parametrize("seed", range(2))
def test_cut_files_never_give_wrong_values(mixed: Store, seed: int) -> None:
    """With any file cut at any length, reading gives an error in one line or a part of what was written."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    whole = _all(mixed)
    for _ in range(30):
        path = chance.choice(_files(mixed))
        before = path.read_bytes()
        path.write_bytes(before[: chance.randrange(len(before))])
        _read_or_refused(mixed, whole, complete=False)
        path.write_bytes(before)
    assert _all(mixed) == whole


def _read_or_refused(store: Store, whole: Rows, *, complete: bool) -> bool:
    try:
        rows = _all(store)
    except StoreError:
        return True
    assert set(rows) <= set(whole)
    assert len(rows) == len(set(rows))
    assert not complete or len(rows) == len(whole)
    return False


def test_a_touched_file_is_read_again(wrote: Callable[..., Store]) -> None:
    """A sealed file that changed after it was checked is refused with its name."""
    store = wrote([(1, T0, 1.0)])
    path = next((store.folder / "data").glob("*/*.parquet"))
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)

    with pytest.raises(StoreDamaged, match=rf"{path.name}: sha256 differs from the manifest; run store repair"):
        store.connect()


def test_silent_rot_is_found_by_verify_and_files(wrote: Callable[..., Store]) -> None:
    """A flipped bit under the old size and time of change is found where it matters: verify, and files for evidence."""
    store = wrote([(1, T0, 1.0)])
    _rot(next((store.folder / "data").glob("*/*.parquet")), 40)

    assert "sha256 differs" in str(store.verify()[0])
    with pytest.raises(StoreDamaged, match="sha256 differs"):
        store.files(T0, T0 + 1)


def test_silent_rot_stops_merging_in_one_line(wrote: Callable[..., Store], rows_of: Callable[[Store], Rows]) -> None:
    """Pages that rotted under the old size and time of change are not merged: the checksum of the page is told as damage."""
    wrote([(1, T0 + step, step / 7) for step in range(500)])
    store = wrote([(1, T0 + HOUR, 1.0)], "run-2")
    path = max((store.folder / "data").glob("*/*.parquet"), key=lambda each: each.stat().st_size)
    _rot(path, pq.ParquetFile(path).metadata.row_group(0).column(2).data_page_offset + 200)

    with pytest.raises(StoreDamaged, match=r"cannot be read .*; run store repair"):
        store.compact()
    assert [problem.details["file"] for problem in store.repair()] == [path]
    assert rows_of(store) == [(1, T0 + HOUR, 1.0)]


def _rot(path: Path, at: int) -> None:
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_missing_file_is_told(wrote: Callable[..., Store]) -> None:
    """A sealed file that is gone is an error, not an empty answer."""
    store = wrote([(1, T0, 1.0)])
    next((store.folder / "data").glob("*/*.parquet")).unlink()

    with pytest.raises(StoreDamaged, match="is missing, expected by the manifest; run store repair"):
        store.connect()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("limit", [2_000, 9_000, 40_000])
def test_a_full_disk_keeps_what_was_kept(store: Store, limit: int) -> None:
    """When no more fits, the writer says so in one line; everything appended before is there, and the next run goes on."""
    done = subprocess.run(
        [sys.executable, "-c", TIGHT, str(store.folder), str(limit), str(T0)],
        capture_output=True,
        text=True,
        check=True,
    )

    kept, _, said = done.stdout.strip().partition(" ")
    assert "the disk is full; make room and repeat" in said
    assert len(_all(store)) == int(kept)
    store.seal()
    assert len(_all(store)) == int(kept)
    assert store.verify() == ()
