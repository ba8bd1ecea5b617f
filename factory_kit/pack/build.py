"""From the store to the folder of a data product: rows, then every paper that a program reads."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from factory_kit import __version__
from factory_kit.errors import FactoryKitError, QueryError, UsageError
from factory_kit.load.product import ProductTemplate
from factory_kit.model.product import DataProduct, Grading
from factory_kit.model.recipe import Shift
from factory_kit.model.sample import Origin
from factory_kit.model.site import Site
from factory_kit.pack.deid import recipe_digest, require_no_key, secret_shift, treated, unordered
from factory_kit.pack.labels import Labels, read_labels
from factory_kit.pack.pseudonyms import key_fingerprint, pseudonyms
from factory_kit.pack.quality import QualityRow, Scope, assess_quality
from factory_kit.pack.risk import ENOUGH_ROWS, Original, Risk, coarse_series, residual_risk, within
from factory_kit.pack.rows import copy_rows, wrong_sql
from factory_kit.pack.schema import arrow_schema
from factory_kit.shipped import data_dir
from factory_kit.store import Store
from factory_kit.store.lockdown import check

__all__ = ["Built", "Span", "as_json", "build_rows", "manual_digests", "require_grading"]

Counted = TypeVar("Counted")
MEMORY_MIB = 512
"""What DuckDB may take; the rest of a package's gigabyte is the libraries and what passes through."""
WORDS_OF_CONNECTORS = "[a-z]+(_[a-z0-9]+)*"
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
    secrets: tuple[str, ...] = ()
    """By which names the plant knows its machines; for the leak scan, never written."""
    risk: Risk | None = None
    scope: Scope | None = None
    """What was judged, with what was counted on the way."""
    _known: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def once(self, name: str, made: Callable[[], Counted]) -> Counted:
        """What *made* gives, counted over the rows once for all papers that show it as *name*."""
        if name not in self._known:
            self._known[name] = made()
        found: Counted = self._known[name]
        return found


def require_grading(grading: Grading, *, decided_by: str, today: date | None = None) -> Grading:
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
    return grading.model_copy(update={"decided_by": decider, "decided_on": grading.decided_on or today})


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
    labels: Path | None = None,
) -> Built:
    """The rows of *template* over *span* as Parquet in *folder*/data, judged; ``FactoryKitError`` when there are none.

    *labels* is the folder of the tables it joins. Simulated samples are refused where the site claims to be real. Memory does not grow with the rows.
    """
    folder = folder.absolute()  # the lock-down takes relative paths as the store's own
    today = datetime.fromtimestamp(clock() / 1e6, UTC).date()
    grading = require_grading(template.product.grading, decided_by=decided_by, today=today)
    product = template.product.model_copy(update={"grading": grading})
    template = replace(template, product=product)
    joined = read_labels(labels, product.labels)
    require_no_key({"product.yaml": product.model_dump_json(), "build.sql": template.sql}, key)
    try:
        check(template.sql)
    except QueryError as error:
        raise wrong_sql(template, str(error)) from error
    aside = folder / "data" / ".rows"
    aside.parent.mkdir(parents=True, exist_ok=True)
    with _opened(store, template, site, span, key, aside, joined) as con:
        origins = _origins(con, span, product)
        if site.kind == "real" and set(origins) & {Origin.SIMULATED.value, Origin.REPLAYED.value}:
            raise FactoryKitError(
                "the samples are {origins}, but the site says kind: real; only real data may be sold as real",
                origins=", ".join(origins),
            )
        _require_one_unit(con, template)
        secrets, connectors = _identifiers(con, site), _connectors(con, product)
        parts, rows = copy_rows(con, template, key, aside)
        original = _original(con, template, span, key, rows)
    if not rows:
        for part in parts:
            part.unlink()
        raise FactoryKitError(
            "{product}: no row in this interval; are there points with the roles {roles}?",
            product=product.product, roles=", ".join([*product.roles, *product.points]),
        )  # fmt: skip
    schema = arrow_schema(product)
    published = _published(product, span, key)
    risk = residual_risk(product, template.checks, parts, original, _limits(published), _share(rows))
    scope = Scope(product, template.checks, schema, parts, *_limits(published))
    quality = assess_quality(scope)
    return Built(
        folder, template, site, published, parts, rows, sum(part.stat().st_size for part in parts), schema, tuple(quality),
        _provenance(template, store, span, published, key, origins, joined) | {"connectors": connectors},
        tuple(origins), today, secrets, risk, scope,
    )  # fmt: skip


def _opened(
    store: Store, template: ProductTemplate, site: Site, span: Span, key: bytes, out: Path, labels: Sequence[Labels]
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """A connection in which build.sql can read nothing but the store's views, what was asked, the pseudonyms and the labels."""
    names = pseudonyms([item.id for item in site.equipment], key, "equipment")
    moment = pa.timestamp("us")
    asked = pa.table({"begins": pa.array([span.begins], moment), "ends": pa.array([span.ends], moment)})
    known = pa.table(
        {"equipment": pa.array(list(names), pa.string()), "pseudonym": pa.array(list(names.values()), pa.string())}
    )
    tables = {"asked": asked, "pseudonyms": known} | {each.name: each.rows for each in labels}
    return store.locked(template.sql, tables, out, MEMORY_MIB)


def _original(
    con: duckdb.DuckDBPyConnection, template: ProductTemplate, span: Span, key: bytes, rows: int
) -> Original | None:
    """The series before the recipe, under the names they get; None where the recipe makes rows of another kind."""
    expected = template.checks.expected
    field = next(
        (each.name for each in template.product.fields if each.type in ("decimal", "number") and not each.key), ""
    )
    if not rows or not expected.per or not field:
        return None
    try:
        sql = treated(con, template.product, unordered(con, template.sql), key, names_only=True)
        window = within(expected.time, _limits(span), _share(rows))
        return coarse_series(con, f"SELECT * FROM ({sql}) WHERE {window}", expected.per, expected.time, field)  # noqa: S608 - a checked query
    except (QueryError, duckdb.Error):
        return None


def _limits(span: Span) -> tuple[str, str]:
    return _sql(span.begins), _sql(span.ends)


def _share(rows: int) -> float:
    """Which part of the time is looked at for the residual risk."""
    return min(1.0, ENOUGH_ROWS / max(rows, 1))


def _published(product: DataProduct, span: Span, key: bytes) -> Span:
    """The interval as the rows show it: moved with their times where the recipe moves them."""
    for step in product.recipe.operations:
        if isinstance(step, Shift):
            by = secret_shift(step, key, product.product)
            return Span(span.begins + by, span.ends + by)
    return span


def _origins(con: duckdb.DuckDBPyConnection, span: Span, product: DataProduct) -> list[str]:
    sql = "SELECT DISTINCT origin FROM samples JOIN points USING (point) WHERE time >= ? AND time < ? AND (role IN (SELECT unnest(?)) OR name IN (SELECT unnest(?))) ORDER BY ALL"
    asked = [span.begins - REACH, span.ends + REACH, list(product.roles), list(product.points)]
    return [str(row[0]) for row in con.execute(sql, asked).fetchall()]


def _connectors(con: duckdb.DuckDBPyConnection, product: DataProduct) -> list[dict[str, str]]:
    """Through which connectors the points came: those that are shipped by name, since they are public, all others as private."""
    sql = (
        "SELECT connector, connector_version, count(*) FROM points_history "
        "WHERE role IN (SELECT unnest(?)) OR name IN (SELECT unnest(?)) GROUP BY ALL ORDER BY ALL"
    )
    found = con.execute(sql, [list(product.roles), list(product.points)]).fetchall()
    public = {path.parent.name for path in data_dir("connectors").glob("*/connector.yaml")}
    shown = [(name, version, points) for name, version, points in found if name in public]
    private = sum(points for name, _version, points in found if name not in public)
    made = [{"connector": str(name), "version": str(version), "points": str(points)} for name, version, points in shown]
    return [*made, *([{"connector": "private", "version": "", "points": str(private)}] if private else [])]


def _require_one_unit(con: duckdb.DuckDBPyConnection, template: ProductTemplate) -> None:
    """``FactoryKitError`` when points of one role have different units and build.sql does not look at units."""
    if re.search(r"\bunit\b", template.sql):
        return
    sql = "SELECT role, list(DISTINCT unit ORDER BY unit) AS units FROM points WHERE role IN (SELECT unnest(?)) GROUP BY role HAVING len(units) > 1 ORDER BY role"
    for role, units in con.execute(sql, [list(template.product.roles)]).fetchall():
        raise FactoryKitError(
            "{product}: points with the role {role} have the units {units}, and build.sql does not tell them apart",
            product=template.product.product, role=role, units=", ".join(unit or "-" for unit in units),
        )  # fmt: skip


def _identifiers(con: duckdb.DuckDBPyConnection, site: Site) -> tuple[str, ...]:
    """Every name by which this plant knows its machines: none may stand in the package.

    Names of points in small letters, such as ``voltage_l1``, are the words of connectors, which are public.
    """
    sql = f"""
        SELECT DISTINCT unnest([equipment, address, server]) FROM points_history
        UNION SELECT name FROM points_history WHERE NOT regexp_full_match(name, '{WORDS_OF_CONNECTORS}')
    """  # noqa: S608 - our own pattern
    found = {str(row[0]) for row in con.execute(sql).fetchall() if row[0]}
    for item in site.equipment:
        found |= {item.id, item.name.zh, item.name.en}
    return tuple(sorted(found))


def _sql(time: datetime) -> str:
    return time.isoformat(sep=" ")


def _provenance(
    template: ProductTemplate,
    store: Store,
    span: Span,
    published: Span,
    key: bytes,
    origins: Sequence[str],
    labels: Sequence[Labels],
) -> dict[str, object]:
    """Where the rows come from: hashes and counts only, no name of a machine, point or server; the interval as the rows show it."""
    files = store.files(_micros(span.begins - REACH), _micros(span.ends + REACH))
    return {
        "form": 1,
        "product": {"id": template.product.product, "version": template.product.version},
        "interval": {"from": published.begins.isoformat() + "Z", "to": published.ends.isoformat() + "Z"},
        "origins": list(origins),
        "query_sha256": hashlib.sha256(template.sql.encode()).hexdigest(),
        "recipe": template.product.recipe.id,
        "recipe_hmac": recipe_digest(template.product, key),
        "pseudonym_key": key_fingerprint(key),
        "source_files": [{"rows": str(file.rows), "sha256": file.sha256} for file in files],
        "labels": [each.source() for each in labels],
        "manual_templates": manual_digests(template),
        "software": {"factory_kit": __version__, "duckdb": duckdb.__version__, "pyarrow": pa.__version__},
    }


def manual_digests(template: ProductTemplate) -> dict[str, str]:
    """The sha256 of each Word template of the product's own, by language."""
    return {language: hashlib.sha256(file.read_bytes()).hexdigest() for language, file in template.manuals.items()}


def _micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001 - spans are naive UTC


def as_json(value: object) -> str:
    """*value* as readable JSON with a final line end."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
