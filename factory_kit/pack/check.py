"""A data product before anything is built: every mistake of its files at once, with file and line, found without any sample.

What a file alone shows, the loader tells. Here build.sql is planned over an empty store, the recipe is put around it step by step, and the
fields, the rules and the expected rows are compared with the columns that come out.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from factory_kit.errors import DefinitionError, FactoryKitError, Problem, QueryError, UsageError
from factory_kit.i18n import N_
from factory_kit.load.document import Document, read_text, read_yaml
from factory_kit.load.product import ProductTemplate, product_folder
from factory_kit.model.product import DataProduct, FieldType
from factory_kit.model.recipe import Operation, Pseudonym, Resample, Shift, Suppress
from factory_kit.pack.build import MEMORY_MIB
from factory_kit.pack.deid import require_no_key, wrapped
from factory_kit.pack.labels import TYPES
from factory_kit.render.word import require_template
from factory_kit.store import Store
from factory_kit.store.lockdown import check

__all__ = ["product_problems"]

LINE = re.compile(r"\bLINE (\d+):")
FITS: dict[FieldType, tuple[str, ...]] = {
    "timestamp": ("TIMESTAMP", "DATE"), "string": ("VARCHAR", "ENUM", "UUID"), "boolean": ("BOOLEAN",),
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "DECIMAL", "DOUBLE", "FLOAT"),
}  # fmt: skip
NUMBERS = FITS["integer"]
FILES = ("product.yaml", "listing.yaml", "build.sql", "checks.yaml", "summary.sql")


def product_problems(folder: Path, key: bytes | None = None) -> list[Problem]:
    """All mistakes of the data product in *folder*, in the order of files and lines; *key* is the plant's, which no file may hold."""
    found: list[Problem] = []
    template = None
    try:
        template = product_folder(folder)
    except DefinitionError as error:
        found += error.problems
    if key is not None:
        found += _keys(folder, key)
    with suppress(DefinitionError):  # told above
        found += _statement(folder, read_text(folder / "build.sql"))
    if template is not None and not found:
        found += _agreement(folder, template)
    if template is not None:
        found += _manuals(folder, template)
    return sorted(set_of(found))


def set_of(problems: Sequence[Problem]) -> list[Problem]:
    """*problems*, each once."""
    return list({str(each): each for each in problems}.values())


def _keys(folder: Path, key: bytes) -> Iterator[Problem]:
    for name in FILES:
        with suppress(DefinitionError):
            text = read_text(folder / name)
            try:
                require_no_key({name: text}, key)
            except FactoryKitError:
                line = text.lower()[: text.lower().index(key.hex())].count("\n") + 1
                message = N_("holds the key of the plant and would publish it; remove it, and make a new key")
                yield Problem(f"{folder.name}/{name}", line, "", message)


def _manuals(folder: Path, template: ProductTemplate) -> Iterator[Problem]:
    """Word templates that cannot make a manual."""
    for file in template.manuals.values():
        try:
            require_template(file)
        except UsageError as error:
            yield Problem(folder.name, 0, "", error.message, error.details)


def _statement(folder: Path, sql: str) -> Iterator[Problem]:
    try:
        check(sql)
    except QueryError as error:
        yield _sql_problem(folder, str(error.details.get("said") or error), sql)


def _sql_problem(folder: Path, said: str, sql: str) -> Problem:
    """What DuckDB says of *sql*, on the line it names, or on that of the word it quotes."""
    line = LINE.search(said)
    reason = " ".join(said.partition("\n\nLINE")[0].partition(" LINE ")[0].split())
    number = int(line[1]) if line else 1
    quoted = re.search(r'(?:near|column|name|Function with name) "?([\w.]+)"?', reason)
    word = re.search(rf"(?<!\w){re.escape(quoted[1])}(?!\w)", sql) if line is None and quoted else None
    if word:
        number = sql[: word.start()].count("\n") + 1
    return Problem(f"{folder.name}/build.sql", number, "", "{reason}", {"reason": reason})


def _agreement(folder: Path, template: ProductTemplate) -> Iterator[Problem]:
    product = template.product
    product_yaml = read_yaml(folder / "product.yaml", f"{folder.name}/product.yaml")
    checks_yaml = read_yaml(folder / "checks.yaml", f"{folder.name}/checks.yaml")
    yield from _expected(template, checks_yaml)
    yield from _treatments(product, product_yaml)
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside:
        (Path(aside) / "store").mkdir()
        empty = Store(Path(aside) / "store")
        with empty.locked(template.sql, _tables(product), Path(aside) / "out", MEMORY_MIB) as con:
            try:
                columns = _columns(con, template.sql)
            except duckdb.Error as error:
                yield _sql_problem(folder, str(error), template.sql)
                return
            published: list[str] = []
            yield from _steps(con, template, columns, product_yaml, published)
            if published:
                yield from _fields(con, template, published[0], product_yaml)
                yield from _rules(con, template, checks_yaml)


def _tables(product: DataProduct) -> dict[str, pa.Table]:
    """What a build gives beside the views, without a row."""
    moment, text = pa.timestamp("us"), pa.string()
    now = datetime(2000, 1, 1)  # noqa: DTZ001 - times here are naive UTC
    made = {
        "asked": pa.table({"begins": pa.array([now], moment), "ends": pa.array([now], moment)}),
        "pseudonyms": pa.table({"equipment": pa.array([], text), "pseudonym": pa.array([], text)}),
    }
    for table in product.labels:
        made[table.table] = pa.table({name: pa.array([], TYPES[kind]) for name, kind in table.columns.items()})
    return made


def _columns(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    return dict(con.execute(f"SELECT column_name, column_type FROM (DESCRIBE {sql})").fetchall())  # noqa: S608 - a checked query


def _expected(template: ProductTemplate, document: Document) -> Iterator[Problem]:
    expected, kinds = template.checks.expected, {field.name: field for field in template.product.fields}
    for path, name in ((("expected", "time"), expected.time), *((("expected", "per"), name) for name in expected.per)):
        if name not in kinds:
            yield Problem(
                document.name,
                document.line(path),
                ".".join(path),
                N_("{name} is no field of product.yaml"),
                {"name": name},
            )
    time = kinds.get(expected.time)
    if time is not None and time.type != "timestamp":
        message = N_("{name} is a {type}, expected a timestamp")
        line = document.line(("expected", "time"))
        yield Problem(document.name, line, "expected.time", message, {"name": time.name, "type": time.type})


def _touched(step: Operation) -> tuple[str, ...]:
    if isinstance(step, Suppress):
        return step.fields
    if isinstance(step, Resample):
        return (step.time, *step.by, *(value.of for value in step.values))
    return (step.field, *step.also) if isinstance(step, Shift) else (step.field,)


def _treatments(product: DataProduct, document: Document) -> Iterator[Problem]:
    """Fields that the recipe changes and that say they are as they were."""
    silent = {field.name: place for place, field in enumerate(product.fields) if field.treatment == "none"}
    for step in product.recipe.operations:
        if isinstance(step, Suppress | Resample):
            continue
        for name in _touched(step):
            if name in silent:
                message = N_("{name} is changed by the recipe ({op}), but its treatment is none")
                line = document.line(("fields", silent[name]))
                yield Problem(
                    document.name, line, f"fields.{silent[name]}.treatment", message, {"name": name, "op": step.op}
                )


def _steps(
    con: duckdb.DuckDBPyConnection, template: ProductTemplate, columns: dict[str, str], document: Document, out: list[str]
) -> Iterator[Problem]:  # fmt: skip
    """Operations that name columns there are none of; *out* gets the query with all of them, where it can be planned."""
    sql = template.sql
    for number, step in enumerate(template.product.recipe.operations):
        path = ("recipe", "operations", number)
        missing = [name for name in _touched(step) if name not in columns]
        message, details = N_("there is no column {name}; there are {known}"), {"known": ", ".join(columns)}
        if missing:
            place = f"recipe.operations.{number}"
            yield from (
                Problem(document.name, document.line(path), place, message, {"name": name, **details})
                for name in missing
            )
            return
        if isinstance(step, Pseudonym):
            con.execute(f"CREATE OR REPLACE TABLE renamed_{number} (original VARCHAR, pseudonym VARCHAR)")
        sql = wrapped(step, sql, number, b"", template.product.product)
        try:
            columns = _columns(con, sql)
        except duckdb.Error as error:
            reason = " ".join(str(error).partition("\n\nLINE")[0].split())
            yield Problem(
                document.name, document.line(path), f"recipe.operations.{number}", "{reason}", {"reason": reason}
            )
            return
    out.append(sql)


def _fields(
    con: duckdb.DuckDBPyConnection, template: ProductTemplate, sql: str, document: Document
) -> Iterator[Problem]:
    columns = _columns(con, sql)
    for place, field in enumerate(template.product.fields):
        line, path = document.line(("fields", place)), f"fields.{place}"
        if field.name not in columns:
            message = N_("build.sql and the recipe give no column {name}; they give {known}")
            yield Problem(document.name, line, path, message, {"name": field.name, "known": ", ".join(columns)})
        elif not columns[field.name].startswith(FITS.get(field.type, NUMBERS)) and columns[field.name] != '"NULL"':
            message = N_("{name} is declared {type}, build.sql gives {there}")
            there = columns[field.name]
            yield Problem(document.name, line, path, message, {"name": field.name, "type": field.type, "there": there})


def _rules(con: duckdb.DuckDBPyConnection, template: ProductTemplate, document: Document) -> Iterator[Problem]:
    """Conditions that are no SQL over the fields, or no condition."""
    types = {"timestamp": "TIMESTAMPTZ", "string": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN"}
    fields = ", ".join(
        f'NULL::{types.get(field.type, "DOUBLE")} AS "{field.name}"' for field in template.product.fields
    )
    for place, rule in enumerate(template.checks.rules):
        path = ("rules", place, "condition")
        try:
            (kind,) = _columns(con, f"SELECT ({rule.condition}) FROM (SELECT {fields})").values()  # noqa: S608 - planned, not run
            reason = "" if kind == "BOOLEAN" else f"{kind}, no condition"
        except duckdb.Error as error:
            reason = " ".join(str(error).partition("\n\nLINE")[0].split())
        if reason:
            message = N_("the rule {id} cannot be checked: {reason}")
            yield Problem(
                document.name, document.line(path), ".".join(map(str, path)), message, {"id": rule.id, "reason": reason}
            )
