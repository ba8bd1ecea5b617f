"""What arrives when a recording is replayed, held against the same file imported: ``python examples/compare_replay.py FILE.csv``.

The file is imported into one store; ``factory-kit replay`` serves it over OPC UA and Modbus, and the workspace it makes
collects both into another store. Every sample of the recording must be there once, with equal time, quality and value
(over Modbus the float32 that it is served as), and nothing else. Exit code 0 when that is so, else 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import struct
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from factory_kit.collect.history import import_history
from factory_kit.collect.run import collect
from factory_kit.errors import FactoryKitError
from factory_kit.load.checked import yaml_file
from factory_kit.load.workspace import Workspace
from factory_kit.model.history import HistoryMap
from factory_kit.model.sample import Quality
from factory_kit.store import Store
from factory_kit.testing.replay_workspace import ROW_POINT, TIME_POINT

AFTER_LAST_S = 2.0
"""The server publishes the last row, and the collection writes it."""

Key = tuple[str, str, int]
"""Equipment, point, time in µs."""
Sample = tuple[float, str | None, int, int]
"""Value, text, quality, raw status."""


@dataclass
class Verdict:
    """How the samples of one protocol compare; only ``equal`` and ``empty`` may be other than 0."""

    protocol: str
    equal: int = 0
    differing: int = 0
    missing: int = 0
    extra: int = 0
    empty: int = 0
    """Modbus: NaN where the recording has an empty cell, since a register always holds something."""
    missed_rows: int = 0
    """Rows that the loss ledger says were missed."""

    @property
    def right(self) -> bool:
        """Whether every sample came, and came right."""
        return not (self.differing or self.missing or self.extra or self.missed_rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print a table (or JSON), and say by the exit code whether all is equal."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        try:
            verdicts = asyncio.run(_compare(options, place))
        except FactoryKitError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    if options.json:
        print(json.dumps([asdict(verdict) for verdict in verdicts]))
    else:
        _print(options.file, verdicts)
    return 0 if all(verdict.right for verdict in verdicts) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Replay a recording, collect it, and compare with the import of the file."
    )
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--map", type=Path, default=None, help="how the file is read (default: as proposed)")
    parser.add_argument("--timezone", default="Asia/Shanghai", help="zone of the file's clock (default Asia/Shanghai)")
    parser.add_argument("--equipment", default="equipment", help="equipment the columns belong to")
    parser.add_argument("--speed", type=float, default=20.0, help="rows a second (default 20)")
    parser.add_argument("--hold", action="store_true", help="keep every row until it was read over Modbus")
    parser.add_argument(
        "--interval-ms", type=int, default=None, help="poll Modbus so often (default: four times a row)"
    )
    parser.add_argument("--keep", type=Path, default=None, metavar="DIR", help="leave both workspaces there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


async def _compare(options: argparse.Namespace, place: Path) -> list[Verdict]:
    replayed, imported = place / "replayed", Store(place / "imported")
    server = await asyncio.create_subprocess_exec(*_replay(options, replayed), stdout=asyncio.subprocess.PIPE)
    try:
        await _stage(server, "ready")
        mapping = yaml_file(replayed / "map.yaml", HistoryMap)
        import_history(options.file, mapping, imported, kind="demo", clock=_now)
        await _collect(replayed, server, options.interval_ms)
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()
    return _verdicts(imported, Store(replayed / "store"))


def _replay(options: argparse.Namespace, out: Path) -> list[str]:
    words = [sys.executable, "-m", "factory_kit", "replay", str(options.file), "--opcua", "0", "--modbus", "0"]
    words += ["--speed", str(options.speed), "--timezone", options.timezone, "--equipment", options.equipment]
    words += ["--map", str(options.map)] if options.map else []
    words += ["--hold"] if options.hold else []
    return [*words, "--out", str(out), "--json"]


async def _stage(server: asyncio.subprocess.Process, wanted: str) -> None:
    """Wait until the replay says that it has come so far; it says on standard error why it has not."""
    assert server.stdout is not None  # noqa: S101 - for the type checker
    while line := await server.stdout.readline():
        if json.loads(line)["stage"] == wanted:
            return
    raise FactoryKitError("the replay ended before it was {stage}", stage=wanted)


async def _collect(workspace: Path, server: asyncio.subprocess.Process, interval_ms: int | None) -> None:
    """Collect from the first row until the last one has come."""
    site, connectors = Workspace.at(workspace).site()
    if interval_ms is not None:
        modbus = site.servers["replay-modbus"].model_copy(update={"interval_ms": interval_ms})
        site = site.model_copy(update={"servers": {**site.servers, "replay-modbus": modbus}})
    stop = asyncio.Event()

    async def until_the_end() -> None:
        await _stage(server, "served")
        await asyncio.sleep(AFTER_LAST_S)
        stop.set()

    ending = asyncio.create_task(until_the_end())
    await collect(site, connectors, Store(workspace / "store"), now=_now, stop=stop)
    await ending


def _verdicts(imported: Store, collected: Store) -> list[Verdict]:
    numbers = {_key(row): _as_served(_sample(row)) for row in _rows(imported, "imported") if row["type"] == "float64"}
    everything = {_key(row): _sample(row) for row in _rows(imported, "imported")}
    arrived = [row for row in _rows(collected, "replayed") if row["name"] not in {ROW_POINT, TIME_POINT}]
    opcua = {_key(row): _sample(row) for row in arrived if row["server"] == "replay-opcua"}
    modbus = {_key(row, "-modbus"): _sample(row) for row in arrived if row["server"] == "replay-modbus"}
    verdicts = [_verdict("opcua", everything, opcua), _verdict("modbus", numbers, modbus)]
    gaps = collected.query(
        "SELECT server, max(sequence_gaps) AS gaps FROM loss_ledger JOIN points USING (point) GROUP BY server"
    )
    missed = {row["server"]: int(row["gaps"]) for row in gaps.to_pylist()}
    for verdict in verdicts:
        verdict.missed_rows = missed[f"replay-{verdict.protocol}"]
    return verdicts


def _rows(store: Store, origin: str) -> list[dict[str, Any]]:
    """Everything in *store* but what names persons, which is never collected; ``FactoryKitError`` for another origin."""
    table = store.query(
        "SELECT equipment, name, type, server, epoch_us(time) AS time, value, text, quality, coalesce(status, 0) AS status, origin"
        " FROM samples JOIN points USING (point) WHERE role <> 'operator'"
    )
    rows: list[dict[str, Any]] = table.to_pylist()
    strange = {row["origin"] for row in rows} - {origin}
    if strange:
        raise FactoryKitError(
            "samples have the origin {found}, expected {origin}", found=sorted(strange), origin=origin
        )
    return rows


def _key(row: Mapping[str, Any], suffix: str = "") -> Key:
    equipment = str(row["equipment"])
    return equipment.rpartition(suffix)[0] if suffix else equipment, row["name"], row["time"]


def _sample(row: Mapping[str, Any]) -> Sample:
    return math.nan if row["value"] is None else row["value"], row["text"], row["quality"], row["status"]


def _as_served(sample: Sample) -> Sample:
    """A sample of the recording as Modbus serves it."""
    value, _text, quality, _status = sample
    if quality == Quality.BAD:
        return math.nan, None, Quality.GOOD, 0
    with np.errstate(over="ignore"):
        return float(np.float32(value)), None, Quality.GOOD, 0


def _verdict(protocol: str, expected: Mapping[Key, Sample], found: Mapping[Key, Sample]) -> Verdict:
    verdict = Verdict(protocol)
    for key, sample in expected.items():
        if key not in found:
            verdict.missing += 1
        elif _equal(sample, found[key]):
            verdict.equal += 1
        else:
            verdict.differing += 1
    extra = [found[key] for key in found.keys() - expected.keys()]
    verdict.empty = sum(
        protocol == "modbus" and math.isnan(value) and quality == Quality.GOOD
        for value, _text, quality, _status in extra
    )
    verdict.extra = len(extra) - verdict.empty
    return verdict


def _equal(one: Sample, other: Sample) -> bool:
    """Equal to the last bit; of a bad sample the status counts, as a bad value is no value."""
    if one[2] == other[2] == Quality.BAD:
        return one[3] == other[3]
    both_none = math.isnan(one[0]) and math.isnan(other[0])
    return one[1:] == other[1:] and (both_none or struct.pack("<d", one[0]) == struct.pack("<d", other[0]))


def _print(file: Path, verdicts: Sequence[Verdict]) -> None:
    names = [name for name in asdict(verdicts[0]) if name != "protocol"]
    print(file.name)
    print("        " + "".join(f"{name:>13}" for name in names))
    for verdict in verdicts:
        print(f"{verdict.protocol:8}" + "".join(f"{asdict(verdict)[name]:>13}" for name in names))


def _now() -> int:
    return time.time_ns() // 1000


if __name__ == "__main__":
    sys.exit(main())
