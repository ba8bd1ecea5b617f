"""Whose copy a leaked file is: a Parquet or CSV file, or a whole package, compared with the unmarked original."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from factory_kit.errors import FactoryKitError, UsageError
from factory_kit.load.product import ProductTemplate
from factory_kit.pack.release import Recipient
from factory_kit.pack.watermark import Residuals, Trace, mark_key, residuals, trace
from factory_kit.seal.archive import checked_zip
from factory_kit.seal.container import Limits
from factory_kit.store.views import quoted

__all__ = ["trace_file"]

MICRO = 1_000_000
TEXTS = (".csv", ".txt", ".tsv")
PAPERS = ("papers", "sample")
"""Folders of a package that hold no rows, or only the first ones."""
LARGE = Limits(files=10_000, total_bytes=64 << 30, ratio=1_000)
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def trace_file(
    leaked: Path,
    original: Sequence[Path],
    template: ProductTemplate,
    register: Sequence[Recipient],
    master: bytes,
    package_sha256: str,
) -> list[Trace]:
    """What the key of every recipient of this package says about *leaked*; the most telling first.

    *leaked* is a Parquet or CSV file, or a zip file or folder that holds some; *original* are the unmarked parts. ``FactoryKitError``
    when it lacks the columns of time and groups, or any marked field.
    """
    product, expected = template.product, template.checks.expected
    if product.watermark is None:
        raise UsageError(
            "{product}: has no watermark in product.yaml, so copies cannot be told apart; give out the package itself, or add fields that may carry one under watermark and build anew",
            product=product.product,
        )
    window = product.watermark.window_s * MICRO
    found: list[Residuals] = []
    with duckdb.connect() as con, _tables_of(leaked) as tables:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"CREATE VIEW original AS SELECT * FROM read_parquet({_list(original)})")  # noqa: S608
        fields = _columns(con, leaked.name, tables, (expected.time, *expected.per), tuple(product.watermark.fields))
        _require_times(con, leaked.name, expected.time)
        for group in _groups(con, expected.per):
            for name in fields:
                one, other = (
                    _arrays(con, table, expected.time, expected.per, group, name) for table in ("original", "leaked")
                )
                if len(other[0]):
                    found.append(residuals(f"{group}|{name}", one, other, window))
    names = {
        each.recipient
        for each in register
        if (each.product, each.version, each.package_sha256) == (product.product, product.version, package_sha256)
    }
    return trace(found, {name: mark_key(master, product.product, product.version, name) for name in sorted(names)})


@contextmanager
def _tables_of(leaked: Path) -> Iterator[list[Path]]:
    """The files with rows in *leaked*: itself, or those of the zip file or folder it is, unpacked nowhere but aside."""
    if leaked.is_dir():
        yield _rows_below(leaked)
        return
    with leaked.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    if not zipped:
        yield [leaked]
        return
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside, checked_zip(leaked, LARGE) as archive:
        for name in archive.namelist():
            if _has_rows(PurePosixPath(name)):
                target = Path(aside) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
        yield _rows_below(Path(aside))


def _rows_below(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and _has_rows(PurePosixPath(*path.relative_to(folder).parts))
    )
    parquet = [path for path in found if path.suffix == ".parquet"]
    return parquet or found


def _has_rows(name: PurePosixPath) -> bool:
    return name.suffix.lower() in (".parquet", *TEXTS) and not set(name.parts[:-1]) & set(PAPERS)


def _list(files: Sequence[Path]) -> str:
    return "[" + ", ".join(quoted(str(file)) for file in files) + "]"


def _columns(
    con: duckdb.DuckDBPyConnection, name: str, tables: Sequence[Path], needed: Sequence[str], fields: Sequence[str]
) -> list[str]:
    """The marked fields there are in *tables* of the leaked file *name*, which become a view."""
    if not tables:
        raise FactoryKitError("{file}: holds no Parquet and no CSV file", file=name)
    reader = "read_csv" if tables[0].suffix.lower() in TEXTS else "read_parquet"
    try:
        con.execute(f"CREATE VIEW leaked AS SELECT * FROM {reader}({_list(tables)})")  # noqa: S608
        there = {str(row[0]) for row in con.execute("DESCRIBE leaked").fetchall()}
    except duckdb.Error as error:
        raise FactoryKitError(
            "{file}: is neither Parquet nor CSV ({reason})", file=name, reason=" ".join(str(error).split())
        ) from error
    missing = [each for each in needed if each not in there]
    marked_ones = [each for each in fields if each in there]
    if missing or not marked_ones:
        raise FactoryKitError(
            "{file}: lacks the columns {names}; name them as in the data dictionary",
            file=name,
            names=", ".join(missing or fields),
        )
    return marked_ones


def _require_times(con: duckdb.DuckDBPyConnection, name: str, time: str) -> None:
    """``FactoryKitError`` where the leaked file *name* has rows and not one *time* that can be read; single ones may be spoiled."""
    count = f'SELECT count("{time}"), count({_moment(time)}) FROM leaked'  # noqa: S608
    there, read = con.execute(count).fetchall()[0]
    if not there or read:
        return
    try:
        con.execute(f'SELECT max(CAST("{time}" AS TIMESTAMPTZ)) FROM leaked').fetchall()  # noqa: S608
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise FactoryKitError("{file}: cannot be read ({reason})", file=name, reason=reason) from error


def _moment(time: str) -> str:
    """The moment in the column *time*, NULL where it is none."""
    return f'TRY_CAST("{time}" AS TIMESTAMPTZ)'


def _groups(con: duckdb.DuckDBPyConnection, per: Sequence[str]) -> list[str]:
    if not per:
        return [""]
    group = _group(per)
    both = f"SELECT DISTINCT {group} AS g FROM original INTERSECT SELECT DISTINCT {group} FROM leaked ORDER BY g"  # noqa: S608
    rows = con.execute(both).fetchall()
    return [str(row[0]) for row in rows]


def _group(per: Sequence[str]) -> str:
    return "concat_ws('|', " + ", ".join(f'CAST("{name}" AS VARCHAR)' for name in per) + ")" if per else "''"


def _arrays(
    con: duckdb.DuckDBPyConnection, table: str, time: str, per: Sequence[str], group: str, field: str
) -> tuple[Ints, Floats]:
    sql = (
        f'SELECT epoch_us({_moment(time)}) AS t, TRY_CAST("{field}" AS DOUBLE) AS v FROM {table} '  # noqa: S608
        f'WHERE {_group(per)} = ? AND "{field}" IS NOT NULL AND t IS NOT NULL ORDER BY t'
    )
    got: dict[str, Any] = con.execute(sql, [group]).fetchnumpy()
    return np.ma.filled(got["t"], 0).astype(np.int64), np.ma.filled(got["v"].astype(np.float64), np.nan)
