"""How much risk is left in a de-identified product, measured: unicity, group size, linkage; small samples, drawn the same way each time.

Unicity(p): the share of groups (machines) that p random known points (time and published value) single out. Linkage: somebody owns the
original of every series and looks for its like among the published ones, whatever was shifted or scaled (z-normalised cross-correlation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from factory_kit.errors import QueryError
from factory_kit.model.product import Checks, DataProduct
from factory_kit.store.views import quoted

__all__ = ["ENOUGH_ROWS", "Original", "Risk", "coarse_series", "linkage", "residual_risk", "within"]

GROUPS = 200
MOMENTS = 64
BINS = 256
TRIALS = 200
KNOWN = (1, 2, 3, 4)
Matrix = npt.NDArray[np.float64]
Original = tuple[Sequence[str], Matrix]
ENOUGH_ROWS = 1_000_000
"""So many rows are looked at: a share of the time where there are more."""


@dataclass(frozen=True)
class Risk:
    """What is left: None where there is nothing to measure (no group, no number field, no quasi-identifier)."""

    groups: int
    field: str
    unicity: dict[int, Fraction] | None
    k: int | None
    quasi: tuple[str, ...]
    linked: Fraction | None
    scanned: int = 0
    """Names the leak scan looked for; it found none, or there would be no package."""


def residual_risk(
    product: DataProduct,
    checks: Checks,
    parts: Sequence[Path],
    original: Original | None,
    span: tuple[str, str],
    share: float,
) -> Risk:
    """The risk left in *parts* over *span* (SQL timestamps, UTC), the first *share* of it; *original* as ``coarse_series`` gave it."""
    per, time = checks.expected.per, checks.expected.time
    field = next((each.name for each in product.fields if each.type in ("decimal", "number") and not each.key), "")
    quasi = tuple(each.name for each in product.fields if each.type in ("string", "boolean") and not each.key)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        begun = within(time, span, share)
        files = ", ".join(quoted(str(part)) for part in parts)
        con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet([{files}]) WHERE {begun}")  # noqa: S608 - our own files
        groups, k = _groups(con, per, quasi)
        unicity = _unicity(_known(con, per, time, field)) if per and field and groups > 1 else None
        linked = None
        if original is not None and per and field and groups > 1:
            names, series = coarse_series(con, "rows", per, time, field)
            linked = linkage(original[0], original[1], names, series)
    return Risk(groups, field, unicity, k, quasi, linked)


def within(time: str, span: tuple[str, str], share: float) -> str:
    """The condition that *time* lies in the first *share* of *span*."""
    begins, ends = (f"epoch_us(TIMESTAMP '{each}')" for each in span)
    return f'epoch_us("{time}") >= {begins} AND epoch_us("{time}") < {begins} + CAST(({ends} - {begins}) * {share} AS BIGINT)'


def coarse_series(
    con: duckdb.DuckDBPyConnection, source: str, per: Sequence[str], time: str, field: str
) -> tuple[list[str], Matrix]:
    """Names of at most 200 groups of *source*, and their means over 256 equal parts of the time it spans."""
    group = _group(per)
    sql = (
        f'WITH r AS (SELECT {group} AS g, epoch_us("{time}") AS t, CAST("{field}" AS DOUBLE) AS v FROM ({_select(source)})), '  # noqa: S608
        f"s AS (SELECT min(t) AS a, greatest(max(t) - min(t), 1) AS w FROM r) "
        f"SELECT g, CAST(least((t - a) * {BINS} // w, {BINS - 1}) AS INTEGER) AS bin, avg(v) FROM r, s "
        f"WHERE g IN (SELECT DISTINCT g FROM r ORDER BY g LIMIT {GROUPS}) GROUP BY g, bin"
    )
    try:
        rows = con.execute(sql).fetchall()
    except duckdb.Error as error:
        raise QueryError(
            "the residual risk cannot be measured: {reason}", reason=" ".join(str(error).split())
        ) from error
    names = sorted({str(row[0]) for row in rows})
    places = {name: place for place, name in enumerate(names)}
    series = np.full((len(names), BINS), np.nan)
    for name, part, value in rows:
        series[places[str(name)], part] = np.nan if value is None else value
    return names, series


def linkage(
    names: Sequence[str], original: Matrix, published_names: Sequence[str], published: Matrix
) -> Fraction | None:
    """The share of *original* series whose nearest published one is their own; ties count as the chance they give."""
    common = [name for name in names if name in set(published_names)]
    if len(common) < 2:
        return None
    left, right = _normal(original), _normal(published)
    spectrum = np.fft.rfft(right, 2 * BINS, axis=1).conj()
    hits = Fraction(0)
    for name in common:
        across = np.fft.irfft(np.fft.rfft(left[list(names).index(name)], 2 * BINS) * spectrum, axis=1).max(axis=1)
        best = np.flatnonzero(across >= across.max() - 1e-9)
        if list(published_names).index(name) in best:
            hits += Fraction(1, len(best))
    return hits / len(common)


def _normal(series: Matrix) -> Matrix:
    """Every row with mean 0 and length 1; what is missing counts as the mean."""
    counted = np.isfinite(series)
    mean = np.where(counted, series, 0).sum(axis=1, keepdims=True) / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    centred = np.where(counted, series - mean, 0.0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1.0))


def _groups(con: duckdb.DuckDBPyConnection, per: Sequence[str], quasi: Sequence[str]) -> tuple[int, int | None]:
    """How many groups there are, and how many share the rarest combination of quasi-identifiers."""
    if not per:
        return 0, None
    found = con.execute(f"SELECT count(DISTINCT {_group(per)}) FROM rows").fetchone()  # noqa: S608
    groups = int(found[0]) if found else 0
    if not quasi:
        return groups, None
    names = ", ".join(f'"{name}"' for name in quasi)
    counted = f"SELECT count(DISTINCT {_group(per)}) AS n FROM rows GROUP BY {names}"  # noqa: S608 - names of declared fields
    rarest = con.execute(f"SELECT min(n) FROM ({counted})").fetchone()  # noqa: S608
    return groups, int(rarest[0]) if rarest and rarest[0] is not None else None


def _known(con: duckdb.DuckDBPyConnection, per: Sequence[str], time: str, field: str) -> Matrix:
    """Values of at most 200 groups at 64 moments, the same ones each time."""
    con.execute(
        f'CREATE TABLE moments AS SELECT DISTINCT "{time}" AS t FROM rows WHERE "{field}" IS NOT NULL USING SAMPLE reservoir({MOMENTS * 4} ROWS) REPEATABLE (1)'  # noqa: S608
    )
    sql = (
        f'SELECT {_group(per)} AS g, "{time}" AS t, any_value(CAST("{field}" AS DOUBLE)) FROM rows '  # noqa: S608
        f'WHERE "{time}" IN (SELECT t FROM moments ORDER BY hash(t), t LIMIT {MOMENTS}) GROUP BY g, t'
    )
    rows = con.execute(sql).fetchall()
    names = sorted({row[0] for row in rows})[:GROUPS]
    moments = sorted({row[1] for row in rows})
    values = np.full((len(names), max(len(moments), 1)), np.nan)
    at_name, at_moment = {n: i for i, n in enumerate(names)}, {m: i for i, m in enumerate(moments)}
    for name, moment, value in rows:
        if name in at_name and value is not None:
            values[at_name[name], at_moment[moment]] = value
    return values


def _unicity(values: Matrix) -> dict[int, Fraction]:
    """For each number of known points the share of groups they single out, over random choices."""
    chance = np.random.default_rng(1)
    result = {}
    for known in KNOWN:
        alone = tried = 0
        for trial in range(TRIALS):
            group = trial % len(values)
            there = np.flatnonzero(np.isfinite(values[group]))
            if len(there) < known:
                continue
            chosen = chance.choice(there, known, replace=False)
            tried += 1
            alone += int((values[:, chosen] == values[group, chosen]).all(axis=1).sum() == 1)
        if tried:
            result[known] = Fraction(alone, tried)
    return result


def _group(per: Sequence[str]) -> str:
    return "concat_ws('|', " + ", ".join(f'"{name}"' for name in per) + ")"


def _select(source: str) -> str:
    return source if source.lstrip()[:1] in "(-" or " " in source else f"SELECT * FROM {source}"  # noqa: S608
