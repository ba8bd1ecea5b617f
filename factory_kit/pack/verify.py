"""A package as whoever got it checks it, with nothing but the package: bytes and signatures, then rows and fields against its own papers."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import SealError
from factory_kit.i18n import N_
from factory_kit.model.product import DataProduct
from factory_kit.pack.schema import arrow_schema, same_columns
from factory_kit.seal.archive import checked_zip, opened_zip
from factory_kit.seal.container import Limits
from factory_kit.seal.findings import Finding, What
from factory_kit.seal.paths import MANIFEST
from factory_kit.seal.ring import KeyRing
from factory_kit.seal.verify import Report, Sealed, open_sealed, verify

__all__ = ["PACKAGE_KIND", "Verified", "package_findings", "verify_package"]

PACKAGE_KIND = "data-package"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time all files have in the zip form of the seal."""
LARGE = Limits(files=10_000, total_bytes=64 << 30, ratio=1_000)

MALFORMED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)
"""What comes of a paper that is JSON and nothing else that was expected: somebody else may have written and sealed it."""
Told = tuple[list[list[str]], dict[str, str]]


@dataclass(frozen=True)
class Verified:
    """What a check of a package found: the report on bytes and signatures, and where rows, fields and papers disagree."""

    report: Report
    findings: tuple[Finding, ...]
    repacked: bool
    """Whether another program packed the zip file: then its files were checked as a folder, and its headers were not."""

    @property
    def ok(self) -> bool:
        """Whether nothing at all is wrong."""
        return self.report.ok and not self.findings


def verify_package(path: Path, trusted: KeyRing | None = None) -> Verified:
    """What is wrong with the package at *path*: the sealed zip file, the folder it was unpacked to, or a zip file of that folder.

    Every byte is read once. ``SealError`` when nothing can be read there, or it is sealed but no data package.
    """
    with _unpacked(path) as (place, repacked):
        report = verify(place, trusted)
        manifest = report.manifest
        if manifest is None or not report.intact:
            return Verified(report, (), repacked)
        return Verified(report, tuple(_content_findings(Sealed(place, manifest, report))), repacked)


def package_findings(path: Path) -> list[Finding]:
    """Where rows, fields and papers of the sealed package at *path* disagree; ``Altered`` when it is not what was sealed."""
    return _content_findings(open_sealed(path))


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Path, bool]]:
    """*path* itself; the folder inside where it is a zip file that another program made of an unpacked package."""
    if not _by_another_program(path):
        yield path, False
        return
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside, checked_zip(path, LARGE) as archive:
        folder = Path(aside) / path.stem
        for entry in archive.infolist():
            if not entry.is_dir():
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("xb") as copy:
                    shutil.copyfileobj(source, copy)
        yield next((each.parent for each in sorted(folder.glob(f"*/{MANIFEST}"))), folder), True


def _by_another_program(path: Path) -> bool:
    """Whether *path* is a zip file none of whose parts looks as the seal writes it: compressed, or with the times of files."""
    try:
        with opened_zip(path, LARGE) as archive:
            entries = archive.infolist()
    except SealError:
        return False
    return bool(entries) and all(
        entry.date_time != EPOCH or entry.compress_type != zipfile.ZIP_STORED for entry in entries
    )


def _content_findings(sealed: Sealed) -> list[Finding]:
    if sealed.manifest.kind != PACKAGE_KIND:
        raise SealError(
            "{file}: is a sealed {kind}, not a data package", file=sealed.path.name, kind=sealed.manifest.kind
        )
    paper = sealed.read_json("product.json")
    try:
        product = DataProduct.model_validate_json(json.dumps(paper["product"]), strict=False)
        rows = int(paper["rows"])
    except MALFORMED as error:
        return [_unreadable("product.json", N_("{file}: cannot be read ({reason})"), error)]
    parts = [name for name in sealed.names if name.startswith("data/")]
    return [*_part_findings(sealed, parts, product, rows), *_paper_findings(sealed, parts, product)]


def _part_findings(sealed: Sealed, parts: Sequence[str], product: DataProduct, expected: int) -> list[Finding]:
    schema = arrow_schema(product)
    findings, rows = [], 0
    for name in parts:
        try:
            with _part(sealed, name) as source:
                file = pq.ParquetFile(source)
                rows += file.metadata.num_rows
                if not same_columns(file.schema_arrow, schema):
                    findings.append(_finding(name, N_("{file}: its columns are not those of product.json")))
        except (pa.ArrowException, OSError, ValueError) as error:
            findings.append(_unreadable(name, N_("{file}: is no Parquet file ({reason})"), error))
    if rows != expected:
        findings.append(
            _finding(
                "product.json", N_("{file}: says {expected} rows, the data has {rows}"), expected=expected, rows=rows
            )
        )
    return findings


@contextmanager
def _part(sealed: Sealed, name: str) -> Iterator[IO[bytes]]:
    """The part *name*, whose bytes were verified just now, to be read where it lies: only its end is looked at."""
    if sealed.path.is_dir():
        with (sealed.path / name).open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(sealed.path) as archive, archive.open(name) as file:
        yield file


def _paper_findings(sealed: Sealed, parts: Sequence[str], product: DataProduct) -> Iterator[Finding]:
    """Papers that name other fields, other parts or other hashes than there are."""
    names = [field.name for field in product.fields]
    hashes = {file.path: file.sha256 for file in sealed.manifest.files if file.path in set(parts)}
    for name, told in TOLD.items():
        paper = sealed.read_json(name)
        try:
            fields, found = told(paper)
        except MALFORMED as error:
            yield _unreadable(name, N_("{file}: cannot be read ({reason})"), error)
            continue
        if any(each != names for each in fields):
            yield _finding(name, N_("{file}: its fields are not those of product.json"))
        if found != hashes:
            yield _finding(name, N_("{file}: names other parts or hashes than there are"))


def _datapackage(paper: Any) -> Told:
    package = paper["resources"]
    return (
        [[field["name"] for field in part["schema"]["fields"]] for part in package],
        {part["path"]: part["hash"].removeprefix("sha256:") for part in package},
    )


def _croissant(paper: Any) -> Told:
    return (
        [[field["name"] for field in paper["recordSet"][0]["field"]]],
        {part["contentUrl"]: part["sha256"] for part in paper["distribution"] if "sha256" in part},
    )


TOLD: Mapping[str, Callable[[Any], Told]] = {"datapackage.json": _datapackage, "croissant.json": _croissant}
"""The fields of each table, and the hash of each part, as a paper names them."""


def _finding(file: str, message: str, **details: object) -> Finding:
    return Finding(file, What.ALTERED, message, {"file": file, **details})


def _unreadable(file: str, message: str, error: Exception) -> Finding:
    """*message* with the first line of *error*, whoever raised it."""
    return _finding(file, message, reason=next(iter(str(error).splitlines()), type(error).__name__))
