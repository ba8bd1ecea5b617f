"""A small workspace with an indicator of its own, and records made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.begin import Wish, begin
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.load.indicator import indicator_folder
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Engine, Evidence, FileUsed, IndicatorUsed, PointUsed

SITE = """\
site: 1
kind: {kind}
plant:
  id: test-plant
  name: {{zh: '试验厂 "甲" <&>㵘', en: Test plant}}
  credit_code: 91350100M000100Y43
  type: discrete
  industry: {{code: "3484"}}
equipment:
  - {{id: cnc-01, name: {{zh: 一号, en: One}}, key: true}}
"""

INDICATOR = """\
indicator: connected_share
rev: 1
label: {zh: 联网率, en: Share connected}
what: {zh: 联网设备占比, en: Share of machines connected}
unit: "1"
measure: {zh: 台, en: machines}
subjects: [plant]
ledger: {zh: 全部, en: all}
least_coverage: "0.5"
sources: [{title: Factory Kit, confidence: own}]
criteria:
  - model: gbt-39116@2020
    criterion: RE.2.a
    source: {title: Factory Kit, confidence: own}
    bands: [{at_least: "0.95", score: "1"}, {at_least: "0.8", score: "0.8"}, {at_least: "0.3", score: "0.5"}]
"""

DAYS = (date(2026, 9, 1), date(2026, 9, 30))
ID = "0123456789abcdef"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A demo workspace with the indicator ``connected_share``."""
    return made(tmp_path / "plant", "demo")


@pytest.fixture
def real_workspace(tmp_path: Path) -> Workspace:
    """The same as a real one."""
    return made(tmp_path / "real", "real")


@pytest.fixture
def folder(workspace: Workspace) -> AssessmentFolder:
    """A new assessment called ``first``."""
    return begin(workspace, Wish("first", "gbt-39116@2020", DAYS, assessor="李工"), ID)


@pytest.fixture
def sources(workspace: Workspace) -> list[Path]:
    """Where indicators are found."""
    return [workspace.root / "assessments" / "indicators"]


@pytest.fixture
def answer(folder: AssessmentFolder) -> Callable[[Mapping[str, str]], None]:
    """Replace lines of ``answers.yaml``: criterion → what stands after the colon."""

    def write(lines: Mapping[str, str]) -> None:
        text = folder.answers_file.read_text(encoding="utf-8")
        for criterion, said in lines.items():
            line = f"  {criterion}: {{no_value: not assessed}}\n"
            assert line in text
            text = text.replace(line, f"  {criterion}: {said}\n")
        folder.answers_file.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def record(folder: AssessmentFolder, sources: list[Path]) -> Callable[..., Evidence]:
    """Write a record of ``connected_share`` into the folder: numerator, denominator, and whatever else differs."""

    def write(numerator: int | None, denominator: int = 10, **other: Any) -> Evidence:
        made_record = evidence(numerator, denominator, sources[0], **other)
        (folder.evidence_folder / made_record.file_name).write_bytes(made_record.canonical())
        return made_record

    return write


def made(root: Path, kind: str) -> Workspace:
    """A workspace of *kind* in *root*."""
    indicator = root / "assessments" / "indicators" / "connected_share"
    indicator.mkdir(parents=True)
    (root / "site.yaml").write_text(SITE.format(kind=kind), encoding="utf-8")
    (indicator / "indicator.yaml").write_text(INDICATOR, encoding="utf-8", newline="\n")
    (indicator / "query.sql").write_text("SELECT 1\n", encoding="utf-8", newline="\n")
    return Workspace.at(root)


def evidence(numerator: int | None, denominator: int, indicators: Path, **other: Any) -> Evidence:
    """A record of the indicator ``connected_share`` in *indicators*; without a numerator it is inconclusive."""
    known = indicator_folder(indicators / "connected_share")
    content: dict[str, Any] = {
        "indicator": IndicatorUsed(known.id, known.definition.rev, known.sql_sha256),
        "subject": "plant",
        "unit": "1",
        "outcome": "value" if numerator is not None else "inconclusive",
        "reason": None if numerator is not None else "too little of the time is known",
        "value": None if numerator is None else str(numerator / denominator),
        "lower": None,
        "upper": None,
        "numerator": None if numerator is None else str(numerator),
        "denominator": str(denominator),
        "coverage": "0.97",
        "points": (PointUsed("cnc-01", "state", "state"),),
        "start": "2026-09-01T00:00:00+08:00",
        "end": "2026-10-01T00:00:00+08:00",
        "blocks": 30,
        "ledger": denominator,
        "origin": ("simulated",),
        "files": (FileUsed("samples/a.parquet", 86400, "7" * 64),),
        "engine": Engine("0.1.0", "2.0.0"),
        "received": "2026-10-02T09:00:00+08:00",
    }
    return Evidence(**(content | other))
