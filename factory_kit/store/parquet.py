"""Sealed files: Parquet written once, aside, then renamed to a name that holds the first signs of its own sha256."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.store.columns import SAMPLES
from factory_kit.store.disk import Disk, OutFile, told

__all__ = [
    "NOISE",
    "QUICK",
    "ROW_GROUP",
    "SMALL",
    "FileKind",
    "FileWriter",
    "Layout",
    "Sealed",
    "opened",
    "point_groups",
    "read",
    "read_ledger",
    "sha256_of",
]

ROW_GROUP = 1 << 17
"""Rows of a group in merged files: small enough to find one point quickly."""

PART_GROUP = 1 << 14
"""Rows of a group in files fresh from the journal: small enough to merge many of them in little memory."""

HELD = 1 << 20
TIMES = ("time", "server_time", "received_time", "minute")
NAMES = ("text", "origin", "run")
FileKind = Literal["samples", "gaps", "loss", "latest", "rollup"]
ValueEncoding = Literal["PLAIN", "BYTE_STREAM_SPLIT"]
Layout = tuple[ValueEncoding, int]
"""How values are laid out, and the level of zstd."""

QUICK: Layout = ("PLAIN", 1)
SMALL: Layout = ("PLAIN", 8)
NOISE: Layout = ("BYTE_STREAM_SPLIT", 7)


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed file as the manifest names it; times are microseconds, the bounds included."""

    path: str
    kind: FileKind
    rows: int
    size: int
    sha256: str
    first: int
    last: int
    point_from: int
    point_to: int
    schema: int
    level: int = 0
    """0: written when the journal was sealed; 1: merged from such files."""
    covers: tuple[str, ...] = ()
    """Of a roll-up: the files of samples it was made from."""

    def as_entry(self) -> dict[str, Any]:
        """The line of the manifest."""
        return asdict(self)


class _Hashing:
    """What pyarrow writes to: its many small writes go to the file, and through the hash, in large ones."""

    def __init__(self, file: OutFile) -> None:
        self._file = file
        self._held = bytearray()
        self.sha256 = hashlib.sha256()
        self.closed = False
        self.deaf = False
        """What is dropped is not written any more."""

    def write(self, data: bytes) -> int:
        if self.deaf:
            return len(data)
        self._held += data
        if len(self._held) >= HELD:
            self.push()
        return len(data)

    def push(self) -> None:
        """What is held goes to the file."""
        self.sha256.update(self._held)
        self._file.write(bytes(self._held))
        self._held.clear()

    def tell(self) -> int:
        return self._file.size + len(self._held)

    def flush(self) -> None:
        """Only ``push`` gives up what is held."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


class FileWriter:
    """One Parquet file in the making at *aside*, table by table; *note* is kept inside it. Nothing stays unless ``finish`` returned."""

    def __init__(self, disk: Disk, aside: Path, schema: pa.Schema, layout: Layout, note: dict[str, str]) -> None:
        self._disk = disk
        self._schema = schema
        self._group = PART_GROUP if layout == QUICK else ROW_GROUP
        self.aside = aside
        self.rows = 0
        with told(aside):
            self._file = disk.create(aside)
        self._sink = _Hashing(self._file)
        self._stream = pa.BufferedOutputStream(pa.PythonFile(self._sink, "w"), HELD)
        self._writer = pq.ParquetWriter(self._stream, schema, **_options(schema, layout))
        self._writer.add_key_value_metadata(note)

    def add(self, table: pa.Table) -> None:
        """*table* behind what is there, in groups of its own."""
        with told(self.aside):
            self._writer.write_table(table.cast(self._schema), row_group_size=self._group)
        self.rows += len(table)

    def finish(self) -> tuple[str, int]:
        """The file is whole and durable; its sha256 and size."""
        try:
            with told(self.aside):
                self._writer.close()
                self._stream.flush()
                self._sink.push()
                self._file.sync()
                return self._sink.sha256.hexdigest(), self._file.size
        finally:
            self._file.close()

    def drop(self) -> None:
        """The file goes."""
        self._sink.deaf = True
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()
            self._stream.close()
        self._file.close()
        with contextlib.suppress(OSError):
            self._disk.remove(self.aside)


def read(path: Path, columns: list[str] | None = None, groups: Sequence[int] | None = None) -> pa.Table:
    """Rows of a sealed file of samples, of all its row groups or of *groups*, each page checked against its checksum."""
    with told(path), opened(path) as file:
        table = file.read(columns) if groups is None else file.read_row_groups(list(groups), columns)
        return table.cast(pa.schema([SAMPLES.field(name) for name in table.schema.names]))


def read_ledger(path: Path) -> pa.Table:
    """Rows of a sealed file of gaps or losses, each page checked against its checksum."""
    with told(path):
        return pq.read_table(path, page_checksum_verification=True, partitioning=None)


def opened(path: Path) -> pq.ParquetFile:
    """The file of samples at *path*, its pages to be checked against their checksums."""
    return pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=list(NAMES))


def sha256_of(path: Path) -> str:
    """The sha256 of a file as it lies on the disk."""
    with told(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def point_groups(file: pq.ParquetFile) -> list[tuple[int, int, int]]:
    """First point, last point and rows of each row group."""
    groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
    return [(group.column(0).statistics.min, group.column(0).statistics.max, group.num_rows) for group in groups]


def _options(schema: pa.Schema, layout: Layout) -> dict[str, Any]:
    """How each column is laid out; benchmarks/store.py measures it."""
    encodings: dict[str, str] = {name: "DELTA_BINARY_PACKED" for name in TIMES if name in schema.names}
    if "value" in schema.names:
        encodings["value"] = layout[0]
    quick = layout == QUICK  # read once or twice before it is merged
    order = [("point", "ascending"), ("time", "ascending")]
    ordered = all(name in schema.names for name, _ in order)
    return {
        "compression": "zstd",
        "compression_level": layout[1],
        "use_dictionary": [name for name in NAMES if name in schema.names]
        if quick
        else [name for name in schema.names if name not in encodings],
        "write_statistics": [name for name in schema.names if name not in NAMES] if quick else True,
        "column_encoding": encodings,
        "write_page_checksum": True,
        "write_page_index": True,
        "store_schema": False,
        "sorting_columns": pq.SortingColumn.from_ordering(schema, order) if ordered else None,
    }
