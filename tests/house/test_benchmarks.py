"""The frame of the benchmarks: rows, bars, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.frame import Bar, Row, Scale

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("bar", "ours", "peer", "met"),
    [
        (Bar("ours", "at most", 1.0, 2.0), 1.0, None, True),
        (Bar("ours", "at most", 1.0, 2.0), 1.1, None, False),
        (Bar("ratio", "at least", 0.5, 0.1), 5.0, 10.0, True),
        (Bar("ratio", "at least", 0.5, 0.1), 4.9, 10.0, False),
        (Bar("ratio", "at least", 0.5, 0.1), 4.9, None, False),
    ],
)
def test_a_bar_is_met_on_it_and_missed_beside_it(bar: Bar, ours: float, peer: float | None, met: bool) -> None:
    """The threshold itself counts as met; without a peer a ratio never is."""
    assert bar.met(Row("x", "s", ours, peer), Scale(quick=False)) is met


def test_the_quick_scale_has_its_own_threshold() -> None:
    """What is missed at full scale may be met at the quick one."""
    row, bar = Row("x", "s", 1.5), Bar("ours", "at most", 1.0, 2.0)

    assert (bar.met(row, Scale(quick=False)), bar.met(row, Scale(quick=True))) == (False, True)


def test_one_benchmark_runs_and_writes_its_rows(tmp_path: Path) -> None:
    """The quick run of the start-up benchmark ends with 0 or 1 and leaves its rows as JSON."""
    out = tmp_path / "rows.json"
    done = subprocess.run(
        [sys.executable, "benchmarks/run.py", "startup", "--quick", "--json", out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert done.returncode == (0 if all(row["met"] for row in rows) else 1)
    assert {row["benchmark"] for row in rows} == {"startup"}


def test_committed_figures_come_from_full_runs() -> None:
    """Every committed result was made at full scale and names its machine."""
    results = [
        json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "benchmarks" / "results").glob("*.json")
    ]

    assert results
    assert [each["quick"] for each in results] == [False] * len(results)
