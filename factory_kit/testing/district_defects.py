"""Bundles with one planted defect each, for every rule of receiving, and the registers they are held against."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from factory_kit.assess.bundle import open_bundle
from factory_kit.assess.evidence import freeze_indicators
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.files import write_atomically
from factory_kit.load.indicator import indicator_folder
from factory_kit.load.maturity import maturity_model
from factory_kit.model.evidence import Engine, Evidence, FileUsed, IndicatorUsed, PointUsed
from factory_kit.model.maturity import MaturityModel
from factory_kit.seal.sealing import seal_files
from factory_kit.shipped import data_dir
from factory_kit.testing.district import FictionalPlant, fictional_code, fresh_signers, seal_plant

__all__ = ["DEADLINE_PASSED", "Planted", "make_defects", "register_rows"]

DEADLINE_PASSED = 4_102_444_800_000_000
"""A moment (µs, UTC) after the deadline of the shipped campaign."""
FIRST = 300
INDICATOR = "equipment-connected-share"
MEASURED = "RE.2.b"
"""A criterion that the indicator speaks for."""
DOCUMENT = "5" * 64
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Planted:
    """One submission, the rule that must speak about it, and what becomes of it."""

    path: Path
    rule: str
    outcome: str
    late: bool = False
    """To be received after the deadline."""


@dataclass(frozen=True)
class _Defective(FictionalPlant):
    about: Change = field(default=lambda _: None)
    said: Change = field(default=lambda _: None)
    share: tuple[int, int, str] | None = None
    """Machines connected, machines, and the coverage of the record."""

    def assessment(self, model: MaturityModel) -> Mapping[str, Any]:
        """What the plain plant says, changed."""
        content = {**super().assessment(model)}
        self.about(content)
        return content

    def answers(self, model: MaturityModel) -> Mapping[str, Any]:
        """What the plain plant answers, changed."""
        content = {**super().answers(model)}
        self.said(content)
        return content

    def measure(self, folder: AssessmentFolder) -> None:
        """One machine record, when the plant has a share."""
        if self.share is not None:
            record = _record(*self.share)
            folder.evidence_folder.mkdir()
            write_atomically(folder.evidence_folder / record.file_name, record.canonical())
            freeze_indicators(folder, [record], [data_dir("assessments") / "indicators"])


def make_defects(folder: Path, seed: int = 1, now: int = 1_790_000_000_000_000) -> Sequence[Planted]:
    """Bundles in *folder*: one that is in order, then at least one for each of R01 to R14, in the order to receive them."""
    folder.mkdir(parents=True, exist_ok=True)
    source = data_dir("assessments") / "models" / "gbt-39116" / "2020"
    model = maturity_model(source)
    made: list[Planted] = []

    def seal(rule: str, outcome: str, extra: Mapping[str, bytes] = {}, **changes: Any) -> Path:
        path = folder / f"{len(made):02d}-{rule or 'good'}.zip"
        number = changes.pop("number", FIRST + len(made))
        plant = _Defective(number, seed, changes.pop("misspelt", False), **changes)
        seal_plant(plant, model, source, path, now, extra)
        made.append(Planted(path, rule, outcome, changes.get("late", False)))
        return path

    good = seal("", "accepted", said=_with_document)
    seal("R01", "rejected", {"report/macro.docm": b"PK\3\4 vbaProject.bin"})
    _altered(seal("R02", "rejected"))
    seal("R03", "returned", misspelt=True)
    _another_type(seal("R04", "returned"))
    seal("R05", "returned", said=_unanswered)
    _raised(seal("R06", "returned"))
    seal("R07", "returned", about=_on_another_day)
    seal("R08", "returned", share=(10, 10, "0.5"))
    seal("R09", "accepted", share=(1, 10, "0.99"), said=_claimed)
    copy = folder / f"{len(made):02d}-R10.zip"
    shutil.copyfile(good, copy)
    made.append(Planted(copy, "R10", "duplicate"))
    seal("R11", "returned", number=FIRST, about=partial(_set, "id", "00000000000000aa"))
    seal("R13", "returned", about=_employed)
    seal("R14", "accepted", said=_with_document)
    late = seal("R12", "accepted late")
    made[-1] = Planted(late, "R12", "accepted late", late=True)
    return made


def register_rows(count: int = 20) -> list[list[str]]:
    """A sheet of the plants that ``make_defects`` uses, headings first."""
    head = [
        "统一社会信用代码",
        "企业名称",
        "街镇",
        "行业代码",
        "企业规模",
        "占地面积（亩）",
        "综合能耗（吨标煤）",
        "工业总产值（万元）",
    ]
    return [head] + [
        [fictional_code(1000 + FIRST + at), f"示例厂 {at}", "新桥镇", "3484", "中型", "12.5", "800", "30000"]
        for at in range(count)
    ]


def _set(key: str, value: object, content: dict[str, Any]) -> None:
    content[key] = value


def _another_type(path: Path) -> None:
    """The same file says it answers an edition that nobody asked for."""
    _resealed(path, "assessment.json", b'"edition":"2020"', b'"edition":"2021"')


def _on_another_day(content: dict[str, Any]) -> None:
    content |= {"type": "on-site", "on_site": ["2026-10-20"]}
    content["people"] = [{"name": "甲", "role": "lead"}, {"name": "乙", "role": "assessor"}]


def _employed(content: dict[str, Any]) -> None:
    content["people"] = [{"name": "某", "role": "lead", "employer": "plant"}]


def _unanswered(content: dict[str, Any]) -> None:
    content["answers"] = dict(list(content["answers"].items())[:100])


def _claimed(content: dict[str, Any]) -> None:
    content["answers"] = {**content["answers"], MEASURED: {"value": "1"}}


def _with_document(content: dict[str, Any]) -> None:
    first = next(iter(content["answers"]))
    shown = {"value": "1", "evidence": [{"grade": "B", "note": "示例", "sha256": DOCUMENT}]}
    content["answers"] = {**content["answers"], first: shown}


def _altered(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b'"value":"0.5"')
    data[at + 11] = ord("8")
    path.write_bytes(data)


def _raised(path: Path) -> None:
    """One answer raised, and all of it sealed anew without scoring."""
    _resealed(path, "answers.json", b'"value":"0.5"', b'"value":"0.8"')


def _resealed(path: Path, name: str, before: bytes, after: bytes) -> None:
    sealed = open_bundle(path)
    files: dict[str, Path | bytes] = dict(sealed.contents())
    content = sealed.read(name)
    files[name] = content.replace(before, after, 1)
    signers = fresh_signers("示例", "示例厂", 1_790_000_000_000_000)
    seal_files(files, path, sealed.manifest.kind, sealed.about, signers)


def _record(connected: int, machines: int, coverage: str) -> Evidence:
    definition = indicator_folder(data_dir("assessments") / "indicators" / INDICATOR)
    share = str(connected / machines)
    return Evidence(
        indicator=IndicatorUsed(INDICATOR, definition.definition.rev, definition.sql_sha256), subject="plant", unit="1",
        outcome="value", reason=None, value=share, lower=share, upper=share, numerator=str(connected),
        denominator=str(machines), coverage=coverage, points=(PointUsed("m1", "state", "state"),),
        start="2026-09-01T00:00:00+08:00", end="2026-09-08T00:00:00+08:00", blocks=7, ledger=machines,
        origin=("simulated",), files=(FileUsed("p.parquet", 10, "0" * 64),), engine=Engine("0.1", "1.0"),
        received="2026-09-08T00:00:00Z",
    )  # fmt: skip
