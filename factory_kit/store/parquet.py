"""Sealed files: Parquet written once, aside, then renamed to a name that holds the first signs of its own sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factory_kit.store.disk import Disk, OutFile, told

__all__ = ["FileKind", "Sealed", "read", "sha256_of", "write"]

ROW_GROUP = 1_000_000
TIMES = ("time", "server_time", "received_time")
NAMES = ("text", "origin", "run")
FileKind = Literal["samples", "gaps", "loss"]


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

    def as_entry(self) -> dict[str, Any]:
        """The line of the manifest."""
        return asdict(self)


class _Hashing:
    """What pyarrow writes to: each byte goes to the file and through the hash."""

    def __init__(self, file: OutFile) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.closed = False

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.size

    def flush(self) -> None:
        """Nothing is held back."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def write(disk: Disk, aside: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> tuple[str, int]:
    """*tables*, one after the other, as one Parquet file at *aside*, durable; its sha256 and size."""
    with told(aside):
        file = disk.create(aside)
        try:
            sink = _Hashing(file)
            with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, **_options(schema)) as writer:
                for table in tables:
                    writer.write_table(table, row_group_size=ROW_GROUP)
            file.sync()
            return sink.sha256.hexdigest(), file.size
        except BaseException:
            disk.remove(aside)
            raise
        finally:
            file.close()


def read(path: Path, columns: list[str] | None = None, filters: pc.Expression | None = None) -> pa.Table:
    """Rows of a sealed file, each page checked against its checksum."""
    with told(path):
        return pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True, partitioning=None)


def sha256_of(path: Path) -> str:
    """The sha256 of a file as it lies on the disk."""
    with told(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def point_groups(path: Path) -> Iterator[tuple[int, int]]:
    """First and last point of each row group."""
    meta = pq.read_metadata(path)
    for group in range(meta.num_row_groups):
        statistics = meta.row_group(group).column(0).statistics
        yield statistics.min, statistics.max


def _options(schema: pa.Schema) -> dict[str, Any]:
    """How each column is laid out: data_engine figures, measured again by benchmarks/store.py."""
    encodings = {name: "DELTA_BINARY_PACKED" for name in TIMES if name in schema.names}
    if "value" in schema.names:
        encodings["value"] = "PLAIN"
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [name for name in schema.names if name not in encodings],
        "column_encoding": encodings,
        "write_page_checksum": True,
        "write_page_index": True,
        "store_schema": False,
        "sorting_columns": pq.SortingColumn.from_ordering(schema, [("point", "ascending"), ("time", "ascending")])
        if "time" in schema.names
        else None,
    }
