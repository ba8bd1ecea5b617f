"""Recipes as SQL: each operation wraps the query of the product; secrets come from the key of the plant and stay in the process."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa

from factory_kit.errors import FactoryKitError
from factory_kit.model.product import DataProduct
from factory_kit.model.recipe import Clip, Operation, Pseudonym, Resample, Round, Scale, Shift, Suppress
from factory_kit.pack.pseudonyms import pseudonyms

__all__ = ["published_recipe", "recipe_digest", "require_no_key", "secret_shift", "treated", "unordered", "wrapped"]

STATISTICS: Mapping[str, str] = {
    "mean": "avg({})", "min": "min({})", "max": "max({})", "std": "stddev_samp({})", "count": "count({})", "sum": "sum({})",
}  # fmt: skip
DAYS = {"day": 1, "week": 7}
SECRET = {"scale": {"zero", "rated"}}
"""What of an operation would undo it."""


def treated(
    con: duckdb.DuckDBPyConnection, product: DataProduct, sql: str, key: bytes, *, names_only: bool = False
) -> str:
    """*sql* with the operations of the recipe of *product* around it (*names_only*: its pseudonyms); tables of pseudonyms are made in *con*."""
    loose = unordered(con, sql)
    for number, step in enumerate(product.recipe.operations):
        if names_only and not isinstance(step, Pseudonym):
            continue
        if isinstance(step, Pseudonym):
            _pseudonym_table(con, f"renamed_{number}", step.field, loose, key)
        sql, loose = (wrapped(step, each, number, key, product.product) for each in (sql, loose))
    return sql


def wrapped(step: Operation, sql: str, number: int, key: bytes, product: str) -> str:
    """*sql* with the operation *step*, the *number*-th of the recipe of *product*, around it."""
    return WRAPPERS[type(step)](step, sql, number, key, product)


def unordered(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The checked query *sql* without its ORDER BY, for who asks for counts: DuckDB would sort first; as it is where there is a LIMIT too."""
    tree = json.loads(con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0])
    node = tree.get("statements", [{}])[0].get("node", {})
    if [modifier["type"] for modifier in node.get("modifiers", ())] != ["ORDER_MODIFIER"]:
        return sql
    node["modifiers"] = []
    return str(con.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchall()[0][0])


def secret_shift(step: Shift, key: bytes, product: str) -> timedelta:
    """By how much the times of *product* move under *key*, back so that none lies ahead: the same for every row and every release of it."""
    digest = hmac.new(key, f"shift|{product}|{step.field}|{step.granule}".encode(), hashlib.sha256).digest()
    return -timedelta(days=DAYS[step.granule] * (1 + int.from_bytes(digest[:8], "big") % step.most))


def published_recipe(product: DataProduct) -> dict[str, Any]:
    """The recipe as the papers tell it: words, operations and parameters, without what would undo them."""
    recipe = product.recipe
    return {
        "id": recipe.id,
        "steps": [step.model_dump() for step in recipe.steps],
        "operations": [step.model_dump(mode="json", exclude=SECRET.get(step.op, set())) for step in recipe.operations],
    }


def recipe_digest(product: DataProduct, key: bytes) -> str:
    """A keyed hash of the whole recipe, secret parameters included: proof to who has the key, no oracle to who has not."""
    return hmac.new(key, b"recipe|" + product.recipe.model_dump_json().encode(), hashlib.sha256).hexdigest()


def require_no_key(texts: Mapping[str, str], key: bytes) -> None:
    """``FactoryKitError`` when one of *texts*, by file name, holds *key* in hexadecimal digits."""
    for name, text in texts.items():
        if key.hex() in text.lower():
            raise FactoryKitError(
                "{file}: holds the key of the plant and would publish it; remove it there and make a new key", file=name
            )


def _pseudonym_table(con: duckdb.DuckDBPyConnection, table: str, field: str, sql: str, key: bytes) -> None:
    distinct = f'SELECT DISTINCT CAST("{field}" AS VARCHAR) FROM ({sql}) WHERE "{field}" IS NOT NULL'  # noqa: S608 - a checked query
    found = con.execute(distinct).fetchall()
    names = pseudonyms((str(row[0]) for row in found), key, field)
    if len(set(names.values())) != len(names):  # 60 bits: beyond a thousand million names
        raise FactoryKitError("{field}: two names have the same pseudonym; make a new key", field=field)
    rows = pa.table(
        {"original": pa.array(list(names), pa.string()), "pseudonym": pa.array(list(names.values()), pa.string())}
    )
    con.register("arriving", rows)
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM arriving")  # noqa: S608 - our own names
    con.unregister("arriving")


def _renamed(step: Pseudonym, sql: str, number: int, _key: bytes, _product: str) -> str:
    return (
        f'SELECT t.* REPLACE (r.pseudonym AS "{step.field}") FROM ({sql}) t '  # noqa: S608
        f'LEFT JOIN renamed_{number} r ON r.original = CAST(t."{step.field}" AS VARCHAR)'
    )


def _shifted(step: Shift, sql: str, _number: int, key: bytes, product: str) -> str:
    days = -secret_shift(step, key, product).days
    moved = ", ".join(f'"{name}" - INTERVAL {days} DAY AS "{name}"' for name in (step.field, *step.also))
    return f"SELECT * REPLACE ({moved}) FROM ({sql})"  # noqa: S608


def _scaled(step: Scale, sql: str, _number: int, _key: bytes, _product: str) -> str:
    return _replaced(step.field, f'("{step.field}" - {step.zero}) / {step.rated}', sql)


def _rounded(step: Round, sql: str, _number: int, _key: bytes, _product: str) -> str:
    places = max(0, -int(step.step.normalize().as_tuple().exponent))
    multiple = f'round(CAST("{step.field}" AS DOUBLE) / {step.step}) * {step.step}'
    return _replaced(step.field, f"round({multiple}, {places})", sql)  # six times 0.05 is 0.3, not 0.30000000000000004


def _clipped(step: Clip, sql: str, _number: int, _key: bytes, _product: str) -> str:
    value = f'"{step.field}"'
    if step.low is not None:
        value = f"greatest({value}, {step.low})"
    if step.high is not None:
        value = f"least({value}, {step.high})"
    return _replaced(step.field, f'CASE WHEN "{step.field}" IS NOT NULL THEN {value} END', sql)


def _replaced(field: str, value: str, sql: str) -> str:
    return f'SELECT * REPLACE ({value} AS "{field}") FROM ({sql})'  # noqa: S608


def _suppressed(step: Suppress, sql: str, _number: int, _key: bytes, _product: str) -> str:
    names = ", ".join(f'"{name}"' for name in step.fields)
    return f"SELECT * EXCLUDE ({names}) FROM ({sql})"  # noqa: S608


def _resampled(step: Resample, sql: str, _number: int, _key: bytes, _product: str) -> str:
    groups = "".join(f'"{name}", ' for name in step.by)
    values = ", ".join(f'{_statistic(value.statistic, value.of, step.time)} AS "{value.name}"' for value in step.values)
    window = f'time_bucket(INTERVAL {step.every_s} SECOND, "{step.time}")'
    return f'SELECT {groups}{window} AS "{step.time}", {values} FROM ({sql}) GROUP BY {groups}{window}'  # noqa: S608


def _statistic(statistic: str, column: str, time: str) -> str:
    if statistic in ("first", "last"):
        return f'arg_{"min" if statistic == "first" else "max"}("{column}", "{time}")'
    return STATISTICS[statistic].format(f'"{column}"')


WRAPPERS: Mapping[type[Operation], Callable[[Any, str, int, bytes, str], str]] = {
    Pseudonym: _renamed, Shift: _shifted, Scale: _scaled, Round: _rounded, Clip: _clipped, Suppress: _suppressed, Resample: _resampled,
}  # fmt: skip
