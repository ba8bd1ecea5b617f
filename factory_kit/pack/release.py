"""Copies of a package for one recipient each, and the register of who got which."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import FactoryKitError, UsageError
from factory_kit.files import atomic_path, write_atomically
from factory_kit.load.product import ProductTemplate
from factory_kit.model.product import DataProduct, ProductField
from factory_kit.model.site import Site
from factory_kit.pack.build import Built, Span, manual_digests
from factory_kit.pack.quality import Scope, assess_quality
from factory_kit.pack.risk import Risk
from factory_kit.pack.schema import arrow_schema
from factory_kit.pack.series import ROWS_AT_ONCE, micros, series_of
from factory_kit.pack.watermark import Marking, mark_key, marked, signs
from factory_kit.seal.digest import digest_file

__all__ = [
    "REGISTER",
    "RISK_PAPER",
    "Recipient",
    "keep_original",
    "mark_package",
    "mark_part",
    "read_recipients",
    "recipient_name",
    "write_recipient",
]

REGISTER = "recipients.jsonl"
"""Beside the key of the pseudonyms: who got which copy. It never leaves the plant."""
RISK_PAPER = "papers/residual-risk.json"
MICRO = 1_000_000


@dataclass(frozen=True)
class Recipient:
    """One line of the register: who got which version of which product, made from which package, when."""

    recipient: str
    product: str
    version: str
    package_sha256: str
    released: str


def read_recipients(register: Path) -> list[Recipient]:
    """All lines of *register*; empty when there is none."""
    if not register.exists():
        return []
    lines = register.read_text(encoding="utf-8").splitlines()
    try:
        return [Recipient(**json.loads(line)) for line in lines if line]
    except (ValueError, TypeError) as error:
        raise FactoryKitError("{file}: is no register of recipients; restore it from a copy", file=register) from error


def recipient_name(said: str, register: Path) -> str:
    """*said* with single blanks: two copies for what looks like one name would accuse the wrong one.

    ``UsageError`` for nobody, for signs that nobody sees, and for what differs from a name in *register* by case, width or blanks only.
    """
    name = " ".join(said.split())
    if not name:
        raise UsageError("nobody is named; add --to NAME")
    if not name.isprintable():
        raise UsageError("the name {name!r} holds signs that nobody sees; type it by hand", name=name)
    for known in read_recipients(register):
        if known.recipient != name and _looks(known.recipient) == _looks(name):
            raise UsageError(
                "{name!r} looks like {known!r}, of whom copies are known; write it the same way",
                name=name,
                known=known.recipient,
            )
    return name


def _looks(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def keep_original(out: Path, register: Path) -> None:
    """``UsageError`` where *out* is a package of which *register* knows copies: without it none of them can be traced."""
    known = {each.package_sha256 for each in read_recipients(register)} if out.is_file() else set()
    if known and digest_file(out).sha256 in known:
        raise UsageError("{file}: is there already; nothing was changed", file=out)


def write_recipient(register: Path, new: Recipient) -> None:
    """*register* with *new* in it, once."""
    known = read_recipients(register)
    if any(replace(each, released="") == replace(new, released="") for each in known):
        return
    lines = [json.dumps(vars(each), ensure_ascii=False) for each in (*known, new)]
    write_atomically(register, "\n".join(lines) + "\n")


def mark_package(folder: Path, template: ProductTemplate, site: Site, master: bytes, recipient: str) -> Built:
    """The unpacked package in *folder* with its parts marked for *recipient*, quality counted anew; papers are the caller's work.

    ``UsageError`` when the product has no watermark, or the package is of another version than *template*.
    """
    paper = json.loads((folder / "product.json").read_text(encoding="utf-8"))
    product = DataProduct.model_validate_json(json.dumps(paper["product"]), strict=False)
    if (product.product, product.version) != (template.product.product, template.product.version):
        raise UsageError(
            "the package is {product} {version}, the template is version {other}; build it again",
            product=product.product, version=product.version, other=template.product.version,
        )  # fmt: skip
    if product.watermark is None:
        raise UsageError(
            "{product}: has no watermark in product.yaml, so copies cannot be told apart; give out the package itself, or add fields that may carry one under watermark and build anew",
            product=product.product,
        )
    provenance = json.loads((folder / "papers" / "provenance.json").read_text(encoding="utf-8"))
    if provenance.get("manual_templates", {}) != manual_digests(template):
        raise UsageError(
            "{product}: the Word templates of the manual are not those of the package; build it again",
            product=product.product,
        )
    key = mark_key(master, product.product, product.version, recipient)
    parts = tuple(sorted((folder / "data").glob("*.parquet")))
    for part in parts:
        mark_part(part, product, template.checks.expected.time, template.checks.expected.per, key)
    provenance["watermark"] = {
        "scheme": "window signs 1", "window_s": product.watermark.window_s,
        "largest_change": {name: str(step) for name, step in product.watermark.fields.items()},
    }  # fmt: skip
    span = _span(paper["interval"])
    marked_template = replace(template, product=product.model_copy(update={"recipe": template.product.recipe}))
    schema = arrow_schema(product)
    limits = (span.begins.isoformat(sep=" "), span.ends.isoformat(sep=" "))
    scope = Scope(product, template.checks, schema, parts, *limits)
    quality = assess_quality(scope)
    return Built(
        folder, marked_template, site, span, parts, int(paper["rows"]), sum(part.stat().st_size for part in parts), schema, tuple(quality),
        provenance, tuple(provenance["origins"]), datetime.fromisoformat(paper["built_on"]).date(), (), _risk(folder), scope,
    )  # fmt: skip


def _risk(folder: Path) -> Risk:
    """The risk as the package tells it: marks change no figure by more than their step."""
    told = json.loads((folder / RISK_PAPER).read_text(encoding="utf-8"))
    unicity = told["unicity"] and {int(known): Fraction(share) for known, share in told["unicity"].items()}
    linked = told["linkage_hit_rate"] and Fraction(told["linkage_hit_rate"])
    return Risk(told["groups"], told["field"], unicity, told["k"], tuple(told["quasi_identifiers"]), linked)


def mark_part(part: Path, product: DataProduct, time: str, per: Sequence[str], key: bytes) -> None:
    """The Parquet file *part* with marks under *key* in its place; memory does not grow with it."""
    assert product.watermark is not None  # noqa: S101 - asked before
    window = product.watermark.window_s * MICRO
    fields = {field.name: field for field in product.fields}
    how = {name: _marking(fields[name], float(step)) for name, step in product.watermark.fields.items()}
    file = pq.ParquetFile(part)
    last: dict[tuple[str, str], float] = {}
    with (
        atomic_path(part) as aside,
        pq.ParquetWriter(
            aside,
            file.schema_arrow,
            compression="zstd",
            compression_level=3,
            write_page_checksum=True,
            store_schema=False,
        ) as writer,
    ):
        for batch in file.iter_batches(ROWS_AT_ONCE):
            writer.write_table(pa.Table.from_batches([_mark_batch(batch, time, per, key, window, how, last)]))


def _marking(field: ProductField, step: float) -> Marking:
    low = -math.inf if field.minimum is None else float(field.minimum)
    high = math.inf if field.maximum is None else float(field.maximum)
    return Marking(step, field.places if field.type == "decimal" else None, (low, high))


def _mark_batch(
    batch: pa.RecordBatch,
    time: str,
    per: Sequence[str],
    key: bytes,
    window: int,
    how: Mapping[str, Marking],
    last: dict[tuple[str, str], float],
) -> pa.RecordBatch:
    windows = micros(batch.column(time)) // window
    series = list(series_of(batch, per))
    for name, marking in how.items():
        place = batch.schema.get_field_index(name)
        values = batch.column(place).to_numpy(zero_copy_only=False).astype(np.float64, copy=True)
        for group, rows in series:
            mine = values[rows]
            sign_of = signs(key, f"{group}|{name}", windows[rows])
            values[rows] = marked(mine, sign_of, marking, last.get((group, name), math.nan))
            last[group, name] = float(mine[-1])
        missing = np.asarray(batch.column(place).is_null())
        batch = batch.set_column(place, batch.schema.field(place), pa.array(values, pa.float64(), mask=missing))
    return batch


def _span(interval: Mapping[str, Any]) -> Span:
    begins, ends = (
        datetime.fromisoformat(str(interval[name])).astimezone(UTC).replace(tzinfo=None) for name in ("from", "to")
    )
    return Span(begins, ends)
