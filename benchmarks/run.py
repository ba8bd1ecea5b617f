"""All benchmarks: ``python benchmarks/run.py NAME|all [--quick] [--json FILE]``.

Each module beside this one offers ``rows(scale) -> Iterator[Row]``. At the end one table says of every promise of ``bars.yaml`` whether
it is met, missed and why, or not measured here and why. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # run from a checkout, installed or not

from benchmarks.bars import table, verdicts  # noqa: E402 - after the path is set
from benchmarks.frame import Row, Scale, absent  # noqa: E402 - as above

NOT_BENCHMARKS = {"run", "frame", "bars", "readme", "district_pages", "__init__"}


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when no bar is missed, 1 when one is, 2 for wrong use; what could not be measured here is a line, no miss."""
    parser = argparse.ArgumentParser(description="Benchmarks side by side with a peer, as ratios.")
    parser.add_argument("name", choices=[*names(), "all"])
    parser.add_argument("--quick", action="store_true", help="small scale, own thresholds, at most a minute each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    asked = parser.parse_args(arguments)
    scale, chosen = Scale(asked.quick), names() if asked.name == "all" else [asked.name]
    written = [record for name in chosen for record in _measured(name, scale)]
    found = verdicts(written, chosen, quick=scale.quick)
    print()
    for line in table(found, quick=scale.quick):
        print(line)
    if asked.json:
        asked.json.write_text(
            json.dumps({"machine": _machine(), "quick": scale.quick, "rows": written}, indent=1, ensure_ascii=False)
            + "\n",
            encoding="utf-8",
        )
    return 1 if any(each.state == "missed" for each in found) else 0


def _measured(name: str, scale: Scale) -> Iterator[dict[str, Any]]:
    """The rows of one benchmark, each shown as soon as it is there."""
    started = time.perf_counter()
    print(f"\n{name} ({'quick' if scale.quick else 'full'})", flush=True)
    for row in _rows(name, scale):
        met = row.bar is None or row.bar.met(row, scale)
        print(_line(row, scale, met=met), flush=True)
        yield _record(name, row, scale, met=met)
    print(f"  {time.perf_counter() - started:.1f} s", flush=True)


def _rows(name: str, scale: Scale) -> Iterator[Row]:
    """Those of the module; where a program or package that it needs is missing, or it breaks off, a row says so."""
    try:
        yield from importlib.import_module(f"benchmarks.{name}").rows(scale)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever one benchmark meets, the others are still to run
        said = str(error).strip().splitlines()
        yield absent(f"the rest of {name}", f"{type(error).__name__}: {said[0] if said else '-'}")


def _line(row: Row, scale: Scale, *, met: bool) -> str:
    if row.absent:
        return f"  {row.what:<58} {'not measured':>12} ({row.absent})"
    peer = f"{row.peer:>12.4g} {row.peer_name}" if row.peer is not None else " " * 12
    ratio = f"ratio {row.ratio:.3g}" if row.ratio is not None else ""
    bar = f"[{row.bar.said(scale)}] {'met' if met else 'MISSED'}" if row.bar else ""
    note = f"  ({row.note})" if row.note else ""
    return f"  {row.what:<58} {row.ours:>12.4g} {row.unit:<12} {peer:<36} {ratio:<14} {bar}{note}"


def _record(name: str, row: Row, scale: Scale, *, met: bool) -> dict[str, Any]:
    if row.absent:
        return {
            "benchmark": name, "what": row.what, "unit": "", "ours": None, "peer": None, "peer_name": "",
            "ratio": None, "bar": None, "met": True, "note": "", "absent": row.absent,
        }  # fmt: skip
    return {
        "benchmark": name, "what": row.what, "unit": row.unit, "ours": row.ours, "peer": row.peer, "peer_name": row.peer_name,
        "ratio": row.ratio, "bar": row.bar.said(scale) if row.bar else None, "met": met, "note": row.note,
    }  # fmt: skip


def _machine() -> dict[str, object]:
    return {
        "python": platform.python_version(), "system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count(),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
