"""A package's rows and fields against its own papers: what hashes alone cannot tell."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import SealError
from factory_kit.i18n import N_
from factory_kit.model.product import DataProduct
from factory_kit.pack.build import arrow_schema
from factory_kit.pack.quality import same_columns
from factory_kit.seal.findings import Finding, What
from factory_kit.seal.verify import Sealed, open_sealed

__all__ = ["PACKAGE_KIND", "package_findings"]

PACKAGE_KIND = "data-package"


def package_findings(path: Path) -> list[Finding]:
    """Where rows, fields and papers of the sealed package at *path* disagree; ``Altered`` when it is not what was sealed."""
    sealed = open_sealed(path)
    if sealed.manifest.kind != PACKAGE_KIND:
        raise SealError("{file}: is a sealed {kind}, not a data package", file=path.name, kind=sealed.manifest.kind)
    paper = sealed.read_json("product.json")
    product = DataProduct.model_validate_json(json.dumps(paper["product"]), strict=False)
    parts = [name for name in sealed.names if name.startswith("data/")]
    return [*_part_findings(sealed, parts, product, int(paper["rows"])), *_paper_findings(sealed, product)]


def _part_findings(sealed: Sealed, parts: list[str], product: DataProduct, expected: int) -> list[Finding]:
    schema = arrow_schema(product)
    findings, rows = [], 0
    for name in parts:
        try:
            with _part(sealed, name) as source:
                file = pq.ParquetFile(source)
                rows += file.metadata.num_rows
                if not same_columns(file.schema_arrow, schema):
                    findings.append(_finding(name, N_("{file}: its columns are not those of product.json")))
        except pa.ArrowInvalid as error:
            reason = str(error).splitlines()[0]
            findings.append(_finding(name, N_("{file}: is no Parquet file ({reason})"), reason=reason))
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


def _paper_findings(sealed: Sealed, product: DataProduct) -> list[Finding]:
    names = [field.name for field in product.fields]
    package = [field["name"] for field in sealed.read_json("datapackage.json")["resources"][0]["schema"]["fields"]]
    croissant = [field["name"] for field in sealed.read_json("croissant.json")["recordSet"][0]["field"]]
    found = (("datapackage.json", package), ("croissant.json", croissant))
    return [
        _finding(name, N_("{file}: its fields are not those of product.json"))
        for name, fields in found
        if fields != names
    ]


def _finding(file: str, message: str, **details: object) -> Finding:
    return Finding(file, What.ALTERED, message, {"file": file, **details})
