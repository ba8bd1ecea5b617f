"""docs/store-format.md, read by a reader that knows nothing else: what it says is how it is."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.columns import SAMPLES, empty_column, lightened, same_column
from factory_kit.store.seal import _taken

T0 = 1_788_220_800_000_000
SECOND = 1_000_000
DOC = Path(__file__).parents[2] / "docs" / "store-format.md"

COLUMNS: list[tuple[str, Any]] = [
    ("point", pa.int32()),
    ("time", pa.timestamp("us")),
    ("value", pa.float64()),
    ("text", pa.string()),
    ("quality", pa.int8()),
    ("status", pa.int64()),
    ("server_time", pa.timestamp("us")),
    ("received_time", pa.timestamp("us")),
]
ABSENT = ["value", "text", "status", "server_time", "received_time"]


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, as its definition says."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, each compared with its checksum."""
    entries = []
    for line in path.read_bytes().splitlines():
        assert line[:8] == b"%08x" % crc32c(line[9:])
        assert line[8:9] == b" "
        entries.append(json.loads(line[9:]))
    return entries


def frames(path: Path) -> list[tuple[int, bytes]]:
    """Kind and payload of every frame of a segment."""
    data = path.read_bytes()
    identity = bytes.fromhex(path.stem.split("-")[1])
    assert data[:16] == b"FKJRNL\x00\x01" + identity
    found, at = [], 16
    while at < len(data):
        mark, kind, length, number, _synced, crc = struct.unpack_from("<4sB3xIIQ4xI", data, at)
        payload = data[at + 32 : at + 32 + length]
        assert (mark, number, length % 8) == (b"\xf5FK\n", len(found), 0)
        assert crc == crc32c(identity + data[at : at + 28] + payload)
        found.append((kind, payload))
        at += 32 + length
    return found


def samples_of(path: Path) -> list[tuple[Any, ...]]:
    """All samples of a segment in the order in which they arrived."""
    read = frames(path)
    run = json.loads(next(payload for kind, payload in read if kind == 1))
    rows = []
    for kind, payload in read:
        if kind == 2:
            bits = int.from_bytes(payload[:8], "little")
            absent = {name for bit, name in enumerate(ABSENT) if bits >> bit & 1}
            schema = pa.schema([column for column in COLUMNS if column[0] not in absent])
            batch = pa.ipc.read_record_batch(pa.py_buffer(payload[8:]), schema)
            rows += [
                (*(row.get(name) for name, _ in COLUMNS), run["origin"], run["id"])
                for row in pa.Table.from_batches([batch]).to_pylist()
            ]
    return rows


def everything(folder: Path) -> list[tuple[Any, ...]]:
    """All samples of a store, each once, as the page says."""
    files: dict[str, dict[str, Any]] = {}
    sealed: set[str] = set()
    for change in log(folder / "manifest.jsonl"):
        for path in change["removes"]:
            files.pop(path, None)
        files.update({each["path"]: each for each in change["adds"]})
        sealed.update(change["segments"])
    found: dict[tuple[int, Any], tuple[Any, ...]] = {}
    for path, entry in files.items():
        data = (folder / path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert Path(path).stem.endswith(f"-{entry['sha256'][:12]}")
        if entry["kind"] == "samples":
            names = [*(name for name, _ in COLUMNS), "origin", "run"]
            for row in pq.read_table(folder / path, partitioning=None).to_pylist():
                key = row["point"], row["time"]
                assert key not in found
                found[key] = tuple(row[name] for name in names)
    for path in sorted((folder / "journal").glob("*.seg")):
        if path.name not in sealed:
            found.update({(row[0], row[1]): row for row in samples_of(path)})
    return [found[key] for key in sorted(found)]


def _batch(start: int, value: float, *, rich: bool = False) -> SampleBatch:
    time = np.array([start, start, start + SECOND], np.int64)
    plain = SampleBatch(np.array([1, 2, 1], np.int32), time, np.full(3, value), np.zeros(3, np.int8))
    if not rich:
        return plain
    return replace(
        plain,
        quality=np.array([0, 2, 1], np.int8),
        has_value=np.array([True, False, True]),
        text=["运行", None, None],
        status=np.array([0, 0x80370000, 0x40000000], np.int64),
        server_time=time + 7,
        received_time=np.full(3, start + 123, np.int64),
    )


def test_a_reader_that_knows_only_the_page_reads_the_same(store: Store) -> None:
    """Logs, segments, sealed and merged files, twins and gaps: the page is enough, and DuckDB's views say the same."""
    for number in range(2):
        with store.writer(Run(f"run-{number}", T0, Origin.LIVE, "demo", "test")) as writer:
            writer.append(_batch(T0 + number * 3600 * SECOND, float(number), rich=number == 0))
            writer.gap(Gap(1, T0, T0 + 5, "line down"))
            writer.loss(LossEntry(1, 3))
        store.compact() if number == 0 else None
    with store.writer(Run("open", T0, Origin.LIVE, "demo", "test")) as writer:
        writer.append(_batch(T0 + 3601 * SECOND, 9.0, rich=True))
        writer.append(_batch(T0 + 3601 * SECOND, 8.0))
        writer.flush()
        ours = everything(store.folder)
        kinds = [kind for kind, _ in frames(next((store.folder / "journal").glob("*.seg")))]
        with Store(store.folder).connect() as con:
            theirs = con.execute("SELECT * FROM samples ORDER BY point, time").fetchall()

    assert ours == theirs
    assert len(ours) == 8
    assert kinds[:4] == [1, 1, 2, 2]
    assert {each["kind"] for each in log(store.folder / "catalogue.jsonl")} >= {"points", "run", "run ended"}


def test_the_checksum_covers_the_last_byte_of_a_long_record(store: Store) -> None:
    """A record of more than one piece of 64 KiB has the checksum that the page gives, not only one that we accept ourselves."""
    count = 5000
    batch = SampleBatch(
        np.ones(count, np.int32),
        T0 + np.arange(count),
        np.random.default_rng(1).random(count),
        np.zeros(count, np.int8),
    )
    with store.writer(Run("run", T0, Origin.LIVE, "demo", "test")) as writer:
        writer.append(batch)
        writer.flush()
        read = frames(next((store.folder / "journal").glob("*.seg")))

    assert max(len(payload) for _, payload in read) > 1 << 16


def test_the_page_names_every_key_of_the_logs_and_every_column(store: Store) -> None:
    """What a log or a sealed file holds is explained on the page."""
    with store.writer(Run("run", T0, Origin.LIVE, "demo", "test")) as writer:
        writer.append(_batch(T0, 1.0, rich=True))
        writer.gap(Gap(1, T0, T0 + 5, "line down"))
        writer.loss(LossEntry(1, 3))
    store.compact()
    text = DOC.read_text("utf-8")
    explained = set(re.findall(r"`([a-z0-9_]+)`", text))

    used = {key for name in ("manifest", "catalogue") for entry in log(store.folder / f"{name}.jsonl") for key in entry}
    manifest, catalogue = log(store.folder / "manifest.jsonl"), log(store.folder / "catalogue.jsonl")
    used |= {key for change in manifest for each in change["adds"] for key in each}
    used |= {key for entry in catalogue for point in entry.get("points", ()) for key in point}
    for change in manifest:
        for each in change["adds"]:
            if (store.folder / each["path"]).exists():
                used |= set(pq.read_schema(store.folder / each["path"]).names)
    assert used - explained == set()


def test_a_changed_scale_is_a_new_entry(store: Store) -> None:
    """A connector that scales otherwise from now on changes nothing about what the old samples were."""
    before = CataloguePoint("m1", "load", "spindle_load", "%", "float64", "ns=1;i=1", "cnc", "1", "line")
    store.register([replace(before, scale="0.1", connector_version="2")])

    with Store(store.folder).connect() as con:
        found = con.execute(
            'SELECT connector_version, scale, "offset" FROM points_history WHERE point = 1 ORDER BY since'
        ).fetchall()

    assert found == [("1", "1", "0"), ("2", "0.1", "0")]


def test_constant_columns_share_their_memory() -> None:
    """However many rows: what says the same in each takes no room of its own, read for merging or put in order."""
    many = 10_000
    constant = pa.table(
        {
            each.name: same_column("x", many) if each.name in {"origin", "run"} else empty_column(each.type, many)
            for each in SAMPLES
            if each.name not in {"point", "time", "value", "quality"}
        }
    )
    copied = pa.Table.from_batches([constant.take(pa.array(range(many))).to_batches()[0]])

    for made in (
        lightened(copied),
        pa.table([_taken(each, pa.array(range(many))) for each in copied.columns], copied.schema.names),
    ):
        assert made == constant
        assert _addresses(made) <= _addresses(constant)


def _addresses(table: pa.Table) -> set[int]:
    return {
        buffer.address
        for column in table.columns
        for buffer in column.chunk(0).buffers()[:2]
        if buffer is not None and buffer.size > 1000
    }
