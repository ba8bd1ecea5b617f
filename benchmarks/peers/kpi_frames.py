"""The sums of the KPIs with pandas and with polars, as one writes them for such data: the peers of ``benchmarks/kpi.py``.

They know that the benchmark's runs are live with clocks that agree, that its counters fall only when they are reset, and that no bad
sample lies in a gap; ours may not know it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.peers.kpi_given import BLOCK, DOWN, PRODUCING, SETUP, UNKNOWN, Figures, Given

COLUMNS = ["point", "time", "value", "quality", "run"]
BUSY = (PRODUCING, SETUP)
TOGETHER = 10
"""Machines: about six million samples of the full run."""


def with_pandas(given: Given) -> Figures:
    """Every sum by equipment, some machines at a time: all samples at once do not fit a usual memory."""
    return {name: figures for part in _portions(given) for name, figures in _pandas(part).items()}


def with_polars(given: Given) -> Figures:
    """Every sum by equipment, as many machines at a time as with pandas."""
    return {name: figures for part in _portions(given) for name, figures in _polars(part).items()}


def _portions(given: Given) -> Iterator[Given]:
    names = sorted({name for _point, name, _role, _pace in given.points})
    for first in range(0, len(names), TOGETHER):
        some = set(names[first : first + TOGETHER])
        points = [each for each in given.points if each[1] in some]
        numbers = {each[0] for each in points}
        yield replace(given, points=points, gaps=[gap for gap in given.gaps if gap[0] in numbers])


def _pandas(given: Given) -> Figures:  # noqa: PLR0915 - one script, as an analyst writes it
    import pandas as pd
    import pyarrow.parquet as pq

    points = pd.DataFrame(given.points, columns=["point", "equipment", "role", "pace"]).astype({"point": "int32"})
    low, high = given.points[0][0], given.points[-1][0]
    wanted = [("point", ">=", low), ("point", "<=", high)]
    parts = [
        pq.read_table(path, columns=COLUMNS, read_dictionary=["run"], filters=wanted).to_pandas()
        for path in given.files
    ]
    samples = pd.concat(parts, ignore_index=True).merge(points, on="point")
    del parts
    samples["time"] = samples["time"].astype("datetime64[us]").astype("int64")
    samples = samples[samples["time"] < given.stop].sort_values(["point", "time"], ignore_index=True)
    ended = pd.Series(dict(given.runs))
    watch = samples.groupby(["point", "run"], observed=True)["time"].min().reset_index(name="start")
    watch["end"] = watch["run"].astype(str).map(ended)
    bad = samples["quality"].eq(2)
    following = samples.groupby("point")["time"].shift(-1).fillna(given.stop).astype("int64")
    unsure = pd.concat(
        [
            pd.DataFrame(given.gaps, columns=["point", "start", "end"]).astype({"point": "int32"}),
            pd.DataFrame({"point": samples["point"][bad], "start": samples["time"][bad], "end": following[bad]}),
        ]
    )
    edges = pd.concat(
        [
            pd.DataFrame({"point": part["point"], "t": part[side], "watch": step * here, "doubt": step * (1 - here)})
            for part, here in ((watch, 1), (unsure, 0))
            for side, step in (("start", 1), ("end", -1))
        ]
    )
    known = edges.groupby(["point", "t"])[["watch", "doubt"]].sum().groupby(level=0).cumsum().reset_index()
    known["known"] = (known["watch"] > 0) & (known["doubt"] == 0)
    known["until"] = known.groupby("point")["t"].shift(-1).fillna(given.stop).astype("int64")
    known["part"] = (known["until"] - known["t"]) * known["known"]
    known["before"] = known.groupby("point")["part"].cumsum() - known["part"]
    known = known.merge(points, on="point")
    codes = pd.Series({float(raw): code for raw, code in given.codes.items()})
    said = samples[samples["role"].eq("state") & ~bad]
    said = pd.DataFrame({"equipment": said["equipment"], "t": said["time"], "code": said["value"].map(codes)})

    def timeline(roles: Sequence[str]) -> Any:
        sure = known[known["role"].isin(roles) & known["known"]]
        marks = [said.assign(know=0, plan=0)]
        for side, step in (("t", 1), ("until", -1)):
            marks.append(pd.DataFrame({"equipment": sure["equipment"], "t": sure[side], "know": step, "plan": 0}))
        names = points["equipment"].unique()
        for start, end in given.planned:
            marks += [
                pd.DataFrame({"equipment": names, "t": t, "know": 0, "plan": step})
                for t, step in ((start, 1), (end, -1))
            ]
        marks += [pd.DataFrame({"equipment": names, "t": t, "know": 0, "plan": 0}) for t in (given.start, given.stop)]
        line = pd.concat(marks).groupby(["equipment", "t"]).agg({"code": "max", "know": "sum", "plan": "sum"})
        by = line.groupby(level=0)
        line["code"], line["know"], line["plan"] = by["code"].ffill(), by["know"].cumsum(), by["plan"].cumsum()
        line = line.reset_index()
        line["until"] = line.groupby("equipment")["t"].shift(-1)
        line = line[line["t"].ge(given.start) & line["t"].lt(given.stop)].copy()
        line["code"] = np.where(line["know"].eq(len(roles)), line["code"].fillna(UNKNOWN), UNKNOWN).astype(int)
        line["length"] = (line["until"] - line["t"]).astype("int64")
        return line

    line, narrow = timeline(["state"]), timeline(["state", "total_count", "good_count"])
    readings = samples[~bad & samples["role"].ne("state")].copy()
    scale = np.where(readings["role"].eq("active_energy"), 1_000_000, 1)
    readings["shown"] = (readings["value"] * scale).round().astype("int64")
    by = readings.groupby("point")
    readings["start"], readings["amount"] = by["time"].shift(1), by["shown"].diff()
    readings["amount"] = readings["amount"].where(readings["amount"] >= 0, readings["shown"])
    added = readings[readings["start"].notna() & readings["amount"].gt(0) & readings["time"].ge(given.start)].copy()
    added[["start", "amount"]] = added[["start", "amount"]].astype("int64")
    added = added[
        added["amount"]
        <= np.where(
            added["role"].eq("active_energy"),
            given.kw * (added["time"] - added["start"]) // 3600,
            given.slack + given.factor * (added["time"] - added["start"]) // added["pace"],
        )
    ]
    pieces = added[added["role"].ne("active_energy")]

    def until(rises: Any, side: str, table: Any, key: str, columns: Sequence[str]) -> Any:
        left = rises[[key, side]].rename(columns={side: "t"}).reset_index().sort_values("t")
        return (
            pd.merge_asof(left, table[[key, "t", *columns]].sort_values("t"), on="t", by=key)
            .set_index("index")
            .loc[rises.index]
        )

    seen = {}
    for side in ("start", "time"):
        at = until(pieces, side, known.assign(at=known["t"]), "point", ["before", "known", "at"])
        seen[side] = at["before"] + at["known"] * (at["t"] - at["at"])
    elapsed = pieces["time"] - pieces["start"]
    unseen = elapsed - (seen["time"] - seen["start"])
    micro = 1_000_000 * pieces["amount"] - 1_000_000 * pieces["amount"] * unseen.astype("int64") // elapsed
    place = until(pieces, "time", narrow, "equipment", ["plan", "code"])
    sure = place["plan"].gt(0) & place["code"].ne(UNKNOWN)
    counted = micro[sure].groupby([pieces["equipment"][sure], pieces["role"][sure]]).sum()
    meters = added[added["role"].eq("active_energy")]
    line["idle"] = line["length"] * ~line["code"].isin([*BUSY, UNKNOWN])
    line["busy"] = line["length"] * line["code"].isin(BUSY)
    for kind in ("idle", "busy"):
        line[f"{kind}_before"] = line.groupby("equipment")[kind].cumsum() - line[kind]
    took = {}
    for kind, chosen in (("idle", ~line["code"].isin([*BUSY, UNKNOWN])), ("busy", line["code"].isin(BUSY))):
        table = line.assign(at=line["t"], chosen=chosen)
        ends = [
            until(meters, side, table, "equipment", [f"{kind}_before", "chosen", "at"]) for side in ("start", "time")
        ]
        first, last = (
            (each[f"{kind}_before"] + each["chosen"].fillna(False).astype(int) * (each["t"] - each["at"])).fillna(0)
            for each in ends
        )
        took[kind] = (last - first).astype("int64")
    elapsed = meters["time"] - meters["start"]
    idle = meters["amount"] * took["idle"] // elapsed
    busy = np.where(
        took["idle"] + took["busy"] == elapsed, meters["amount"] - idle, meters["amount"] * took["busy"] // elapsed
    )
    table = pd.DataFrame({
        "equipment": meters["equipment"], "idle": idle, "busy": busy, "all": meters["amount"],
        "surely_idle": meters["amount"] * took["idle"].eq(elapsed), "surely_busy": meters["amount"] * took["busy"].eq(elapsed),
    })  # fmt: skip
    energy = table.groupby("equipment").sum()
    planned = line[line["plan"].gt(0)]
    hours = planned.groupby(["equipment", "code"])["length"].sum()
    narrow_hours = narrow[narrow["plan"].gt(0)].groupby(["equipment", "code"])["length"].sum()
    down = planned[planned["code"].ne(UNKNOWN)].assign(down=lambda each: each["code"].eq(DOWN))
    failures = (
        (down["down"] & ~down.groupby("equipment")["down"].shift(1).fillna(False).astype(bool))
        .groupby(down["equipment"])
        .sum()
    )
    level = readings[readings["role"].eq("active_energy")].merge(
        added["amount"].rename("added"), how="left", left_index=True, right_index=True
    )
    peaks = {
        name: _peak(part["time"].to_numpy(), np.cumsum(part["added"].fillna(0).to_numpy()), given)
        for name, part in level.groupby("equipment")
    }
    return {
        name: (
            *(int(hours.get((name, code), 0)) for code in range(UNKNOWN + 1)),
            *(int(narrow_hours.get((name, code), 0)) for code in range(UNKNOWN + 1)),
            int(failures.get(name, 0)), int(counted.get((name, "total_count"), 0)), int(counted.get((name, "good_count"), 0)),
            *(int(energy.loc[name, column]) for column in ("idle", "busy", "all", "surely_idle", "surely_busy")), peaks[name],
        )
        for name in points["equipment"].unique()
    }  # fmt: skip


def _peak(times: Any, level: Any, given: Given) -> float:
    """The highest quarter of an hour that close readings enclose, kW."""
    edges = np.arange(given.start, given.stop + 1, BLOCK)
    kw = np.diff(np.interp(edges, times, level / 1e6)) * 4
    wide = np.flatnonzero(np.diff(times) > BLOCK)
    known = (edges[:-1] >= times[0]) & (edges[1:] <= times[-1])
    for start, end in zip(times[wide], times[wide + 1], strict=True):
        known &= (edges[:-1] >= end) | (edges[1:] <= start)
    return float(np.max(kw[known]))


def _polars(given: Given) -> Figures:  # noqa: PLR0915 - one script, as an analyst writes it
    import polars as pl

    time, point = pl.col("time"), pl.col("point")
    schema = {"point": pl.Int32, "equipment": pl.String, "role": pl.String, "pace": pl.Int64}
    points = pl.DataFrame(given.points, schema=schema, orient="row")
    samples = (
        pl.concat([pl.scan_parquet(path).select(COLUMNS) for path in given.files])
        .filter(point.is_between(given.points[0][0], given.points[-1][0]))
        .with_columns(time.cast(pl.Datetime("us")).cast(pl.Int64))
        .filter(time < given.stop)
        .sort("point", "time")
        .collect()
    )
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
    known = (
        edges.group_by("point", "t").sum().sort("point", "t")
        .with_columns(pl.col("watch", "doubt").cum_sum().over("point"), pl.col("t").shift(-1).over("point").fill_null(given.stop).alias("until"))
        .with_columns((pl.col("watch") > 0).and_(pl.col("doubt") == 0).alias("known"), pl.col("t").alias("at"))
        .with_columns(((pl.col("until") - pl.col("t")) * pl.col("known").cast(pl.Int64)).alias("part"))
        .with_columns((pl.col("part").cum_sum().over("point") - pl.col("part")).alias("before"))
        .join(points, on="point")
    )  # fmt: skip
    samples = samples.join(points, on="point", maintain_order="left")
    codes = {float(raw): code for raw, code in given.codes.items()}
    good = samples.filter(pl.col("quality") < 2)
    said = good.filter(pl.col("role") == "state").select(
        "equipment", time.alias("t"), pl.col("value").replace_strict(codes, default=UNKNOWN, return_dtype=pl.Int64).alias("code")
    )  # fmt: skip
    names = points.select("equipment").unique()

    def mark(frame: Any, t: Any, know: int, plan: int) -> Any:
        return frame.select(
            "equipment",
            t.cast(pl.Int64).alias("t"),
            pl.lit(None, pl.Int64).alias("code"),
            pl.lit(know).alias("know"),
            pl.lit(plan).alias("plan"),
        )

    def timeline(roles: Sequence[str]) -> Any:
        sure = known.filter(pl.col("role").is_in(list(roles)) & pl.col("known"))
        marks = [
            said.with_columns(pl.lit(0).alias("know"), pl.lit(0).alias("plan")),
            mark(sure, pl.col("t"), 1, 0),
            mark(sure, pl.col("until"), -1, 0),
        ]
        marks += [
            mark(names, pl.lit(t), 0, step) for start, end in given.planned for t, step in ((start, 1), (end, -1))
        ]
        marks += [mark(names, pl.lit(t), 0, 0) for t in (given.start, given.stop)]
        code = pl.when(pl.col("know") == len(roles)).then(pl.col("code").fill_null(UNKNOWN)).otherwise(UNKNOWN)
        return (
            pl.concat(marks).group_by("equipment", "t").agg(pl.col("code").max(), pl.col("know", "plan").sum()).sort("equipment", "t")
            .with_columns(pl.col("code").forward_fill().over("equipment"), pl.col("know", "plan").cum_sum().over("equipment"), pl.col("t").shift(-1).over("equipment").alias("until"))
            .filter(pl.col("t").is_between(given.start, given.stop - 1))
            .with_columns(code.alias("code"), (pl.col("until") - pl.col("t")).alias("length"), pl.col("t").alias("at"))
        )  # fmt: skip

    line, narrow = timeline(["state"]), timeline(["state", "total_count", "good_count"])
    energy = pl.col("role") == "active_energy"
    elapsed = time - pl.col("start")
    most = (
        pl.when(energy)
        .then(given.kw * elapsed // 3600)
        .otherwise(given.slack + given.factor * elapsed // pl.col("pace"))
    )
    readings = (
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
    added = readings.filter((pl.col("amount") > 0) & (time >= given.start))

    def until(rises: Any, side: str, table: Any, key: str, columns: Sequence[str]) -> Any:
        """*rises* with *columns* of what held at *side*, suffixed by it."""
        right = table.select(
            key, pl.col("t").alias(side), *(pl.col(name).alias(f"{name}_{side}") for name in columns)
        ).sort(side)
        return rises.sort(side).join_asof(right, on=side, by=key, check_sortedness=False)

    def at(kind: str, held: str, side: str) -> Any:
        inside = pl.col(f"{held}_{side}").cast(pl.Int64) * (pl.col(side) - pl.col(f"at_{side}"))
        return (pl.col(f"{kind}_{side}") + inside).fill_null(0)

    pieces = added.filter(~energy)
    for side in ("start", "time"):
        pieces = until(pieces, side, known, "point", ["before", "known", "at"])
    unseen = elapsed - (at("before", "known", "time") - at("before", "known", "start"))
    pieces = until(
        pieces.with_columns((1_000_000 * pl.col("amount") - 1_000_000 * pl.col("amount") * unseen // elapsed).alias("micro")).drop("at_time"),
        "time", narrow, "equipment", ["plan", "code"],
    )  # fmt: skip
    sure = (pl.col("plan_time") > 0) & (pl.col("code_time") != UNKNOWN)
    by_role = pieces.filter(sure).group_by("equipment", "role").agg(pl.col("micro").sum())
    counted = {(name, role): total for name, role, total in by_role.iter_rows()}
    busy, idle = pl.col("code").is_in(BUSY), ~pl.col("code").is_in([*BUSY, UNKNOWN])
    load = line.with_columns(busy.alias("busy"), idle.alias("idle"))
    for kind in ("busy", "idle"):
        length = pl.col("length") * pl.col(kind).cast(pl.Int64)
        load = load.with_columns((length.cum_sum().over("equipment") - length).alias(f"{kind}_before"))
    meters = added.filter(energy)
    for side in ("start", "time"):
        meters = until(meters, side, load, "equipment", ["busy_before", "idle_before", "busy", "idle", "at"])
    took = {kind: at(f"{kind}_before", kind, "time") - at(f"{kind}_before", kind, "start") for kind in ("busy", "idle")}
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
    of_energy = {name: rest for name, *rest in sums.iter_rows()}
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
    levels = readings.filter(energy).group_by("equipment", maintain_order=True).agg("time", amount.cum_sum())
    peaks = {name: _peak(np.array(times), np.array(level), given) for name, times, level in levels.iter_rows()}
    return {
        name: (
            *(hours.get((name, code), 0) for code in range(UNKNOWN + 1)),
            *(narrow_hours.get((name, code), 0) for code in range(UNKNOWN + 1)),
            failures[name], counted[name, "total_count"], counted[name, "good_count"], *of_energy[name], peaks[name],
        )
        for (name,) in names.iter_rows()
    }  # fmt: skip
