"""What a product's own ``summary.sql`` tells of its rows in a few lines: shares, totals, capability; counted over the rows that leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import duckdb

from factory_kit.errors import FactoryKitError, QueryError
from factory_kit.load.product import ProductTemplate
from factory_kit.pack.quality import rows_of
from factory_kit.store.lockdown import check
from factory_kit.store.views import quoted

__all__ = ["MOST_LINES", "summary_of"]

MOST_LINES = 200


def summary_of(template: ProductTemplate, parts: Sequence[Path]) -> list[list[str]]:
    """The lines of the summary of *parts* as texts, in the declared columns; empty where the product has none.

    ``QueryError`` when ``summary.sql`` is more than one SELECT over ``rows``, fails, or gives other columns or too many lines.
    """
    told = template.product.summary
    if told is None:
        return []
    name = f"{template.product.product}/summary.sql"
    try:
        check(template.summary)
        with rows_of(parts) as con:
            con.execute(f"SET allowed_paths = [{', '.join(quoted(str(part)) for part in parts)}]")
            con.execute("SET enable_external_access = false")
            con.execute("SET lock_configuration = true")
            found = con.execute(f"SELECT * FROM ({template.summary.rstrip().rstrip(';')}\n) LIMIT {MOST_LINES + 1}")  # noqa: S608 - a checked query
            columns = [column[0] for column in found.description]
            lines = found.fetchall()
    except (duckdb.Error, FactoryKitError) as error:
        reason = " ".join(str(error).partition("\n\nLINE")[0].split())
        raise QueryError("{file}: {reason}", file=name, reason=reason) from error
    if columns != list(told.columns):
        raise QueryError(
            "{file}: gives the columns {found}, but product.yaml declares {declared}",
            file=name, found=", ".join(columns), declared=", ".join(told.columns),
        )  # fmt: skip
    if len(lines) > MOST_LINES:
        raise QueryError("{file}: gives more than {most} lines; a summary is shorter", file=name, most=MOST_LINES)
    return [[_shown(value) for value in line] for line in lines]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else str(value)
