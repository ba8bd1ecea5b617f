from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from factory_kit.errors import StoreDamaged
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.columns import from_batch, to_payload
from factory_kit.store.frames import Kind
from factory_kit.store.journal import SegmentWriter

T0 = 1_788_220_800_000_000
DAY = 86_400_000_000
RUN = Run("run-9", T0, Origin.SIMULATED, "demo", "collect")
Rows = list[tuple[int, int, float | None]]


@pytest.fixture(name="two_days")
def _two_days(wrote: Callable[..., Store]) -> Store:
    wrote([(1, T0, 1.0), (2, T0 + 5, 2.0)], "run-1")
    return wrote([(1, T0 + DAY, 3.0), (3, T0 + DAY, 4.0)], "run-2")


def _said(store: Store) -> list[str]:
    return [problem.message.partition(":")[2].strip() for problem in Store(store.folder, now=lambda: T0).repair()]


def _flip(path: Path, at: int = 40) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _gaps(store: Store) -> list[tuple]:
    with store.connect() as con:
        return con.execute(
            'SELECT run, point, epoch_us(start), epoch_us("end"), reason FROM gaps ORDER BY point'
        ).fetchall()


def test_a_whole_store_is_left_alone(two_days: Store, rows_of: Callable[[Store], Rows]) -> None:
    """Nothing is done where nothing is wrong."""
    before = rows_of(two_days)

    assert _said(two_days) == []
    assert rows_of(two_days) == before
    assert not (two_days.folder / "quarantine").exists()


def test_a_damaged_file_is_quarantined_and_becomes_gaps(two_days: Store, rows_of: Callable[[Store], Rows]) -> None:
    """The rest is read again; what the file held is a gap of each point it may have held; latest is what is left."""
    path = next((two_days.folder / "data/date=2026-09-02").glob("*.parquet"))
    _flip(path)

    assert _said(two_days) == ["was damaged, is in quarantine"]

    assert two_days.verify() == ()
    assert rows_of(two_days) == [(1, T0, 1.0), (2, T0 + 5, 2.0)]
    assert _gaps(two_days) == [("repair", point, T0 + DAY, T0 + DAY + 1, "file damaged") for point in (1, 2, 3)]
    assert (two_days.folder / "quarantine" / f"data-date=2026-09-02-{path.name}").exists()
    with two_days.connect() as con:
        assert con.execute("SELECT point, value FROM latest ORDER BY point").fetchall() == [(1, 1.0), (2, 2.0)]


def test_a_missing_file_becomes_gaps(two_days: Store, rows_of: Callable[[Store], Rows]) -> None:
    """A file that is gone leaves the manifest, and gaps."""
    next((two_days.folder / "data/date=2026-09-01").glob("*.parquet")).unlink()

    assert _said(two_days) == ["was missing, left the manifest"]
    assert rows_of(two_days) == [(1, T0 + DAY, 3.0), (3, T0 + DAY, 4.0)]
    assert [gap[1] for gap in _gaps(two_days)] == [1, 2]


@pytest.mark.parametrize("kind", ["latest", "rollup"])
def test_what_follows_from_samples_is_made_again(two_days: Store, rows_of: Callable[[Store], Rows], kind: str) -> None:
    """Latest values and roll-ups lose nothing when their file is damaged."""
    two_days.compact()
    before = rows_of(two_days)
    latest = two_days.query("SELECT point, value FROM latest ORDER BY point").to_pylist()
    _flip(next(path for path in (two_days.folder / kind).rglob("*.parquet") if not _replaced(two_days, path)))

    assert _said(two_days) == ["was damaged, is in quarantine"]
    assert rows_of(two_days) == before
    assert two_days.query("SELECT point, value FROM latest ORDER BY point").to_pylist() == latest
    assert two_days.query("SELECT sum(n) FROM rollup_1min").to_pylist() == [{"sum(n)": 4}]
    assert _gaps(two_days) == []


def _replaced(store: Store, path: Path) -> bool:
    return path.relative_to(store.folder).as_posix() in store._manifest().removed


@pytest.mark.parametrize("line", [0, 1])
def test_a_manifest_without_one_of_its_lines_gets_the_samples_back(
    two_days: Store, rows_of: Callable[[Store], Rows], line: int
) -> None:
    """A damaged line of the manifest is noticed before anything is read, and repair finds the files it named."""
    before = rows_of(two_days)
    path = two_days.folder / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"samples", b"simples")
    path.write_bytes(b"".join(lines))
    with pytest.raises(StoreDamaged, match="is damaged, expected its checksum"):
        two_days.connect()

    assert _said(two_days)[0] == "{lost} damaged lines taken out, the file as it was is in quarantine"
    assert rows_of(two_days) == before
    assert two_days.verify() == ()
    assert _gaps(two_days) == []


def test_a_manifest_cut_at_the_end_of_a_line_is_noticed(two_days: Store, rows_of: Callable[[Store], Rows]) -> None:
    """Files that the manifest no longer knows stop every reader until they are taken back."""
    before = rows_of(two_days)
    path = two_days.folder / "manifest.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    with pytest.raises(StoreDamaged, match="was sealed by this store but the manifest lost it; run store repair"):
        two_days.connect()
    assert _said(two_days).count("the manifest had lost it; what it holds is back") == 2
    assert rows_of(two_days) == before


def test_a_lost_merge_is_undone_or_found_again(two_days: Store, rows_of: Callable[[Store], Rows]) -> None:
    """When the manifest forgets a merge whose sources are gone, the merged files bring everything back."""
    before = rows_of(two_days)
    manifest = two_days.folder / "manifest.jsonl"
    kept = manifest.read_bytes()
    sources = list((two_days.folder / "data").rglob("*.parquet"))
    two_days.compact()
    for path in sources:
        path.unlink()
    manifest.write_bytes(kept)

    assert "was missing, left the manifest" in _said(two_days)
    assert rows_of(two_days) == before
    assert _gaps(two_days) == []
    assert two_days.verify() == ()


def test_the_catalogue_has_a_copy(two_days: Store, point: Callable[[int], CataloguePoint]) -> None:
    """A damaged catalogue is made whole from its copy; no id changes."""
    path = two_days.folder / "catalogue.jsonl"
    before = path.read_bytes()
    _flip(path, 60)
    with pytest.raises(StoreDamaged, match=r"catalogue.jsonl: line 1 is damaged"):
        two_days.connect()

    assert _said(two_days) == ["{lost} damaged lines taken out, the file as it was is in quarantine"]
    assert path.read_bytes() == before
    assert two_days.register([point(3)]) == [3]


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "in the journal"])
def test_numbers_of_points_that_the_catalogue_lost_are_not_given_again(
    two_days: Store, point: Callable[[int], CataloguePoint], *, sealed: bool
) -> None:
    """Without the catalogue and its copy samples are nameless, and stay so: no other point gets their number."""
    if not sealed:
        (two_days.folder / "manifest.jsonl").unlink()
        shutil.rmtree(two_days.folder / "data")
        _segment(two_days, 77, [(T0, 1.0)])
    (two_days.folder / "catalogue.jsonl").unlink()
    (two_days.folder / "catalogue.copy.jsonl").unlink()
    store = Store(two_days.folder, now=lambda: T0)

    assert store.register([point(9), point(8), point(9)]) == [4, 5, 4]
    assert store.register([point(7)]) == [6]


def test_nameless_samples_are_told(two_days: Store) -> None:
    """A catalogue that lost its points is a problem to see, though nothing can be repaired."""
    (two_days.folder / "catalogue.jsonl").unlink()
    (two_days.folder / "catalogue.copy.jsonl").unlink()

    (problem,) = Store(two_days.folder).status().problems
    assert str(problem).endswith("does not know all points that have samples, up to 3; put it back from a backup")


def test_the_catalogue_of_another_store_names_no_samples(
    two_days: Store, tmp_path: Path, point: Callable[[int], CataloguePoint], run: Callable[..., Run]
) -> None:
    """A catalogue that its copy contradicts is refused by readers, writers and the repair, and changes nothing."""
    other = Store(tmp_path / "other", now=lambda: T0)
    other.register([point(number) for number in range(6, 12)])
    for number in range(6):
        with other.writer(run(f"other-{number}")):
            pass
    copy = two_days.folder / "catalogue.copy.jsonl"
    before = copy.read_bytes()
    shutil.copy(other.folder / "catalogue.jsonl", two_days.folder / "catalogue.jsonl")
    store = Store(two_days.folder, now=lambda: T0)

    for work in (store.connect, store.repair, lambda: store.register([point(1)])):
        with pytest.raises(StoreDamaged, match=r"catalogue\.jsonl: tells something else than its copy"):
            work()
    assert copy.read_bytes() == before


def test_a_damaged_journal_gives_what_is_whole(
    two_days: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch], rows_of: Callable[[Store], Rows]
) -> None:
    """Whole records are sealed, the segment is kept in quarantine, and its points have a gap."""
    before = rows_of(two_days)
    segment = SegmentWriter(two_days._disk, two_days.folder / "journal", 77, run("run-3"))
    places = []
    for step in range(3):
        places.append(segment.size)
        record = from_batch(batch([(4, T0 + 2 * DAY + step, float(step)), (5, T0 + 2 * DAY + step, 0.5)]))
        segment.append(Kind.SAMPLES, to_payload(record))
        segment.commit()
    segment._file.close()
    _flip(segment.path, places[1] + 50)

    assert _said(two_days) == ["the whole records are sealed, the segment is in quarantine"]
    assert rows_of(two_days) == before + [
        (point, T0 + 2 * DAY + step, float(step) if point == 4 else 0.5) for point in (4, 5) for step in (0, 2)
    ]
    assert _gaps(two_days) == [("repair", point, T0 + 2 * DAY, T0 + 2 * DAY + 3, "journal damaged") for point in (4, 5)]
    assert (two_days.folder / "quarantine" / f"journal-{segment.path.name}").exists()
    assert two_days.verify() == ()


@pytest.mark.parametrize("damaged", [False, True], ids=["whole journal", "damaged journal"])
def test_what_a_cut_off_sealing_left_is_repaired_at_once(
    two_days: Store, tmp_path: Path, rows_of: Callable[[Store], Rows], *, damaged: bool
) -> None:
    """Files without their line in the manifest, with their segment still there: one repair gives every sample once."""
    name = _segment(two_days, 77, [(T0 + step, step / 7) for step in range(3)]).name
    cut = Store(tmp_path / "cut off", now=lambda: T0)
    shutil.copytree(two_days.folder, cut.folder)
    two_days.seal()
    for folder in ("data", "latest"):
        shutil.copytree(two_days.folder / folder, cut.folder / folder, dirs_exist_ok=True)
    _segment(cut, 78, [(T0 + 9, 9.0)])  # it is sealed together with the other one
    if damaged:
        _flip(cut.folder / "journal" / name, 900)

    cut.repair()

    assert cut.verify() == ()
    assert rows_of(cut) == sorted([*rows_of(two_days), (3, T0 + 9, 9.0)])


def _segment(store: Store, number: int, samples: list[tuple[int, float]]) -> Path:
    """A closed segment of the journal with *samples* of point 3, a record each."""
    segment = SegmentWriter(store._disk, store.folder / "journal", number, RUN)
    for time, value in samples:
        record = from_batch(SampleBatch(np.array([3]), np.array([time]), np.array([value]), np.zeros(1, np.int8)))
        segment.append(Kind.SAMPLES, to_payload(record))
        segment.commit()
    segment.close()
    return segment.path


def test_lost_ledgers_come_back(two_days: Store, run: Callable[..., Run]) -> None:
    """Gaps and losses that only the manifest lost are read again."""
    with two_days.writer(run("run-3")) as writer:
        writer.gap(Gap(1, T0, T0 + 1, "outage"))
        writer.loss(LossEntry(1, 5))
    path = two_days.folder / "manifest.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))

    _said(two_days)
    assert _gaps(two_days) == [("run-3", 1, T0, T0 + 1, "outage")]
    assert two_days.query("SELECT delivered FROM loss_ledger").to_pylist() == [{"delivered": 5}]


@pytest.mark.parametrize("line", [0, 1, 2, None])
@pytest.mark.parametrize("merged", [False, True])
def test_of_two_values_of_one_moment_the_later_comes_back(
    wrote: Callable[..., Store], rows_of: Callable[[Store], Rows], line: int | None, *, merged: bool
) -> None:
    """Whichever line of the manifest is lost, or all of them: a sample that replaced another one stays, the replaced one is not back."""
    store = wrote([(1, T0, 1.0), (1, T0 + 1, 1.0)], "run-1")
    if merged:
        store.compact()
    wrote([(1, T0, 2.0)], "run-2")
    wrote([(1, T0, 3.0), (2, T0, 1.0)], "run-3")
    before = rows_of(store)
    path = store.folder / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    if line is not None:
        lines[line] = lines[line].replace(b"removes", b"removed")
    path.write_bytes(b"" if line is None else b"".join(lines))

    _said(store)
    assert rows_of(store) == before == [(1, T0, 3.0), (1, T0 + 1, 1.0), (2, T0, 1.0)]
    assert store.verify() == ()
    assert _said(store) == []
