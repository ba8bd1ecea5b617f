"""Roll-ups per minute: what a minute of a point was like, so that a month can be seen without reading every sample.

A minute stands for itself. Each sample holds until the next one of its point in the same minute, or to the minute's end; only
good samples with a finite number are weighed, so ``known_us`` is the time for which a value was known.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.store.collide import numbers

__all__ = ["MINUTE", "ROLLUP", "minutes", "sql"]

MINUTE = 60_000_000

ROLLUP = pa.schema(
    [
        pa.field("point", pa.int32(), nullable=False),
        pa.field("minute", pa.timestamp("us"), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("n_good", pa.int32(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("mean", "min", "max", "first", "last", "time_weighted_mean")),
        pa.field("known_us", pa.int64(), nullable=False),
    ]
)


def minutes(table: pa.Table) -> pa.Table:
    """The roll-up of samples in the order of a sealed file."""
    if not len(table):
        return ROLLUP.empty_table()
    point, time = numbers(table["point"]), numbers(table["time"])
    minute = time // MINUTE
    new = np.r_[True, (point[1:] != point[:-1]) | (minute[1:] != minute[:-1])]
    starts = np.flatnonzero(new)
    value = table["value"].combine_chunks()
    number = value.fill_null(np.nan).to_numpy(zero_copy_only=False)
    good = (numbers(table["quality"]) == 0) & np.isfinite(number)
    hold = _holds(time, minute, new)
    columns = {
        "point": pa.array(point[starts].astype(np.int32)),
        "minute": pa.array(minute[starts] * MINUTE).view(pa.timestamp("us")),
        "n": pa.array(np.diff(np.r_[starts, len(time)]).astype(np.int32)),
        **_figures(starts, number, good, hold),
    }
    return pa.Table.from_arrays([columns[name] for name in ROLLUP.names], schema=ROLLUP)


def sql(source: str) -> str:
    """The same roll-up as a query over *source*, a relation with the columns of ``samples``."""
    return f"""
        SELECT point, minute, CAST(count(*) AS INTEGER) AS n, CAST(count(*) FILTER (good) AS INTEGER) AS n_good,
            avg(value) FILTER (good) AS mean, min(value) FILTER (good) AS min, max(value) FILTER (good) AS max,
            arg_min(value, time) FILTER (good) AS first, arg_max(value, time) FILTER (good) AS last,
            sum(value * hold) FILTER (good) / sum(hold) FILTER (good) AS time_weighted_mean,
            CAST(coalesce(sum(hold) FILTER (good), 0) AS BIGINT) AS known_us
        FROM (
            SELECT point, time, value, date_trunc('minute', time) AS minute,
                quality = 0 AND coalesce(isfinite(value), false) AS good,
                epoch_us(coalesce(lead(time) OVER (PARTITION BY point, date_trunc('minute', time) ORDER BY time),
                    date_trunc('minute', time) + INTERVAL 1 MINUTE)) - epoch_us(time) AS hold
            FROM {source})
        GROUP BY point, minute
    """  # noqa: S608 - our own relations


def _holds(
    time: npt.NDArray[np.int64], minute: npt.NDArray[np.int64], new: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """For how long each sample stands."""
    until = (minute + 1) * MINUTE
    follows = ~new[1:]
    until[:-1][follows] = time[1:][follows]
    return until - time


def _figures(
    starts: npt.NDArray[np.intp],
    number: npt.NDArray[np.float64],
    good: npt.NDArray[np.bool_],
    hold: npt.NDArray[np.int64],
) -> dict[str, pa.Array]:
    """The figures over the good samples of each group."""
    count = np.add.reduceat(good, starts, dtype=np.int64)
    none = count == 0
    zeroed = np.where(good, number, 0.0)
    known = np.add.reduceat(np.where(good, hold, 0), starts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        figures = {
            "mean": np.add.reduceat(zeroed, starts) / count,
            "min": np.minimum.reduceat(np.where(good, number, np.inf), starts),
            "max": np.maximum.reduceat(np.where(good, number, -np.inf), starts),
            "first": number[_first_good(good, starts)],
            "last": number[_last_good(good, starts)],
            "time_weighted_mean": np.add.reduceat(zeroed * hold, starts) / known,
        }
    return {
        **{name: pa.array(figure, mask=none) for name, figure in figures.items()},
        "n_good": pa.array(count.astype(np.int32)),
        "known_us": pa.array(known),
    }


def _first_good(good: npt.NDArray[np.bool_], starts: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """The row of the first good sample of each group; any row where there is none."""
    rows = np.where(good, np.arange(len(good)), len(good) - 1)
    return np.minimum.reduceat(rows, starts)


def _last_good(good: npt.NDArray[np.bool_], starts: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    rows = np.where(good, np.arange(len(good)), 0)
    return np.maximum.reduceat(rows, starts)
