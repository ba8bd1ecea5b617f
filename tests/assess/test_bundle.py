from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from factory_kit.assess.bundle import Purpose, leaving, open_bundle, parts, rescore, seal_assessment
from factory_kit.assess.decide import accept, settle
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import Scored, write_score
from factory_kit.errors import Altered, AssessmentError
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Evidence
from factory_kit.seal.keys import SecretKey, Signer, new_key, open_key
from factory_kit.seal.sealing import countersign, seal_files
from factory_kit.seal.verify import verify

Answer = Callable[[Mapping[str, str]], None]
Record = Callable[..., Evidence]
NOW = 1_790_000_000_000_000
PASSPHRASE = "correct horse"
PAGES = {"report/report.zh.html": "<p>报告</p>".encode(), "leaving/leaving.zh.html": b"<p>list</p>"}


@pytest.fixture
def scored(folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]) -> Scored:
    """An assessment with answers, a machine record and decisions."""
    answer({"PS.1.a": '{value: "1", evidence: [{grade: B, note: 规划}]}', "PS.1.b": "{no_value: unknown}"})
    record(9)
    write_score(folder, sources)
    accept(folder, ["RE.2.a"], "李工", "与现场一致", NOW)
    settle(folder, "PS.2.a", "0.8", "李工", "复核", NOW)
    return write_score(folder, sources)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SecretKey, SecretKey]]:
    """A key of a provider and one of an enterprise."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("provider", "enterprise"):
        new_key(folder / f"{name}.key", PASSPHRASE)
    with (
        open_key(folder / "provider.key", PASSPHRASE) as first,
        open_key(folder / "enterprise.key", PASSPHRASE) as second,
    ):
        yield first, second


def altered(bundle: Path, out: Path, changes: Mapping[str, tuple[bytes, bytes]]) -> Path:
    """The bundle sealed anew with pieces of some files exchanged, as somebody would who wants a better level."""
    sealed = open_bundle(bundle)
    files: dict[str, Path | bytes] = {}
    for name, data in sealed.contents():
        before, after = changes.get(name, (b"", b""))
        assert before in data
        files[name] = data.replace(before, after) if before else data
    seal_files(files, out, "assessment-bundle", sealed.about, (), sealed.manifest.expects)
    return out


def test_the_score_is_rebuilt_from_the_bundle_alone(scored: Scored, workspace: Workspace, tmp_path: Path) -> None:
    """With the workspace gone, the bundle gives the same bytes of score.json."""
    out = tmp_path / "plant.zip"
    seal_assessment(scored, out, PAGES, "factory-kit test")
    shutil.rmtree(workspace.root)

    found = rescore(out)

    assert (found.same, found.differences) == (True, ())
    assert found.scored.canonical() == scored.canonical()


def test_the_bundle_holds_everything_and_nothing_else(scored: Scored, tmp_path: Path) -> None:
    """Assessment, answers, decisions, evidence, indicator, model, score, pages; no lock file, no YAML of the workspace."""
    out = tmp_path / "plant.zip"
    seal_assessment(scored, out, PAGES, "factory-kit test")

    (record,) = scored.evidence
    assert open_bundle(out).names == (
        "answers.json",
        "assessment.json",
        "decisions.jsonl",
        f"evidence/{record.file_name}",
        "indicators/connected_share/indicator.yaml",
        "indicators/connected_share/query.sql",
        "leaving/leaving.zh.html",
        "models/gbt-39116/2020/model.yaml",
        "models/gbt-39116/2020/text.en.yaml",
        "models/gbt-39116/2020/text.zh.yaml",
        "report/report.zh.html",
        "score.json",
    )


def test_the_same_assessment_gives_the_same_bundle(scored: Scored, tmp_path: Path) -> None:
    """Without signatures nothing in the file depends on the moment or the machine."""
    for name in ("one.zip", "two.zip"):
        seal_assessment(scored, tmp_path / name, PAGES, "factory-kit test")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_changed_answer_does_not_fit_the_score(scored: Scored, tmp_path: Path) -> None:
    """An answer raised inside a freshly sealed bundle is found by rebuilding, and the difference is named."""
    out = tmp_path / "plant.zip"
    seal_assessment(scored, out, PAGES, "factory-kit test")
    forged = altered(
        out, tmp_path / "forged.zip", {"answers.json": (b'"PS.1.b":{"no_value":"unknown"}', b'"PS.1.b":{"value":"1"}')}
    )

    found = rescore(forged)

    assert not found.same
    assert any(
        text.startswith('criteria.PS.1.b.counts: "unknown" in the bundle, "1" rebuilt') for text in found.differences
    )


def test_a_changed_score_does_not_fit_the_answers(scored: Scored, tmp_path: Path) -> None:
    """A level raised inside score.json is found the same way."""
    out = tmp_path / "plant.zip"
    seal_assessment(scored, out, PAGES, "factory-kit test")
    level = f'"level":{scored.score.level},"levels"'.encode()
    forged = altered(out, tmp_path / "forged.zip", {"score.json": (level, b'"level":4,"levels"')})

    assert any(text.startswith("score.level: 4 in the bundle") for text in rescore(forged).differences)


def test_an_altered_byte_is_found_before_anything_is_read(scored: Scored, tmp_path: Path) -> None:
    """A byte changed in the file itself never reaches the scoring."""
    out = tmp_path / "plant.zip"
    seal_assessment(scored, out, PAGES, "factory-kit test")
    data = bytearray(out.read_bytes())
    at = data.index(b'"no_value":"unknown"')
    data[at + 13] ^= 1
    out.write_bytes(data)

    with pytest.raises(Altered, match=r"plant\.zip: answers\.json was altered"):
        rescore(out)


def test_both_sign_the_same_manifest(scored: Scored, keys: tuple[SecretKey, SecretKey], tmp_path: Path) -> None:
    """Until the enterprise acknowledged, the bundle is unfinished; its signature leaves every other byte alone."""
    out, provider = tmp_path / "plant.zip", keys[0]
    signed = scored_by_provider(scored)
    seal_assessment(signed, out, PAGES, "factory-kit test", [Signer(provider, "provider", "某诊断公司", lambda: NOW)])
    before = verify(out)
    manifest = before.manifest

    countersign(out, Signer(keys[1], "enterprise", "试验厂", lambda: NOW))
    after = verify(out)

    assert (before.ok, after.ok, after.intact) == (False, True, True)
    assert after.manifest == manifest
    assert {check.role: check.signer for check in after.signatures} == {
        "provider": "某诊断公司",
        "enterprise": "试验厂",
    }


def scored_by_provider(scored: Scored) -> Scored:
    """The same assessment made by a provider."""
    path = scored.folder.assessment_file
    text = path.read_text(encoding="utf-8").replace("type: self", "type: provider")
    lines = [
        line if not line.startswith("# provider:") else "provider: {name: 某诊断公司}" for line in text.splitlines()
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return write_score(scored.folder, [])


def test_every_file_is_on_the_list_of_what_leaves(scored: Scored) -> None:
    """Each file has its purpose, size and hash, and those that may name people are marked."""
    files = {**parts(scored), **PAGES}
    listed = {each.path: each for each in leaving(files)}

    assert listed.keys() == files.keys()
    assert {each.purpose for each in listed.values()} == set(Purpose)
    assert {path for path, each in listed.items() if each.personal} == {
        "answers.json", "assessment.json", "decisions.jsonl", "report/report.zh.html",
    }  # fmt: skip
    assert listed["score.json"].size == len(scored.canonical())


def test_a_name_still_to_be_filled_in_is_not_sealed(scored: Scored, tmp_path: Path) -> None:
    """The placeholder of a new form stops the sealing, and nothing is written."""
    path = scored.folder.assessment_file
    path.write_text(path.read_text(encoding="utf-8").replace("李工", "（待填写 to be filled in）"), encoding="utf-8")

    with pytest.raises(AssessmentError, match="a name still reads"):
        seal_assessment(write_score(scored.folder, []), tmp_path / "plant.zip", PAGES, "factory-kit test")
    assert not (tmp_path / "plant.zip").exists()


def test_a_wrong_credit_code_is_not_sealed(scored: Scored, tmp_path: Path) -> None:
    """One wrong sign in the credit code is noticed before the bundle goes out."""
    path = scored.folder.assessment_file
    path.write_text(path.read_text(encoding="utf-8").replace("M000100Y43", "M000100Y44"), encoding="utf-8")

    with pytest.raises(AssessmentError, match="91350100M000100Y44 is no unified social credit code"):
        seal_assessment(write_score(scored.folder, []), tmp_path / "plant.zip", PAGES, "factory-kit test")


def test_another_sealed_thing_is_no_bundle(tmp_path: Path) -> None:
    """A sealed dataset is refused by its kind."""
    seal_files({"a.txt": b"a"}, tmp_path / "package.zip", "package", {})

    with pytest.raises(AssessmentError, match="is a sealed package, not a bundle of an assessment"):
        rescore(tmp_path / "package.zip")


def test_the_sealed_answers_are_canonical_json(scored: Scored) -> None:
    """Answers travel as RFC 8785 JSON that says what the YAML says."""
    data = parts(scored)["answers.json"]
    assert isinstance(data, bytes)
    assert json.loads(data)["answers"]["PS.1.a"] == {"value": "1", "evidence": [{"grade": "B", "note": "规划"}]}


@pytest.mark.parametrize("name", ["photos/line-3.jpg", "samples.parquet", "answers.json.bak", "model.yaml"])
def test_nothing_else_travels_in_a_bundle(scored: Scored, tmp_path: Path, name: str) -> None:
    """A photo, samples or a stray file sealed beside the rest make it no bundle."""
    seal_files({**parts(scored), name: b"x"}, tmp_path / "plant.zip", "assessment-bundle", {})

    with pytest.raises(AssessmentError, match="belongs to no bundle"):
        open_bundle(tmp_path / "plant.zip")
