"""What the SQL of an indicator may be: one SELECT over the store's views whose answer depends on nothing else."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from factory_kit.errors import QueryError
from factory_kit.model.indicator import Indicator
from factory_kit.store import lockdown

__all__ = ["VIEWS", "review"]

VIEWS = frozenset(
    {
        "samples", "points", "points_history", "equipment", "operations", "states", "runs", "gaps", "loss_ledger", "latest",
        "planned",
    }
)  # fmt: skip
"""The store's views, and the table of planned time that is made for each evaluation."""
CHANGING = frozenset(
    {
        "random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "now", "today", "get_current_timestamp",
        "current_timestamp", "current_date", "current_time", "get_current_time", "transaction_timestamp", "current_setting",
        "getenv", "version", "pg_typeof", "nextval", "currval", "current_user", "current_schema", "current_database",
        "hash", "approx_count_distinct", "approx_quantile", "approx_top_k", "reservoir_quantile",
    }
)  # fmt: skip
"""Functions whose answer differs from run to run, machine to machine or version to version."""
FLOATING = frozenset(
    {
        "avg", "mean", "favg", "fsum", "sumkahan", "kahan_sum", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop",
        "var_samp", "corr", "covar_pop", "covar_samp", "geomean", "geometric_mean", "regr_slope", "regr_intercept", "entropy",
        "skewness", "kurtosis", "kurtosis_pop",
    }
)  # fmt: skip
"""Aggregates of binary floating-point numbers: their last digits change with the number of threads."""


def review(indicator: Indicator) -> None:
    """``QueryError`` when the SQL of *indicator* is anything but one SELECT that always gives the same answer."""
    _review(indicator.id, indicator.sql)


@lru_cache(maxsize=64)
def _review(indicator: str, sql: str) -> None:
    """What was found good once is not read again: an evaluation of many intervals would spend half its time here."""
    try:
        nodes = lockdown.check(sql)
    except QueryError as error:
        reason = str(error).removeprefix("query: ")
        raise QueryError("indicator {id}: query.sql: {reason}", id=indicator, reason=reason) from error
    known = VIEWS | {entry["key"] for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    for node in nodes:
        table = _table(node)
        if table and table not in known:
            raise QueryError(
                "indicator {id}: query.sql reads {table}, expected the views of the store: {views}",
                id=indicator, table=table, views=", ".join(sorted(VIEWS)),
            )  # fmt: skip
        name = str(node.get("function_name", "")).lower()
        if name in CHANGING or name in FLOATING:
            raise QueryError(
                "indicator {id}: query.sql uses {name}(), whose answer is not the same everywhere; count in whole numbers or decimals",
                id=indicator, name=name,
            )  # fmt: skip


def _table(node: dict[str, Any]) -> str:
    """The whole name of the table that *node* reads, empty when it reads none."""
    if node.get("type") != "BASE_TABLE":
        return ""
    parts = (node.get("catalog_name"), node.get("schema_name"), node.get("table_name"))
    return ".".join(str(part) for part in parts if part)
