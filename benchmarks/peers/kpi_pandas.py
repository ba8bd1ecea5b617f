"""The sums of the KPIs with pandas, as one writes them for such data: a peer of ``benchmarks/kpi.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.peers.kpi_given import BUSY, COLUMNS, DOWN, UNKNOWN, Figures, Given, peak_of

__all__ = ["figures_of"]


def figures_of(given: Given) -> Figures:
    """Every sum by equipment."""
    points = pd.DataFrame(given.points, columns=["point", "equipment", "role", "pace"]).astype({"point": "int32"})
    samples = _samples(given, points)
    bad = samples["quality"].eq(2)
    known = _known(given, samples, bad).merge(points, on="point")
    said = _said(given, samples, bad)
    line = _timeline(given, points, known, said, ["state"])
    narrow = _timeline(given, points, known, said, ["state", "total_count", "good_count"])
    readings = _readings(samples[~bad & samples["role"].ne("state")].copy())
    added = _added(given, readings)
    counted, energy = _counted(added, known, narrow), _energy(added, line)
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
        name: peak_of(part["time"].to_numpy(), np.cumsum(part["added"].fillna(0).to_numpy()), given)
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


def _samples(given: Given, points: Any) -> Any:
    """The samples before the end, in order, with what the catalogue says of their points."""
    low, high = given.points[0][0], given.points[-1][0]
    wanted = [("point", ">=", low), ("point", "<=", high)]
    parts = [
        pq.read_table(path, columns=COLUMNS, read_dictionary=["run"], filters=wanted).to_pandas()
        for path in given.files
    ]
    samples = pd.concat(parts, ignore_index=True).merge(points, on="point")
    del parts
    samples["time"] = samples["time"].astype("datetime64[us]").astype("int64")
    return samples[samples["time"] < given.stop].sort_values(["point", "time"], ignore_index=True)


def _known(given: Given, samples: Any, bad: Any) -> Any:
    """When the value of each point was known, and how long before."""
    ended = pd.Series(dict(given.runs))
    watch = samples.groupby(["point", "run"], observed=True)["time"].min().reset_index(name="start")
    watch["end"] = watch["run"].astype(str).map(ended)
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
    return known


def _said(given: Given, samples: Any, bad: Any) -> Any:
    """The states that machines told."""
    codes = pd.Series({float(raw): code for raw, code in given.codes.items()})
    said = samples[samples["role"].eq("state") & ~bad]
    return pd.DataFrame({"equipment": said["equipment"], "t": said["time"], "code": said["value"].map(codes)})


def _timeline(given: Given, points: Any, known: Any, said: Any, roles: Sequence[str]) -> Any:
    """The window from end to end for each machine: state where *roles* are known, and plan."""
    sure = known[known["role"].isin(roles) & known["known"]]
    marks = [said.assign(know=0, plan=0)]
    for side, step in (("t", 1), ("until", -1)):
        marks.append(pd.DataFrame({"equipment": sure["equipment"], "t": sure[side], "know": step, "plan": 0}))
    names = points["equipment"].unique()
    for start, end in given.planned:
        marks += [
            pd.DataFrame({"equipment": names, "t": t, "know": 0, "plan": step}) for t, step in ((start, 1), (end, -1))
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


def _readings(readings: Any) -> Any:
    """What counters showed, and what each reading added."""
    scale = np.where(readings["role"].eq("active_energy"), 1_000_000, 1)
    readings["shown"] = (readings["value"] * scale).round().astype("int64")
    by = readings.groupby("point")
    readings["start"], readings["amount"] = by["time"].shift(1), by["shown"].diff()
    readings["amount"] = readings["amount"].where(readings["amount"] >= 0, readings["shown"])
    return readings


def _added(given: Given, readings: Any) -> Any:
    """The readings that added something believable."""
    added = readings[readings["start"].notna() & readings["amount"].gt(0) & readings["time"].ge(given.start)].copy()
    added[["start", "amount"]] = added[["start", "amount"]].astype("int64")
    return added[
        added["amount"]
        <= np.where(
            added["role"].eq("active_energy"),
            given.kw * (added["time"] - added["start"]) // 3600,
            given.slack + given.factor * (added["time"] - added["start"]) // added["pace"],
        )
    ]


def _until(rises: Any, side: str, table: Any, key: str, columns: Sequence[str]) -> Any:
    """*columns* of *table* that held at *side* of each of *rises*."""
    left = rises[[key, side]].rename(columns={side: "t"}).reset_index().sort_values("t")
    return (
        pd.merge_asof(left, table[[key, "t", *columns]].sort_values("t"), on="t", by=key)
        .set_index("index")
        .loc[rises.index]
    )


def _counted(added: Any, known: Any, narrow: Any) -> Any:
    """Pieces in millionths by equipment and role."""
    pieces = added[added["role"].ne("active_energy")]
    seen = {}
    for side in ("start", "time"):
        at = _until(pieces, side, known.assign(at=known["t"]), "point", ["before", "known", "at"])
        seen[side] = at["before"] + at["known"] * (at["t"] - at["at"])
    elapsed = pieces["time"] - pieces["start"]
    unseen = elapsed - (seen["time"] - seen["start"])
    micro = 1_000_000 * pieces["amount"] - 1_000_000 * pieces["amount"] * unseen.astype("int64") // elapsed
    place = _until(pieces, "time", narrow, "equipment", ["plan", "code"])
    sure = place["plan"].gt(0) & place["code"].ne(UNKNOWN)
    return micro[sure].groupby([pieces["equipment"][sure], pieces["role"][sure]]).sum()


def _energy(added: Any, line: Any) -> Any:
    """Energy by equipment and by what the machine did."""
    meters = added[added["role"].eq("active_energy")]
    line["idle"] = line["length"] * ~line["code"].isin([*BUSY, UNKNOWN])
    line["busy"] = line["length"] * line["code"].isin(BUSY)
    for kind in ("idle", "busy"):
        line[f"{kind}_before"] = line.groupby("equipment")[kind].cumsum() - line[kind]
    took = {}
    for kind, chosen in (("idle", ~line["code"].isin([*BUSY, UNKNOWN])), ("busy", line["code"].isin(BUSY))):
        table = line.assign(at=line["t"], chosen=chosen)
        ends = [
            _until(meters, side, table, "equipment", [f"{kind}_before", "chosen", "at"]) for side in ("start", "time")
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
    return table.groupby("equipment").sum()
