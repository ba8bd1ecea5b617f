"""All benchmarks: ``python benchmarks/run.py NAME|all [--quick] [--json FILE]``.

Each module beside this one offers ``rows(scale) -> Iterator[Row]``. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # run from a checkout, installed or not

from benchmarks.frame import Row, Scale  # noqa: E402 - after the path is set

NOT_BENCHMARKS = {"run", "frame", "__init__"}


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every bar is met, 1 when one is missed, 2 for wrong use."""
    parser = argparse.ArgumentParser(description="Benchmarks side by side with a peer, as ratios.")
    parser.add_argument("name", choices=[*names(), "all"])
    parser.add_argument("--quick", action="store_true", help="small scale, own thresholds, at most a minute each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    asked = parser.parse_args(arguments)
    scale = Scale(asked.quick)
    missed = 0
    written = []
    for name in names() if asked.name == "all" else [asked.name]:
        started = time.perf_counter()
        print(f"\n{name} ({'quick' if scale.quick else 'full'})")
        for row in _rows(name, scale):
            met = row.bar is None or row.bar.met(row, scale)
            missed += not met
            print(_line(row, scale, met=met), flush=True)
            written.append(_record(name, row, scale, met=met))
        print(f"  {time.perf_counter() - started:.1f} s")
    if asked.json:
        asked.json.write_text(
            json.dumps({"machine": _machine(), "quick": scale.quick, "rows": written}, indent=1, ensure_ascii=False)
            + "\n",
            encoding="utf-8",
        )
    return 1 if missed else 0


def _rows(name: str, scale: Scale) -> Iterator[Row]:
    rows: Iterator[Row] = importlib.import_module(f"benchmarks.{name}").rows(scale)
    return rows


def _line(row: Row, scale: Scale, *, met: bool) -> str:
    peer = f"{row.peer:>12.4g} {row.peer_name}" if row.peer is not None else " " * 12
    ratio = f"ratio {row.ratio:.3g}" if row.ratio is not None else ""
    bar = f"[{row.bar.said(scale)}] {'met' if met else 'MISSED'}" if row.bar else ""
    note = f"  ({row.note})" if row.note else ""
    return f"  {row.what:<58} {row.ours:>12.4g} {row.unit:<12} {peer:<36} {ratio:<14} {bar}{note}"


def _record(name: str, row: Row, scale: Scale, *, met: bool) -> dict[str, object]:
    return {
        "benchmark": name, "what": row.what, "unit": row.unit, "ours": row.ours, "peer": row.peer, "peer_name": row.peer_name,
        "ratio": row.ratio, "bar": row.bar.said(scale) if row.bar else None, "met": met, "note": row.note,
    }  # fmt: skip


def _machine() -> dict[str, object]:
    return {"python": platform.python_version(), "system": platform.system(), "processor": platform.machine()}


if __name__ == "__main__":
    sys.exit(main())
