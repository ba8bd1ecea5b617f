"""The sums of the KPIs with polars, as one writes them for such data: a peer of ``benchmarks/kpi.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.kpi_given import BUSY, COLUMNS, DOWN, UNKNOWN, Figures, Given, peak_of

__all__ = ["figures_of"]

time, elapsed, energy = pl.col("time"), pl.col("time") - pl.col("start"), pl.col("role") == "active_energy"


def figures_of(given: Given) -> Figures:
    """Every sum by equipment."""
    schema = {"point": pl.Int32, "equipment": pl.String, "role": pl.String, "pace": pl.Int64}
    points = pl.DataFrame(given.points, schema=schema, orient="row")
    samples = _samples(given)
    known = _known(given, samples).join(points, on="point")
    good = samples.join(points, on="point", maintain_order="left").filter(pl.col("quality") < 2)
    said, names = _said(given, good), points.select("equipment").unique()
    line = _timeline(given, names, known, said, ["state"])
    narrow = _timeline(given, names, known, said, ["state", "total_count", "good_count"])
    readings = _readings(given, good)
    added = readings.filter((pl.col("amount") > 0) & (time >= given.start))
    counted = _counted(added.filter(~energy), known, narrow)
    of_energy = _energy(added.filter(energy), line)
    hours, narrow_hours = (
        {
            (name, code): us
            for name, code, us in each.filter(pl.col("plan") > 0)
            .group_by("equipment", "code")
            .agg(pl.col("length").sum())
            .iter_rows()
        }
        for each in (line, narrow)
    )
    down = line.filter((pl.col("plan") > 0) & (pl.col("code") != UNKNOWN)).with_columns(
        (pl.col("code") == DOWN).alias("down")
    )
    failures = dict(
        down.group_by("equipment").agg((pl.col("down") & ~pl.col("down").shift(1).fill_null(False)).sum()).iter_rows()
    )
    levels = readings.filter(energy).group_by("equipment", maintain_order=True).agg("time", pl.col("amount").cum_sum())
    peaks = {name: peak_of(np.array(times), np.array(level), given) for name, times, level in levels.iter_rows()}
    return {
        name: (
            *(hours.get((name, code), 0) for code in range(UNKNOWN + 1)),
            *(narrow_hours.get((name, code), 0) for code in range(UNKNOWN + 1)),
            failures[name], counted[name, "total_count"], counted[name, "good_count"], *of_energy[name], peaks[name],
        )
        for (name,) in names.iter_rows()
    }  # fmt: skip


def _samples(given: Given) -> Any:
    """The samples before the end, in order."""
    point = pl.col("point")
    return (
        pl.concat([pl.scan_parquet(path).select(COLUMNS) for path in given.files])
        .filter(point.is_between(given.points[0][0], given.points[-1][0]))
        .with_columns(time.cast(pl.Datetime("us")).cast(pl.Int64))
        .filter(time < given.stop)
        .sort("point", "time")
        .collect()
    )


def _known(given: Given, samples: Any) -> Any:
    """When the value of each point was known, and how long before."""
    ended = pl.DataFrame(given.runs, schema={"run": pl.String, "end": pl.Int64}, orient="row")
    watch = (
        samples.group_by("point", "run")
        .agg(time.min().alias("start"))
        .with_columns(pl.col("run").cast(pl.String))
        .join(ended, on="run")
    )
    following = time.shift(-1).over("point").fill_null(given.stop)
    bad = (
        samples.filter(pl.col("quality").eq(2).any().over("point"))
        .with_columns(following.alias("end"))
        .filter(pl.col("quality") == 2)
    )
    gaps = pl.DataFrame(given.gaps, schema={"point": pl.Int32, "start": pl.Int64, "end": pl.Int64}, orient="row")
    unsure = pl.concat([gaps, bad.select("point", time.alias("start"), "end")])
    edges = pl.concat(
        part.select(
            "point",
            pl.col(side).alias("t"),
            pl.lit(step * here).alias("watch"),
            pl.lit(step * (1 - here)).alias("doubt"),
        )
        for part, here in ((watch, 1), (unsure, 0))
        for side, step in (("start", 1), ("end", -1))
    )
    return (
        edges.group_by("point", "t").sum().sort("point", "t")
        .with_columns(pl.col("watch", "doubt").cum_sum().over("point"), pl.col("t").shift(-1).over("point").fill_null(given.stop).alias("until"))
        .with_columns((pl.col("watch") > 0).and_(pl.col("doubt") == 0).alias("known"), pl.col("t").alias("at"))
        .with_columns(((pl.col("until") - pl.col("t")) * pl.col("known").cast(pl.Int64)).alias("part"))
        .with_columns((pl.col("part").cum_sum().over("point") - pl.col("part")).alias("before"))
    )  # fmt: skip


def _said(given: Given, good: Any) -> Any:
    """The states that machines told."""
    codes = {float(raw): code for raw, code in given.codes.items()}
    return good.filter(pl.col("role") == "state").select(
        "equipment", time.alias("t"), pl.col("value").replace_strict(codes, default=UNKNOWN, return_dtype=pl.Int64).alias("code")
    )  # fmt: skip


def _mark(frame: Any, t: Any, know: int, plan: int) -> Any:
    """An edge of *frame* at *t*."""
    return frame.select(
        "equipment",
        t.cast(pl.Int64).alias("t"),
        pl.lit(None, pl.Int64).alias("code"),
        pl.lit(know).alias("know"),
        pl.lit(plan).alias("plan"),
    )


def _timeline(given: Given, names: Any, known: Any, said: Any, roles: Sequence[str]) -> Any:
    """The window from end to end for each machine: state where *roles* are known, and plan."""
    sure = known.filter(pl.col("role").is_in(list(roles)) & pl.col("known"))
    marks = [
        said.with_columns(pl.lit(0).alias("know"), pl.lit(0).alias("plan")),
        _mark(sure, pl.col("t"), 1, 0),
        _mark(sure, pl.col("until"), -1, 0),
    ]
    marks += [_mark(names, pl.lit(t), 0, step) for start, end in given.planned for t, step in ((start, 1), (end, -1))]
    marks += [_mark(names, pl.lit(t), 0, 0) for t in (given.start, given.stop)]
    code = pl.when(pl.col("know") == len(roles)).then(pl.col("code").fill_null(UNKNOWN)).otherwise(UNKNOWN)
    return (
        pl.concat(marks).group_by("equipment", "t").agg(pl.col("code").max(), pl.col("know", "plan").sum()).sort("equipment", "t")
        .with_columns(pl.col("code").forward_fill().over("equipment"), pl.col("know", "plan").cum_sum().over("equipment"), pl.col("t").shift(-1).over("equipment").alias("until"))
        .filter(pl.col("t").is_between(given.start, given.stop - 1))
        .with_columns(code.alias("code"), (pl.col("until") - pl.col("t")).alias("length"), pl.col("t").alias("at"))
    )  # fmt: skip


def _readings(given: Given, good: Any) -> Any:
    """What counters showed, and what each reading believably added."""
    most = (
        pl.when(energy)
        .then(given.kw * elapsed // 3600)
        .otherwise(given.slack + given.factor * elapsed // pl.col("pace"))
    )
    return (
        good.filter(pl.col("role") != "state")
        .with_columns(
            (pl.col("value") * pl.when(energy).then(1_000_000).otherwise(1)).round().cast(pl.Int64).alias("shown")
        )
        .with_columns(time.shift(1).over("point").alias("start"), pl.col("shown").diff().over("point").alias("amount"))
        .with_columns(
            pl.when(pl.col("amount") >= 0)
            .then(pl.col("amount"))
            .when(pl.col("amount") < 0)
            .then(pl.col("shown"))
            .otherwise(0)
            .alias("amount")
        )
        .with_columns(pl.when(pl.col("amount") <= most).then(pl.col("amount")).otherwise(0).alias("amount"))
    )


def _until(rises: Any, side: str, table: Any, key: str, columns: Sequence[str]) -> Any:
    """*rises* with *columns* of what held at *side*, suffixed by it."""
    right = table.select(
        key, pl.col("t").alias(side), *(pl.col(name).alias(f"{name}_{side}") for name in columns)
    ).sort(side)
    return rises.sort(side).join_asof(right, on=side, by=key, check_sortedness=False)


def _at(kind: str, held: str, side: str) -> Any:
    """How much of *kind* lay before *side*."""
    inside = pl.col(f"{held}_{side}").cast(pl.Int64) * (pl.col(side) - pl.col(f"at_{side}"))
    return (pl.col(f"{kind}_{side}") + inside).fill_null(0)


def _counted(pieces: Any, known: Any, narrow: Any) -> dict[tuple[str, str], int]:
    """Pieces in millionths by equipment and role."""
    for side in ("start", "time"):
        pieces = _until(pieces, side, known, "point", ["before", "known", "at"])
    unseen = elapsed - (_at("before", "known", "time") - _at("before", "known", "start"))
    pieces = _until(
        pieces.with_columns((1_000_000 * pl.col("amount") - 1_000_000 * pl.col("amount") * unseen // elapsed).alias("micro")).drop("at_time"),
        "time", narrow, "equipment", ["plan", "code"],
    )  # fmt: skip
    sure = (pl.col("plan_time") > 0) & (pl.col("code_time") != UNKNOWN)
    by_role = pieces.filter(sure).group_by("equipment", "role").agg(pl.col("micro").sum())
    return {(name, role): total for name, role, total in by_role.iter_rows()}


def _energy(meters: Any, line: Any) -> dict[str, list[int]]:
    """Energy by equipment and by what the machine did."""
    busy, idle = pl.col("code").is_in(BUSY), ~pl.col("code").is_in([*BUSY, UNKNOWN])
    load = line.with_columns(busy.alias("busy"), idle.alias("idle"))
    for kind in ("busy", "idle"):
        length = pl.col("length") * pl.col(kind).cast(pl.Int64)
        load = load.with_columns((length.cum_sum().over("equipment") - length).alias(f"{kind}_before"))
    for side in ("start", "time"):
        meters = _until(meters, side, load, "equipment", ["busy_before", "idle_before", "busy", "idle", "at"])
    took = {
        kind: _at(f"{kind}_before", kind, "time") - _at(f"{kind}_before", kind, "start") for kind in ("busy", "idle")
    }
    meters = meters.with_columns(took["busy"].alias("b"), took["idle"].alias("i"), elapsed.alias("e"))
    amount, idle_part = pl.col("amount"), pl.col("amount") * pl.col("i") // pl.col("e")
    clear = pl.col("i") + pl.col("b") == pl.col("e")
    sums = meters.group_by("equipment").agg(
        idle_part.sum().alias("idle"),
        pl.when(clear).then(amount - idle_part).otherwise(amount * pl.col("b") // pl.col("e")).sum().alias("busy"),
        amount.sum().alias("all"),
        amount.filter(pl.col("i") == pl.col("e")).sum().alias("surely_idle"),
        amount.filter(pl.col("b") == pl.col("e")).sum().alias("surely_busy"),
    )
    return {name: rest for name, *rest in sums.iter_rows()}
