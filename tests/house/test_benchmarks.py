"""The frame of the benchmarks: rows, bars, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.bars import UNEXPLAINED, Verdict, known, promises, table, verdicts
from benchmarks.frame import Bar, Row, Scale
from benchmarks.readme import block, committed, replaced

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


def record(
    what: str, ours: float, bar: str | None, *, met: bool = True, benchmark: str = "store", **more: object
) -> dict[str, object]:
    """A row as ``run.py`` writes it."""
    return {
        "benchmark": benchmark, "what": what, "unit": "s", "ours": ours, "peer": None, "peer_name": "", "ratio": None, "bar": bar,
        "met": met, "note": "", **more,
    }  # fmt: skip


JITTER = "size, times jittered by whole ms"


def verdict_of(records: list[dict[str, object]], row: str, *, quick: bool = False) -> Verdict:
    """What is said of the promise about *row*."""
    return next(each for each in verdicts(records, ["store"], quick=quick) if each.promise.row == row)


def test_why_a_bar_is_missed_is_said_only_where_it_is() -> None:
    """The explanation stands beside the bar as data, and is silent once the bar is met."""
    met = verdict_of([record(JITTER, 1.5, "ours <= 1.6")], JITTER)
    missed = verdict_of([record(JITTER, 1.7, "ours <= 1.6", met=False)], JITTER)

    assert (met.state, met.why) == ("met", "")
    assert (missed.state, missed.why) == ("missed", missed.promise.because["en"])
    assert "because" not in "\n".join(table([met], quick=False))
    assert f"because: {missed.why}" in "\n".join(table([met, missed], quick=False))


def test_a_missed_bar_without_an_explanation_says_so() -> None:
    """Nobody is to think that somebody looked into it; rows that no promise names are told as well."""
    found = verdicts([record("something new", 3, "ours <= 2", met=False)], ["store"], quick=True)

    assert (found[-1].promise.name["en"], found[-1].state, found[-1].why) == ("something new", "missed", UNEXPLAINED)
    assert "1 missed (1 of them unexplained)" in list(table(found, quick=True))[-1]


def test_what_was_not_measured_has_its_reason() -> None:
    """A program that is missing here, a scale that leaves it out, or a row that did not come: each is told apart from a miss."""
    absent = record("the rest of store", 0, None, absent="FileNotFoundError: no such program: node")

    assert verdict_of([absent], JITTER).why == "FileNotFoundError: no such program: node"
    assert verdict_of([], "\\d+ M samples to minutes", quick=True).why == "only at full scale"
    assert verdict_of([], JITTER).state == "not measured"


def test_one_row_beyond_its_bar_misses_the_promise_and_is_the_one_shown() -> None:
    """A promise about several rows holds for each of them."""
    rows = [
        record("query 1 one point", 5, "ratio <= 1.5", peer=5, ratio=1.0),
        record("query 2 ten minutes", 8, "ratio <= 1.5", peer=5, ratio=1.6, met=False),
        record("query 3 all", 6, "ratio <= 1.5", peer=5, ratio=1.2),
    ]
    found = verdict_of(rows, "query \\d .*")

    assert found.state == "missed"
    assert found.worst is rows[1]


def test_a_benchmark_that_breaks_off_is_a_line_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither an exception nor an exit of one module ends the run, and it is no missed bar."""

    def broken(_scale: Scale) -> Iterator[Row]:
        yield Row("size, times aligned", "B/sample", 0.5, bar=Bar("ours", "at most", 0.84, 0.95))
        sys.exit("install gcc")

    module = types.ModuleType("benchmarks.store")
    module.rows = broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.store", module)
    code = run.main(["store", "--quick"])
    said = capsys.readouterr().out

    assert code == 0
    assert "the rest of store" in said
    without = [each for each in promises() if each.benchmark == "store" and not each.full_only]
    assert said.count("SystemExit: install gcc") == 1 + len(without) - 1
    assert "1 met, 0 missed" in said


def test_every_promise_has_its_row_or_its_test() -> None:
    """Each names a row of a committed run or a test that is there, or a benchmark; every row with a bar has its promise, areas are known."""
    records, _machine = committed()

    run_before = {each["benchmark"] for each in records}
    lost = [
        each.name["en"] for each in promises() if each.benchmark in run_before and not any(map(each.covers, records))
    ]
    unnamed = [each["what"] for each in records if each["bar"] and not any(one.covers(each) for one in promises())]
    gone = [each.test for each in promises() if each.test and not (ROOT / each.test).is_file()]
    assert (lost, unnamed, gone) == ([], [], [])
    assert {each.benchmark for each in promises() if each.row} <= set(run.names())
    assert {each.area for each in promises()} <= set(known()["areas"])
    assert [
        each
        for each in promises()
        if set(each.name) != {"zh", "en"} or (each.because and set(each.because) != {"zh", "en"})
    ] == []
    assert [
        each for each in promises() if bool(each.row) == bool(each.test) or bool(each.row) != bool(each.benchmark)
    ] == []


@pytest.mark.parametrize(("name", "language"), [("README.md", "en"), ("README.zh.md", "zh")])
def test_the_figures_of_the_readme_are_those_of_the_committed_runs(name: str, language: str) -> None:
    """The table between the markers is what ``python benchmarks/readme.py`` makes."""
    text = (ROOT / name).read_text(encoding="utf-8")

    assert replaced(text, block(*committed(), language)) == text


def test_every_missed_bar_of_the_committed_runs_is_explained_in_the_readme() -> None:
    """A miss is never left out of the table, and never without its reason."""
    records, machine = committed()
    missed = {
        each.promise.name["en"]
        for each in verdicts(records, {each["benchmark"] for each in records}, quick=False)
        if each.state == "missed"
    }
    lines = block(records, machine, "en").splitlines()

    told = {line.split(" | ")[0].removeprefix("| ") for line in lines if "**missed**" in line}
    assert told == missed
    assert UNEXPLAINED not in "\n".join(lines)


def test_a_readme_without_markers_is_refused() -> None:
    """Nothing is written where nobody said so."""
    with pytest.raises(ValueError, match="needs one line"):
        replaced("# A README\n", "| |\n")
