"""From the store to the folder of a data product: rows, then every paper that a program reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit import __version__
from factory_kit.errors import FactoryKitError, QueryError, UsageError
from factory_kit.files import atomic_path
from factory_kit.load.product import ProductTemplate
from factory_kit.model.product import DataProduct, FieldType, Grading
from factory_kit.model.sample import Origin
from factory_kit.model.site import Site
from factory_kit.pack.pseudonyms import key_fingerprint, pseudonyms
from factory_kit.pack.quality import QualityRow, Scope, assess_quality
from factory_kit.store import Store

__all__ = ["Built", "Span", "arrow_schema", "as_json", "build_rows", "require_grading"]

ARROW: Mapping[FieldType, pa.DataType] = {
    "timestamp": pa.timestamp("us", tz="UTC"), "string": pa.string(), "integer": pa.int64(), "decimal": pa.float64(), "number": pa.float64(),
    "boolean": pa.bool_(),
}  # fmt: skip
DUCKDB: Mapping[FieldType, str] = {
    "timestamp": "TIMESTAMP", "string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN",
}  # fmt: skip
ROWS_AT_ONCE = 122_880
REACH = timedelta(hours=1)
"""How far a recipe may read beyond its span, to see what a counter grew by across its edges."""


@dataclass(frozen=True)
class Span:
    """Whole days, half open, as times in UTC (naive)."""

    begins: datetime
    ends: datetime

    def __post_init__(self) -> None:
        """Refuse a span without length."""
        if self.ends <= self.begins:
            raise UsageError("the interval ends before it begins; give --from before --to")


@dataclass(frozen=True)
class Built:
    """What was built: the folder, the template, its parts, rows, groups, quality and provenance."""

    folder: Path
    template: ProductTemplate
    site: Site
    span: Span
    parts: tuple[Path, ...]
    rows: int
    data_bytes: int
    schema: pa.Schema
    quality: tuple[QualityRow, ...]
    provenance: Mapping[str, object]
    origins: tuple[str, ...]
    built_on: date


def arrow_schema(product: DataProduct) -> pa.Schema:
    """The schema of the Parquet parts of *product*."""
    return pa.schema([pa.field(field.name, ARROW[field.type], nullable=not field.required) for field in product.fields])


def require_grading(grading: Grading, *, decided_by: str) -> Grading:
    """*grading* as decided; ``FactoryKitError`` where the data may not leave (核心), or only with an approval (重要, 三级)."""
    if grading.national == "核心":
        raise FactoryKitError("the data is graded 核心: it is not packaged, by nobody")
    if (grading.national == "重要" or grading.level == "三级") and not grading.approval:
        raise FactoryKitError(
            "the data is graded {national}/{level}: name the approval in grading.approval first",
            national=grading.national,
            level=grading.level,
        )
    decider = decided_by or grading.decided_by
    if not decider:
        raise UsageError(
            "the grading ({national}, {level}) is a proposal until a person decides it; add --graded-by NAME",
            national=grading.national,
            level=grading.level,
        )
    return grading.model_copy(update={"decided_by": decider})


def build_rows(  # noqa: PLR0913 - what is built, from where, to where, and under whose name
    template: ProductTemplate,
    site: Site,
    store: Store,
    folder: Path,
    *,
    span: Span,
    key: bytes,
    decided_by: str,
    clock: Callable[[], int],
) -> Built:
    """The rows of *template* over *span* as Parquet in *folder*/data, judged; ``FactoryKitError`` when there are none.

    Simulated samples are refused where the site claims to be real. Memory does not grow with the rows.
    """
    grading = require_grading(template.product.grading, decided_by=decided_by)
    product = template.product.model_copy(update={"grading": grading})
    template = ProductTemplate(product, template.sql, template.checks)
    con = store.connect()
    try:
        origins = _origins(con, span, product.roles)
        if site.kind == "real" and set(origins) & {Origin.SIMULATED.value, Origin.REPLAYED.value}:
            raise FactoryKitError(
                "the samples are {origins}, but the site says kind: real; only real data may be sold as real",
                origins=", ".join(origins),
            )
        names = pseudonyms([item.id for item in site.equipment], key, "equipment")
        rows, part = _write_part(con, template, folder, span, names)
    finally:
        con.close()
    if not rows:
        part.unlink()
        raise FactoryKitError(
            "{product}: no row in this interval; are there points with the roles {roles}?",
            product=product.product,
            roles=", ".join(product.roles),
        )
    schema = arrow_schema(product)
    quality = assess_quality(Scope(product, template.checks, schema, (part,), _sql(span.begins), _sql(span.ends)))
    today = datetime.fromtimestamp(clock() / 1e6, UTC).date()
    return Built(
        folder,
        template,
        site,
        span,
        (part,),
        rows,
        part.stat().st_size,
        schema,
        tuple(quality),
        _provenance(template, store, span, key, origins),
        tuple(origins),
        today,
    )


def _origins(con: duckdb.DuckDBPyConnection, span: Span, roles: Sequence[str]) -> list[str]:
    sql = "SELECT DISTINCT origin FROM samples JOIN points USING (point) WHERE time >= ? AND time < ? AND role IN (SELECT unnest(?)) ORDER BY ALL"
    return [str(row[0]) for row in con.execute(sql, [span.begins - REACH, span.ends + REACH, list(roles)]).fetchall()]


def _write_part(
    con: duckdb.DuckDBPyConnection, template: ProductTemplate, folder: Path, span: Span, names: Mapping[str, str]
) -> tuple[int, Path]:
    """Rows written, and where; every value cast to the declared type, decimals rounded to their places."""
    schema = arrow_schema(template.product)
    con.register(
        "asked",
        pa.table(
            {"begins": pa.array([span.begins], pa.timestamp("us")), "ends": pa.array([span.ends], pa.timestamp("us"))}
        ),
    )
    con.register("pseudonyms", pa.table({"equipment": list(names), "pseudonym": list(names.values())}))
    columns = ", ".join(_cast(field.name, field.type, field.places) for field in template.product.fields)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    part = folder / "data" / "part-000.parquet"
    rows = 0
    try:
        reader = con.sql(f"SELECT {columns} FROM ({template.sql})").to_arrow_reader(ROWS_AT_ONCE)  # noqa: S608 - a reviewed file of the template, run on views
        with (
            atomic_path(part) as aside,
            pq.ParquetWriter(
                aside, schema, compression="zstd", compression_level=3, write_page_checksum=True, store_schema=False
            ) as writer,
        ):
            for batch in reader:
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))
                rows += batch.num_rows
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise QueryError("{product}/build.sql: {reason}", product=template.product.product, reason=reason) from error
    except pa.ArrowInvalid as error:
        raise QueryError(
            "{product}/build.sql: gives rows that do not fit the fields ({reason})",
            product=template.product.product,
            reason=str(error).splitlines()[0],
        ) from error
    return rows, part


def _cast(name: str, kind: FieldType, places: int) -> str:
    if kind == "decimal":
        return f'CAST(CAST("{name}" AS DECIMAL(30, {places})) AS DOUBLE) AS "{name}"'
    return f'CAST("{name}" AS {DUCKDB[kind]}) AS "{name}"'


def _sql(time: datetime) -> str:
    return time.isoformat(sep=" ")


def _provenance(
    template: ProductTemplate, store: Store, span: Span, key: bytes, origins: Sequence[str]
) -> dict[str, object]:
    """Where the rows come from: hashes and counts only, no name of a machine, point or server."""
    files = store.files(_micros(span.begins - REACH), _micros(span.ends + REACH))
    return {
        "form": 1,
        "product": {"id": template.product.product, "version": template.product.version},
        "interval": {"from": span.begins.isoformat() + "Z", "to": span.ends.isoformat() + "Z"},
        "origins": list(origins),
        "query_sha256": hashlib.sha256(template.sql.encode()).hexdigest(),
        "recipe": template.product.recipe.id,
        "pseudonym_key": key_fingerprint(key),
        "source_files": [{"rows": str(file.rows), "sha256": file.sha256} for file in files],
        "software": {"factory_kit": __version__, "duckdb": duckdb.__version__, "pyarrow": pa.__version__},
    }


def _micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001 - spans are naive UTC


def as_json(value: object) -> str:
    """*value* as readable JSON with a final line end."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
