"""What the arithmetic over whole columns reads of a store: lives of runs, gaps, states and the samples of some points at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from factory_kit.kpi.reference import Rules
from factory_kit.kpi.vectors import Lives, Parts, Samples
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Int64

__all__ = ["CODES", "Asked", "Machine", "Plant"]

CODES = {state: code for code, state in enumerate(MachineState)}
HOUR = 3600 * 1_000_000
AFTERWARDS = 24 * HOUR
MANY_PIECES = 400
AT_ONCE = 4_000_000
"""Samples that are held in memory together."""
NO_PRODUCTION = "meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway"
MODULUS = {"uint16": 1 << 16, "uint32": 1 << 32, "bcd16": 10_000, "bcd32": 100_000_000}
UNITS = {"wh": 1000, "kwh": 1_000_000, "mwh": 1_000_000_000}
"""Millionths of a kWh in one of the unit."""

MACHINES = """
SELECT equipment, CAST(ideal_cycle_s * 1000000 AS BIGINT), NOT regexp_matches(kind, $pattern), feeds FROM equipment ORDER BY equipment
"""
ASKED = """
SELECT point, equipment, role, coalesce(type, ''), lower(coalesce(unit, '')), server FROM points
WHERE role IN (SELECT unnest($roles::VARCHAR[])) AND equipment IN (SELECT equipment FROM equipment) ORDER BY equipment, point
"""
PULSE = """
SELECT run, point, count(*), epoch_us(min(time)), epoch_us(max(time))
FROM samples
WHERE time >= make_timestamp($start) AND time < make_timestamp($stop)
GROUP BY run, point
"""
CLOCKS = """
SELECT point, epoch_us(max(coalesce(received_time, time))), min(abs(epoch_us(received_time) - epoch_us(time)))
FROM samples
WHERE run = $run AND time >= make_timestamp($start) AND time < make_timestamp($stop)
GROUP BY point
"""
MEANING = """
SELECT h.point, h.since, h.until, m.raw, m.state
FROM (
    SELECT point, connector, connector_version,
           CASE WHEN row_number() OVER w = 1 THEN -9000000000000000000 ELSE epoch_us(since) END AS since,
           coalesce(lead(epoch_us(since)) OVER w, 9000000000000000000) AS until
    FROM points_history
    WINDOW w AS (PARTITION BY point ORDER BY since)
) AS h
JOIN states AS m USING (connector, connector_version)
"""
COUNTED = "value"
SPOKEN = "coalesce(w.word, -1) AS value"
RAW = "coalesce(s.text, CASE WHEN s.value = trunc(s.value) THEN CAST(TRY_CAST(s.value AS BIGINT) AS VARCHAR) END)"


@dataclass(frozen=True)
class Asked:
    """One point that is read."""

    point: int
    equipment: str
    role: str
    type: str
    unit: str
    server: str

    @property
    def modulus(self) -> int:
        """The number of values its register has, 0 where it is not known."""
        return MODULUS.get(self.type, 0)

    @property
    def micro(self) -> int | None:
        """Millionths of a kWh in one of its unit; None where it is no unit of energy we know."""
        return UNITS.get(self.unit)


@dataclass(frozen=True)
class Machine:
    """One line of the ledger."""

    equipment: str
    cycle_us: int | None
    produces: bool
    feeds: tuple[str, ...]


@dataclass(frozen=True)
class _Seen:
    """What a run delivered of a point, next to the interval."""

    count: int
    first: int
    last: int


class Plant:
    """The views of the connection *con* as the time model reads them, for the interval and parameters of *rules*."""

    def __init__(self, con: Any, rules: Rules, roles: Sequence[str]) -> None:
        self.con = con
        self.rules = rules
        self._has_older: bool | None = None
        self.machines = [
            Machine(name, cycle, produces, tuple(feeds or ()))
            for name, cycle, produces, feeds in con.execute(MACHINES, {"pattern": NO_PRODUCTION}).fetchall()
        ]
        self.asked = [Asked(*row) for row in con.execute(ASKED, {"roles": list(roles)}).fetchall()]
        self._read_pulse()

    def _read_pulse(self) -> None:
        stop = self.rules.window.end + AFTERWARDS
        rows = self.con.execute(PULSE, {"start": self.rules.lookback_from, "stop": stop}).fetchall()
        servers = dict(self.con.execute("SELECT point, server FROM points").fetchall())
        self._seen: dict[int, dict[str, _Seen]] = {}
        heard: dict[str, dict[str, list[_Seen]]] = {}
        for run, point, count, first, last in rows:
            seen = self._seen.setdefault(point, {})[run] = _Seen(count, first, last)
            heard.setdefault(run, {}).setdefault(servers.get(point, ""), []).append(seen)
        self._lives: dict[str, dict[str, tuple[int, int, bool, bool]]] = {}
        for run in sorted(heard.keys() & self._runs.keys()):
            clocks = self._clocks(run, heard[run], servers, stop)
            for server, seen_there in heard[run].items():
                self._lives.setdefault(server, {})[run] = self._life(run, seen_there, clocks.get(server))

    def _clocks(
        self, run: str, heard: Mapping[str, Sequence[_Seen]], servers: Mapping[int, str], stop: int
    ) -> dict[str, tuple[int, int | None]]:
        """By server the last sign of life, and how near a value was received to its own time; empty where neither matters.

        Receiving times are the largest column: where the run ended and the first hour shows that the clocks agree, no more is read.
        """
        _started, ended, origin = self._runs[run]
        if origin != "live":
            return {}
        begun = min(seen.first for there in heard.values() for seen in there)
        found = self._signs(run, servers, begun, min(begun + HOUR, stop))
        nearest = [found.get(server, (0, None))[1] for server in heard]
        near = all(skew is not None and skew <= self.rules.silence for skew in nearest)
        return found if ended is not None and near else self._signs(run, servers, self.rules.lookback_from, stop)

    def _signs(self, run: str, servers: Mapping[int, str], start: int, stop: int) -> dict[str, tuple[int, int | None]]:
        found: dict[str, tuple[int, int | None]] = {}
        for point, sign, skew in self.con.execute(CLOCKS, {"run": run, "start": start, "stop": stop}).fetchall():
            server = servers.get(point, "")
            latest, nearest = found.get(server, (sign, skew))
            least = min((each for each in (nearest, skew) if each is not None), default=None)
            found[server] = max(latest, sign), least
        return found

    def _life(
        self, run: str, seen: Sequence[_Seen], clock: tuple[int, int | None] | None
    ) -> tuple[int, int, bool, bool]:
        """From when to when a run watched a server, whether it is history, whether the clocks agree (rules 1 to 3)."""
        started, ended, origin = self._runs[run]
        first, last = min(each.first for each in seen), max(each.last for each in seen)
        sign, skew = clock or (last, None)
        if origin != "live" or (skew or 0) > self.rules.silence:
            return first, last, origin in ("imported", "replayed"), False
        return started, sign if ended is None else ended, False, True

    @cached_property
    def _runs(self) -> dict[str, tuple[int, int | None, str]]:
        rows = self.con.execute("SELECT run, epoch_us(started), epoch_us(ended), origin FROM runs").fetchall()
        return {run: (started, ended, origin) for run, started, ended, origin in rows}

    @cached_property
    def _gaps(self) -> dict[int, list[tuple[int, int]]]:
        found: dict[int, list[tuple[int, int]]] = {}
        rows = self.con.execute('SELECT point, epoch_us(start), epoch_us("end") FROM gaps ORDER BY point, start, "end"')
        for point, start, end in rows.fetchall():
            parts = found.setdefault(point, [])
            if parts and start <= parts[-1][1]:
                parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
            elif start < end:
                parts.append((start, end))
        return found

    def gaps(self, point: int) -> Parts:
        """The recorded gaps of a point."""
        return Parts.of(self._gaps.get(point, ()))

    def lives(self, asked: Asked) -> tuple[list[str], Lives]:
        """The runs that watched the server of a point."""
        known = self._lives.get(asked.server, {})
        runs = list(known)
        columns = list(zip(*known.values(), strict=True)) or [(), (), (), ()]
        opened, closed = (np.array(each, np.int64) for each in columns[:2])
        history, agree = (np.array(each, np.bool_) for each in columns[2:])
        repeated = np.array([(run, asked.point) in self._repeated for run in runs], np.bool_)
        return runs, Lives(opened, closed, history, agree, repeated & ~history)

    @cached_property
    def _repeated(self) -> frozenset[tuple[str, int]]:
        """Runs and points of which more values were delivered than are stored."""
        rows = self.con.execute("SELECT run, point, max(delivered) FROM loss_ledger GROUP BY run, point").fetchall()
        asked = {each.point for each in self.asked}
        more = {
            (run, point): count for run, point, count in rows if point in asked and count > self._stored(run, point)
        }
        if not more:
            return frozenset()
        whole = self.con.execute(
            "SELECT run, point, count(*) FROM samples WHERE point IN (SELECT unnest($points::INTEGER[])) GROUP BY run, point",
            {"points": sorted({point for _run, point in more})},
        ).fetchall()
        stored = {(run, point): count for run, point, count in whole}
        return frozenset(key for key, count in more.items() if count > stored.get(key, 0))

    def _stored(self, run: str, point: int) -> int:
        """How many samples of a run and point lie next to the interval."""
        seen = self._seen.get(point, {}).get(run)
        return 0 if seen is None else seen.count

    def samples(self, asked: Iterable[Asked], stop: int) -> Iterator[list[tuple[Asked, Samples]]]:
        """By equipment the samples of *asked* before *stop*, from the lookback on, and older first values of runs."""
        by_equipment: dict[str, list[Asked]] = {}
        for each in sorted(asked, key=lambda one: one.point):
            by_equipment.setdefault(each.equipment, []).append(each)
        some: list[list[Asked]] = []
        rows = 0
        for together in by_equipment.values():
            count = sum(seen.count for each in together for seen in self._seen.get(each.point, {}).values())
            if some and rows + count > AT_ONCE:
                yield from self._together(some, stop)
                some, rows = [], 0
            some.append(together)
            rows += count
        if some:
            yield from self._together(some, stop)

    def _together(self, asked: Sequence[Sequence[Asked]], stop: int) -> Iterator[list[tuple[Asked, Samples]]]:
        points = sorted(each.point for together in asked for each in together)
        spoken = self.texts and asked[0][0].role == "state"
        columns = self._fetched(points, stop, spoken=spoken, runs=any(self._mixed(point) for point in points))
        pieces = _pieces(columns["point"], points)
        for together in asked:
            yield [(each, self._one(each, _taken(columns, pieces[each.point]))) for each in together]

    @cached_property
    def texts(self) -> bool:
        """Whether some state is told in words; then states are read on their own."""
        states = [each.point for each in self.asked if each.role == "state"]
        sql = "SELECT 1 FROM samples WHERE text IS NOT NULL AND point IN (SELECT unnest($points::INTEGER[])) LIMIT 1"
        return bool(self.con.execute(sql, {"points": states}).fetchall())

    def _fetched(self, points: Sequence[int], stop: int, *, spoken: bool, runs: bool) -> dict[str, Any]:
        """Columns of the samples of *points*, in any order."""
        run = ", run" if runs else ""
        early = [
            run
            for lives in self._lives.values()
            for run, life in lives.items()
            if life[3] and life[0] >= self.rules.lookback_from
        ]
        when = "time >= make_timestamp($start) AND time < make_timestamp($stop)"
        if early and self._older(tuple(early)):
            when = f"({when} OR time < make_timestamp($start) AND run IN (SELECT unnest($early::VARCHAR[])))"
            run = ", run"
        value, join = (SPOKEN, f" LEFT JOIN kpi_words AS w ON w.raw = {RAW}") if spoken else (COUNTED, "")
        if spoken:
            self._words  # noqa: B018 - makes the table
        among = "" if points[-1] - points[0] + 1 == len(points) else f" AND s.point IN ({', '.join(map(str, points))})"
        sql = (
            f"SELECT s.point, epoch_us(s.time) AS time, {value}, s.quality{run} FROM samples AS s{join} "  # noqa: S608 - our own words
            f"WHERE s.point >= $least AND s.point <= $most{among} AND {when}"
        )
        values: dict[str, Any] = {
            "least": points[0],
            "most": points[-1],
            "start": self.rules.lookback_from,
            "stop": stop,
        }
        if "$early" in sql:
            values["early"] = early
        found = dict(self.con.sql(sql, params=values).fetchnumpy())  # execute() would copy every row once more
        if np.ma.isMaskedArray(found["value"]):  # texts and lost values
            found["value"] = found["value"].filled(-1 if spoken else np.nan)
        return found

    def _older(self, early: tuple[str, ...]) -> bool:
        """Whether runs that began after the lookback have values older than it; asked once."""
        if self._has_older is None:
            found = self.con.execute(
                "SELECT 1 FROM samples WHERE time < make_timestamp($start) AND run IN (SELECT unnest($early::VARCHAR[])) LIMIT 1",
                {"start": self.rules.lookback_from, "early": list(early)},
            ).fetchall()
            self._has_older = bool(found)
        return self._has_older

    def _mixed(self, point: int) -> bool:
        """Whether the times of two runs of a point overlap, so that the time does not tell the run."""
        spans = sorted((seen.first, seen.last) for seen in self._seen.get(point, {}).values())
        return any(later[0] <= earlier[1] for earlier, later in pairwise(spans))

    def _one(self, asked: Asked, columns: Mapping[str, Any]) -> Samples:
        runs, _lives = self.lives(asked)
        time = columns["time"]
        rising = bool((time[1:] > time[:-1]).all())
        number = {run: at for at, run in enumerate(runs)}
        if "run" in columns:
            of_run = np.array([number.get(run, -1) for run in columns["run"]], np.int64)
        else:
            spans = sorted((seen.first, number.get(run, -1)) for run, seen in self._seen.get(asked.point, {}).items())
            starts = np.array([first for first, _ in spans], np.int64)
            codes = np.array([code for _, code in spans], np.int64)
            of_run = _by_span(starts, codes, time, in_order=rising)
        value = columns["value"]
        if asked.role == "state" and value.dtype.kind == "f":
            value = self._numbered(value)
        found = Samples(time, value, columns["quality"], of_run)
        known = of_run >= 0
        found = found if known.all() else found[known]
        return found if rising else found[np.argsort(found.time, kind="stable")]

    def _numbered(self, values: Any) -> Int64:
        """The numbers of the words that whole *values* are."""
        each, place = np.unique(values, return_inverse=True)
        raws = [str(int(value)) if np.isfinite(value) and value == np.trunc(value) else "" for value in each.tolist()]
        words = np.array([self._words.get(raw, -1) for raw in raws], np.int64)
        return words[place.reshape(-1)]

    @cached_property
    def _words(self) -> dict[str, int]:
        """Every raw value that some mapping knows, numbered; also the table ``kpi_words``."""
        raws = sorted({raw for _point, _since, _until, raw, _state in self._meaning})
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE kpi_words AS SELECT unnest($raws::VARCHAR[]) AS raw, unnest($codes::INTEGER[]) AS word",
            {"raws": raws, "codes": list(range(len(raws)))},
        )
        return {raw: code for code, raw in enumerate(raws)}

    @cached_property
    def _meaning(self) -> list[tuple[int, int, int, str, str]]:
        rows: list[tuple[int, int, int, str, str]] = self.con.execute(MEANING).fetchall()
        return rows

    @cached_property
    def _by_point(self) -> dict[int, dict[tuple[int, int], dict[int, int]]]:
        found: dict[int, dict[tuple[int, int], dict[int, int]]] = {}
        for point, since, until, raw, state in self._meaning:
            periods = found.setdefault(point, {})
            periods.setdefault((since, until), {})[self._words[raw]] = CODES[MachineState(state)]
        return found

    def states(self, point: int, samples: Samples) -> Int64:
        """The codes of the states that *samples* of *point* tell, at the moments from which they count (rule 6)."""
        codes = np.full(len(samples.time), CODES[MachineState.UNKNOWN], np.int64)
        for (since, until), words in self._by_point.get(point, {}).items():
            table = np.full(len(self._words) + 1, CODES[MachineState.UNKNOWN], np.int64)
            table[list(words)] = list(words.values())
            here = (samples.time >= since) & (samples.time < until)
            codes[here] = table[samples.value[here].astype(np.int64)]
        return codes


def _pieces(point: Any, points: Sequence[int]) -> dict[int, list[slice] | Any]:
    """Where the rows of each point are: slices where they lie together in few pieces, row numbers else."""
    turns = (
        np.concatenate([[0], np.flatnonzero(point[1:] != point[:-1]) + 1, [len(point)]])
        if len(point)
        else np.zeros(1, np.int64)
    )
    if len(turns) > MANY_PIECES * len(points) + 1:
        order = np.argsort(point, kind="stable")
        edges = np.searchsorted(point[order], [points, [number + 1 for number in points]])
        return {number: order[first:last] for number, first, last in zip(points, *edges, strict=True)}
    found: dict[int, list[slice] | Any] = {number: [] for number in points}
    for first, last in pairwise(turns.tolist()):
        found[int(point[first])].append(slice(first, last))
    return found


def _taken(columns: Mapping[str, Any], rows: list[slice] | Any) -> dict[str, Any]:
    if not isinstance(rows, list):
        return {name: np.asarray(column)[rows] for name, column in columns.items()}
    return {
        name: np.asarray(column[rows[0]])
        if len(rows) == 1
        else np.concatenate([column[:0], *(column[part] for part in rows)])
        for name, column in columns.items()
    }


def _by_span(starts: Int64, codes: Int64, time: Int64, *, in_order: bool) -> Int64:
    """The code of the span in which each time lies; *starts* are in order, and no time lies before the first."""
    if in_order:
        edges = np.append(np.searchsorted(time, starts[1:]), len(time))
        return np.repeat(codes, np.diff(np.concatenate([[0], edges])))
    return codes[np.searchsorted(starts, time, side="right") - 1]
