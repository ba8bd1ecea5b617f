"""Bundles that somebody built to break the receiver: each is refused in one line, or rebuilt to what it is."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.bundle import open_bundle, rescore, seal_assessment
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import write_score
from factory_kit.errors import Altered, DefinitionError, FactoryKitError
from factory_kit.model.canonical_json import canonical_bytes
from factory_kit.model.evidence import Evidence
from factory_kit.seal.sealing import seal_files

Rebuilt = Callable[[Mapping[str, Any]], Path]


@pytest.fixture
def contents(
    folder: AssessmentFolder, answer: Any, record: Callable[..., Evidence], sources: list[Path], tmp_path: Path
) -> dict[str, bytes]:
    """The files of an honest bundle."""
    answer({"PS.1.a": '{value: "1", evidence: [{grade: B, note: 规划}]}'})
    record(9)
    seal_assessment(write_score(folder, sources), tmp_path / "honest.zip", {}, "factory-kit test")
    return dict(open_bundle(tmp_path / "honest.zip").contents())


def sealed(contents: Mapping[str, bytes], out: Path) -> Path:
    """A bundle of *contents*, sealed by somebody who knows how."""
    files: dict[str, Path | bytes] = dict(contents)
    seal_files(files, out, "assessment-bundle", {}, (), ("enterprise",))
    return out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"value":"1"', '"value":"1e999999999"', "is not an exact number"),
        ('"value":"1"', '"value":"NaN"', "is not an exact number"),
        ('"value":"1"', '"value":NaN', "not"),
        ('"value":"1"', '"value":' + "9" * 400, "not a text"),
        ('"value":"1"', '"value":"0.7"', "0.7 is not allowed, expected one of 0, 0.5, 0.8, 1"),
        ('"PS.1.b":', '"PS.1.a":', "a key is given twice"),
        ('"PS.1.a":', '"ZZ.9.z":', "'ZZ.9.z' is no criterion of the model"),
        ('"edition":"2020"', '"edition":"2024"', "answers another model"),
        ('"type":"discrete"', '"type":"process"', "differs from assessment.yaml"),
    ],
)
def test_answers_that_cannot_count_are_named(
    contents: dict[str, bytes], tmp_path: Path, before: str, after: str, said: str
) -> None:
    """Values nobody allowed, numbers that would fill the memory, keys given twice, answers to something else."""
    text = contents["answers.json"].decode()
    assert before in text
    contents["answers.json"] = text.replace(before, after, 1).encode()

    with pytest.raises(DefinitionError, match=said):
        rescore(sealed(contents, tmp_path / "bad.zip"))


@pytest.mark.parametrize(
    "change",
    [
        {"numerator": "1e999999999"},
        {"numerator": "9" * 200},
        {"denominator": "0"},
        {"denominator": None},
        {"coverage": "most"},
        {"received": "2026-10-02T09:00:00"},
        {"received": "yesterday"},
        {"interval": {"from": "0001-01-01T00:00:00+00:00", "to": "0001-01-01T00:00:00+00:00"}},
        {"interval": {"from": "2026-09-01T00:00:00+08:00", "to": "2026-10-01T00:00:00+08:00", "or": "2027"}},
        {"points": {}},
        {"origin": "simulated"},
        {"subject": 7},
        {"surprise": True},
        {"form": 2},
    ],
    ids=str,
)
def test_a_record_nobody_can_compute_with_is_named(
    contents: dict[str, bytes], tmp_path: Path, change: dict[str, Any]
) -> None:
    """Figures, moments and shapes that no indicator writes, in canonical bytes and under their right name."""
    (name,) = [each for each in contents if each.startswith("evidence/")]
    data = canonical_bytes({**json.loads(contents.pop(name)), **change})
    contents[f"evidence/connected_share-plant-{hashlib.sha256(data).hexdigest()[:12]}.json"] = data

    with pytest.raises(DefinitionError, match="is no evidence record of form 1"):
        rescore(sealed(contents, tmp_path / "bad.zip"))


def fits(path: Path) -> bool:
    """Whether the bundle is rebuilt to what it holds; False also where it is refused."""
    try:
        return rescore(path).same
    except FactoryKitError:
        return False


def test_files_that_are_missing_or_too_many_are_told(contents: dict[str, bytes], tmp_path: Path) -> None:
    """Not one file can be taken out of a bundle unnoticed, and nothing foreign can be put into it."""
    unnoticed = [
        name
        for name in contents
        if fits(sealed({each: data for each, data in contents.items() if each != name}, tmp_path / "less.zip"))
    ]

    assert unnoticed == []
    assert fits(sealed(contents, tmp_path / "same.zip"))
    with pytest.raises(FactoryKitError, match="belongs to no bundle"):
        rescore(sealed({**contents, "photos/a.jpg": b""}, tmp_path / "more.zip"))


def test_odd_names_come_back_as_they_are(contents: dict[str, bytes], tmp_path: Path) -> None:
    """A company whose name holds markup, quotation marks, an emoji and a rare character is that company."""
    about = json.loads(contents["assessment.json"])
    about["plant"]["name"]["zh"] = name = "<b>甲</b> & \"乙\" '丙' 㵘🏭"
    contents["assessment.json"] = canonical_bytes(about)

    found = rescore(sealed(contents, tmp_path / "odd.zip"))

    assert found.scored.assessment.plant.name.zh == name
    assert [text.partition(":")[0] for text in found.differences] == ["inputs.assessment_sha256"]


def test_a_changed_model_is_noticed_after_the_same_one_was_met(contents: dict[str, bytes], tmp_path: Path) -> None:
    """What many bundles share is hashed once, but compared every time."""
    good = sealed(contents, tmp_path / "good.zip")
    assert rescore(good).same
    data = bytearray(good.read_bytes())
    at = data.find(contents["models/gbt-39116/2020/model.yaml"])
    data[at + 100] ^= 1
    (tmp_path / "bad.zip").write_bytes(data)

    with pytest.raises(Altered, match="was altered after it was sealed"):
        open_bundle(tmp_path / "bad.zip")


def test_rescoring_leaves_the_collector_as_it_was(contents: dict[str, bytes], tmp_path: Path) -> None:
    """Circles are searched for again afterwards, also after a bundle that was refused; and not where nobody wanted it."""
    good = sealed(contents, tmp_path / "good.zip")
    rescore(good)
    assert gc.isenabled()
    with pytest.raises(FactoryKitError):
        rescore(tmp_path / "none.zip")
    assert gc.isenabled()
    gc.disable()
    try:
        rescore(good)
        assert not gc.isenabled()
    finally:
        gc.enable()
