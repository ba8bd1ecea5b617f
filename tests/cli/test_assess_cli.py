"""``assess``: from a new form to a score and its reasons."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from factory_kit.assess.bundle import open_bundle
from factory_kit.shipped import data_dir

from .conftest import Command


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """A workspace made from the shipped demonstration plant, with nothing collected."""
    root = tmp_path / "plant"
    root.mkdir()
    shutil.copy(data_dir("examples") / "demo-plant" / "site.yaml", root / "site.yaml")
    return root


@pytest.fixture
def first(factory_kit: Command, plant: Path) -> Path:
    """An assessment called ``first`` with the example answers."""
    said = factory_kit("assess", "new", "first", "--example", "--from", "2026-10-01", "--to", "2026-10-31", "-w", plant)
    assert said.code == 0, said.err
    return plant / "assessments" / "first"


def test_a_new_assessment_says_what_to_do_next(factory_kit: Command, plant: Path) -> None:
    """The next step names the file to fill in and the command after it."""
    said = factory_kit("assess", "new", "first", "--assessor", "李工", "-w", plant)

    assert said.code == 0
    assert "answers.yaml" in said.err
    assert "factory-kit assess score first" in said.err
    assert said.out == ""


def test_the_example_is_scored_and_explained(factory_kit: Command, plant: Path, first: Path) -> None:
    """The table shows every level, and the five lines follow."""
    said = factory_kit("assess", "score", "first", "-w", plant)

    assert said.code == 0
    assert "Result: Level 2 Standardised." in said.out
    assert "Not reached: Level 3 Integrated has 0." in said.out
    assert (first / "score.json").is_file()
    assert said.err.splitlines()[-2:] == [
        f"  factory-kit assess path first -w {plant}",
        f"  factory-kit assess report first -w {plant}",
    ]


def test_the_highest_level_has_no_path(factory_kit: Command, plant: Path, first: Path) -> None:
    """Where everything is met it is said so, and the next step is the report alone."""
    file = first / "answers.yaml"
    met = re.sub(
        r"^(  [A-Z]+[0-9]*\.[0-9.]+\.?[a-z]: ).*$",
        r'\1{value: "1"}',
        file.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    file.write_text(met, encoding="utf-8")
    scored = factory_kit("assess", "score", "first", "-w", plant)
    said = factory_kit("assess", "path", "first", "-w", plant)

    assert (scored.code, scored.err.splitlines()[-2:]) == (
        0,
        ["Next: the report:", f"  factory-kit assess report first -w {plant}"],
    )
    assert (said.code, "level 5, the highest of the model" in said.err) == (2, True)


def test_the_json_of_a_score_is_the_file(factory_kit: Command, plant: Path, first: Path) -> None:
    """What ``--json`` prints is what ``score.json`` holds."""
    said = factory_kit("assess", "score", "first", "-w", plant, "--json")

    assert json.loads(said.out) == json.loads((first / "score.json").read_bytes())


def test_a_level_is_explained_for_programs_too(factory_kit: Command, plant: Path, first: Path) -> None:
    """Five lines at most, five requirements, the warnings; nothing is written."""
    found = json.loads(factory_kit("assess", "explain", "first", "-w", plant, "--json").out)

    assert found["level"] == 2
    assert len(found["why"]) == 5
    assert len(found["raises_most"]) == 5
    assert any("have not been compared with the standard" in text for text in found["warnings"])
    assert not (first / "score.json").exists()


@pytest.mark.usefixtures("first")
def test_one_requirement_is_explained(factory_kit: Command, plant: Path) -> None:
    """What counts and its source are shown; a mistyped requirement is one line and exit code 2."""
    said = factory_kit("assess", "explain", "first", "PS.2.a", "-w", plant)
    wrong = factory_kit("assess", "explain", "first", "PS.2.z", "-w", plant)

    assert "0.8, evidence of grade B" in said.out
    assert (wrong.code, wrong.err.strip()) == (2, "gbt-39116@2020 has no requirement 'PS.2.z'")


def test_an_override_is_kept_with_its_author(factory_kit: Command, plant: Path, first: Path) -> None:
    """The log holds who and why, and the score follows at once."""
    said = factory_kit("assess", "override", "first", "PS.3.b", "1", "--by", "李工", "--why", "已形成制度", "-w", plant)

    assert said.code == 0
    record = json.loads((first / "decisions.jsonl").read_text(encoding="utf-8"))["record"]
    assert (record["by"], record["why"], record["new"], record["old"]) == ("李工", "已形成制度", "1", "0.5")
    assert json.loads((first / "score.json").read_bytes())["criteria"]["PS.3.b"]["counts"] == "1"


@pytest.mark.usefixtures("first")
def test_a_decision_without_reason_is_wrong_use(factory_kit: Command, plant: Path) -> None:
    """``--by`` and ``--why`` are not optional."""
    assert factory_kit("assess", "override", "first", "PS.3.b", "1", "--by", "李工", "-w", plant).code == 2


@pytest.mark.usefixtures("first")
def test_with_nothing_proposed_nothing_is_taken(factory_kit: Command, plant: Path) -> None:
    """``accept`` without machine evidence says so."""
    said = factory_kit("assess", "accept", "first", "--by", "李工", "--why", "一致", "-w", plant)

    assert (said.code, "proposes nothing that is still open" in said.err) == (0, True)


def test_mistakes_in_answers_are_shown_by_line(factory_kit: Command, plant: Path, first: Path) -> None:
    """Two wrong answers are two lines with file and line, exit code 2, and no score."""
    answers = first / "answers.yaml"
    text = answers.read_text(encoding="utf-8").replace('PS.1.a: {value: "1"', 'PS.1.a: {value: "0.7"')
    answers.write_text(text.replace("  RE.2.a:", "  RE.2.z:"), encoding="utf-8")

    said = factory_kit("assess", "score", "first", "-w", plant)

    assert said.code == 2
    assert "first/answers.yaml:" in said.err
    assert "answers.PS.1.a.value: 0.7 is not allowed, expected one of 0, 0.5, 0.8, 1" in said.err
    assert "answers.RE.2.z: " in said.err
    assert not (first / "score.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--type", "postal"), "'postal' is no type of assessment"),
        (("--from", "2026-02-30"), "'2026-02-30' is not a date"),
        (("--model", "x@1"), "x@1: there is no such model edition"),
        (("--type", "on-site"), "needs its on_site dates"),
    ],
)
def test_wrong_use_of_new_is_one_clear_line(
    factory_kit: Command, plant: Path, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2, one line that says what is wrong, nothing made."""
    found = factory_kit("assess", "new", "first", *words, "-w", plant)

    assert found.code == 2
    assert said in found.err
    assert not (plant / "assessments" / "first").exists()


PASSPHRASE = "correct horse battery"


@pytest.fixture
def keys(factory_kit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Keys of a provider and of an enterprise."""
    monkeypatch.setenv("FACTORY_KIT_PASSPHRASE", PASSPHRASE)
    for name in ("provider", "enterprise"):
        assert factory_kit("key", "new", tmp_path / f"{name}.key", "--sheet", tmp_path / f"{name}.txt").code == 0
    return tmp_path / "provider.key", tmp_path / "enterprise.key"


def test_the_report_is_written_in_both_languages(factory_kit: Command, plant: Path, first: Path) -> None:
    """One page per language, each whole in itself."""
    assert factory_kit("assess", "report", "first", "-w", plant).code == 0

    for language, said in (("zh", "示例精密机械"), ("en", "Example Precision Works")):
        page = (first / "report" / f"report.{language}.html").read_text(encoding="utf-8")
        assert said in page
        assert not re.search(r"""(?:src|href)=["']?https?:""", page)


def test_a_bundle_is_sealed_acknowledged_and_rebuilt(
    factory_kit: Command, plant: Path, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    """Provider seals, enterprise sees the list and signs, anybody rebuilds the score."""
    new = ("assess", "new", "first", "--example", "--type", "provider", "--provider", "示例诊断", "-w", plant)
    assert factory_kit(*new).code == 0
    out = tmp_path / "out.zip"

    sealed = factory_kit("assess", "seal", "first", "-w", plant, "--key", keys[0], "--out", out)
    unfinished = factory_kit("verify", out)
    acknowledged = factory_kit("assess", "acknowledge", out, "--key", keys[1], "--all")
    finished = factory_kit("verify", out)
    rebuilt = factory_kit("assess", "rescore", out, "--json")

    assert (sealed.code, unfinished.code, acknowledged.code, finished.code, rebuilt.code) == (0, 1, 0, 0, 0)
    assert "Still to sign: enterprise." in sealed.err
    assert sealed.err.splitlines()[-1] == f"  factory-kit assess acknowledge {out} --key enterprise.key"
    assert "answers.json" in acknowledged.out
    assert json.loads(rebuilt.out)["same"] is True


def test_a_bundle_that_another_signed_is_not_written_over(
    factory_kit: Command, plant: Path, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    """Sealing again takes the place of what only the sealer signed; an acknowledged bundle, or any other file, stays as it is."""
    new = ("assess", "new", "first", "--example", "--type", "provider", "--provider", "示例诊断", "-w", plant)
    assert factory_kit(*new).code == 0
    out, other = tmp_path / "out.zip", tmp_path / "photo.zip"
    other.write_bytes(b"another file")
    again = ("assess", "seal", "first", "-w", plant, "--key", keys[0], "--out")

    assert [factory_kit(*again, out).code for _ in range(2)] == [0, 0]
    assert factory_kit("assess", "acknowledge", out, "--key", keys[1]).code == 0
    acknowledged = out.read_bytes()
    said = [factory_kit(*again, file) for file in (out, other)]

    assert [(each.code, each.err.strip()) for each in said] == [
        (2, f"{file}: is there already; nothing was changed") for file in (out, other)
    ]
    assert (out.read_bytes(), other.read_bytes()) == (acknowledged, b"another file")


def test_no_address_of_the_plant_leaves_it(factory_kit: Command, plant: Path, first: Path, tmp_path: Path) -> None:
    """Neither hosts, ports nor URLs of machines are in any file of the bundle."""
    out = tmp_path / "out.zip"
    assert factory_kit("assess", "seal", "first", "-w", plant, "--out", out).code == 0
    site = (plant / "site.yaml").read_text(encoding="utf-8")
    secrets = [text.encode() for text in ("opc.tcp://", "127.0.0.1", "48400", "DEMO-001") if text in site]

    assert len(secrets) == 4
    for name, data in open_bundle(out).contents():
        assert not [text for text in secrets if text in data], name
    assert first.is_dir()


def test_an_altered_bundle_is_one_line_and_exit_code_1(
    factory_kit: Command, plant: Path, first: Path, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    """Acknowledging or rebuilding a changed file is refused, and the file is left alone."""
    out = tmp_path / "out.zip"
    factory_kit("assess", "seal", "first", "-w", plant, "--out", out)
    data = bytearray(out.read_bytes())
    at = data.index(b'"value":"0.8"')
    data[at + 11] = ord("9")
    out.write_bytes(data)

    for words in (("acknowledge", out, "--key", keys[1]), ("rescore", out)):
        said = factory_kit("assess", *words)
        assert (said.code, said.err.strip()) == (
            1,
            "out.zip: answers.json was altered after it was sealed; get it again from who sealed it",
        )
    assert out.read_bytes() == bytes(data)
    assert first.is_dir()


def test_an_unfinished_form_is_not_sealed(factory_kit: Command, plant: Path) -> None:
    """The assessor's name is still missing: one line, no file."""
    factory_kit("assess", "new", "first", "-w", plant)
    said = factory_kit("assess", "seal", "first", "-w", plant)

    assert said.code == 1
    assert "a name still reads" in said.err
    assert not list(plant.rglob("*.zip"))


@pytest.mark.usefixtures("first")
def test_what_a_level_hangs_on_is_told(factory_kit: Command, plant: Path) -> None:
    """Margins, single steps, the smallest fall and moved weights: in sentences, and the same as JSON."""
    factory_kit("assess", "score", "first", "-w", plant)
    said = factory_kit("assess", "explain", "first", "--sensitivity", "-w", plant)
    data = json.loads(factory_kit("assess", "explain", "first", "--sensitivity", "--json", "-w", plant).out)

    assert data["level"] == 2
    assert f"when these {len(data['smallest_fall'])} answers fall" in said.out
    assert f"the level stayed in {data['weights']['stayed']} of {data['weights']['draws']} draws" in said.out
    assert sum(data["weights"]["levels"].values()) == data["weights"]["draws"]


@pytest.mark.usefixtures("first")
def test_the_way_up_is_planned_with_costs_that_say_they_are_estimates(factory_kit: Command, plant: Path) -> None:
    """Three plans to level 3, the cheapest first; a level the plant has is wrong use."""
    factory_kit("assess", "score", "first", "-w", plant)
    said = factory_kit("assess", "path", "first", "-w", plant)
    plans = json.loads(factory_kit("assess", "path", "first", "--json", "-w", plant).out)

    assert "Plan 1 to level 3" in said.out
    assert "estimate" in said.err
    assert [plan["level"] for plan in plans] == [3, 3, 3]
    assert json.loads(factory_kit("assess", "path", "first", "--plans", "1", "--json", "-w", plant).out) == plans[:1]
    assert factory_kit("assess", "path", "first", "--level", "2", "-w", plant).code == 2
    assert factory_kit("assess", "path", "first", "--level", "5", "-w", plant).code == 1
    said = factory_kit("--lang", "zh", "assess", "path", "first", "--plans", "1", "-w", plant)
    assert "Factory Kit 开发者自行估算" in " ".join(said.err.split())
    assert "Own estimate" not in said.err


@pytest.mark.usefixtures("first")
def test_floor_and_ceiling_are_told_with_what_stands_between(factory_kit: Command, plant: Path) -> None:
    """Levels of floor, score and ceiling, how many answers hold them apart, and the same for programs."""
    score = json.loads(factory_kit("assess", "score", "first", "-w", plant, "--json").out)

    said = factory_kit("assess", "explain", "first", "--proof", "-w", plant)
    found = json.loads(factory_kit("assess", "explain", "first", "--proof", "--json", "-w", plant).out)

    assert said.code == 0
    names = {"floor": "floor", "score": "score", "ceiling": "ceiling"}
    assert found["levels"] == {name: score[where]["level"] for name, where in names.items()}
    assert found["levels"]["floor"] < found["levels"]["score"]
    assert f"Between them stand {len(found['unproven'])} answers that are only declared, most in: " in said.out
    assert f"if the {len(found['open'])} answers without a value were fully met." in said.out


def test_who_names_a_provider_begins_the_assessment_of_a_provider(factory_kit: Command, tmp_path: Path) -> None:
    """--provider alone makes it one of a provider, so that the provider's key seals it; what to type next names the workspace."""
    shutil.copy(data_dir("examples") / "demo-plant" / "site.yaml", tmp_path / "site.yaml")

    own = factory_kit("assess", "new", "a", "-w", tmp_path).err
    provided = factory_kit("assess", "new", "b", "--provider", "示例诊断公司", "-w", tmp_path).err

    assert "This is a self-assessment" in own
    assert "self-assessment" not in provided
    assert f"factory-kit assess score b -w {tmp_path}" in provided
    assert "type: provider" in (tmp_path / "assessments" / "b" / "assessment.yaml").read_text(encoding="utf-8")
