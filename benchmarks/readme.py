"""The README's table of figures, in both languages, from the committed full runs: ``python benchmarks/readme.py [--check]``.

Between the markers of README.md and README.zh.md stands what ``benchmarks/results/*.json`` say: the chosen bars, and every missed one
with its reason. ``--check`` writes nothing and ends with 1 where the table is not that.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # run from a checkout, installed or not

from benchmarks.bars import UNEXPLAINED, Verdict, known, verdicts  # noqa: E402 - after the path is set

__all__ = ["block", "committed", "main", "replaced"]

FILES = {"README.md": "en", "README.zh.md": "zh"}
BEGIN, END = "<!-- figures: made by benchmarks/readme.py -->", "<!-- end of figures -->"
Row = Mapping[str, Any]
HEADS = {"en": ("What", "Measured", "Beside it", "Promised", ""), "zh": ("内容", "实测", "对照", "承诺", "")}
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "met": "met", "missed": "**missed**: {why}", ">=": "at least {limits}", "<=": "at most {limits}", "and": "; ",
        "from": "From the full runs in `benchmarks/results/` ({machine}); `make bench` makes them anew, `python benchmarks/run.py all --quick` says in minutes whether every bar holds here.",
        "machine": "{cores}{system}, {processor}, Python {python}", "cores": "{count} cores, ",
    },
    "zh": {
        "met": "达到", "missed": "**未达到**：{why}", ">=": "不低于 {limits}", "<=": "不高于 {limits}", "and": "；",
        "from": "取自 `benchmarks/results/` 中的完整运行（{machine}）；`make bench` 重新测量，`python benchmarks/run.py all --quick` 几分钟内说明本机上每条承诺是否成立。",
        "machine": "{cores}{system}，{processor}，Python {python}", "cores": "{count} 核，",
    },
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the tables are (now) what the results say, 1 with ``--check`` when they are not."""
    parser = argparse.ArgumentParser(description="The README's table of figures from the committed full runs.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 where a table is stale")
    asked = parser.parse_args(arguments)
    stale = []
    for name, language in FILES.items():
        path = HERE.parent / name
        text = path.read_text(encoding="utf-8")
        wanted = replaced(text, block(*committed(), language))
        if text != wanted:
            stale.append(name)
            if not asked.check:
                path.write_text(wanted, encoding="utf-8", newline="\n")
    for name in stale:
        print(f"{name}: {'is stale; run python benchmarks/readme.py' if asked.check else 'written'}")
    return 1 if stale and asked.check else 0


def committed() -> tuple[list[Row], Row]:
    """All rows of the committed full runs, and the machine of the newest form among them."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "results").glob("*.json"))]
    machine = max((run["machine"] for run in runs), key=len)
    return [row for run in runs for row in run["rows"]], machine


def replaced(text: str, lines: str) -> str:
    """*text* with *lines* between the markers; ``ValueError`` where they are missing or not once in their order."""
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"the README needs one line {BEGIN!r} and behind it one line {END!r}")
    return f"{before}{BEGIN}\n{lines}{END}{after}"


def block(records: Sequence[Row], machine: Row, language: str) -> str:
    """The table in *language* (Markdown), and where its figures come from."""
    words = WORDS[language]
    found = verdicts(records, {each["benchmark"] for each in records}, quick=False)
    shown = [each for each in found if each.rows and (each.promise.readme or each.state == "missed")]
    lines = [f"| {' | '.join(HEADS[language])} |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_cells(each, language))} |" for each in shown]
    cores = words["cores"].format(count=machine["cores"]) if machine.get("cores") else ""
    where = words["machine"].format(**{**machine, "cores": cores})
    return "\n".join([*lines, "", words["from"].format(machine=where), ""])


def _cells(verdict: Verdict, language: str) -> Iterator[str]:
    words, row = WORDS[language], verdict.worst
    assert row is not None  # only promises with rows are shown
    yield verdict.promise.name[language]
    yield f"{_number(row['ours'])} {_unit(row['unit'], language)}".strip()
    same_run = [each for each in verdict.rows if each["peer"] is not None and each["ours"] == row["ours"]]
    yield words["and"].join(_beside(each, language) for each in same_run)
    limits = [_limit(each, language) for each in (same_run or [row])]
    yield words[row["bar"].split()[1]].format(limits=words["and"].join(dict.fromkeys(limits)))
    yield words["met"] if verdict.state == "met" else words["missed"].format(why=_why(verdict, language))


def _beside(row: Row, language: str) -> str:
    """The peer, its figure, and how many times as much ours is."""
    return f"{_peer(row, language)} {_number(row['peer'])} (× {_number(row['ratio'])})"


def _limit(row: Row, language: str) -> str:
    """What is promised: so much, or so many times what the peer has."""
    of, _sense, limit = row["bar"].split()
    if of == "ratio":
        return f"{limit} × {_peer(row, language)}"
    return f"{_number(float(limit))} {_unit(row['unit'], language)}".strip()


def _peer(row: Row, language: str) -> str:
    names: Row = known()["peers"]
    return str(names.get(row["peer_name"], row["peer_name"]) if language == "zh" else row["peer_name"])


def _why(verdict: Verdict, language: str) -> str:
    return UNEXPLAINED if verdict.why == UNEXPLAINED else verdict.promise.because[language]


def _unit(unit: str, language: str) -> str:
    units: Mapping[str, str] = known()["units"]
    return units.get(unit, unit) if language == "zh" else unit


def _number(figure: float) -> str:
    """Three significant digits, thousands set apart."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


if __name__ == "__main__":
    sys.exit(main())
