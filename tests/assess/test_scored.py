from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.begin import Wish, begin
from factory_kit.assess.decisions import Ruling, add_judgements
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored, write_score
from factory_kit.errors import Altered, DefinitionError
from factory_kit.load.workspace import Workspace
from factory_kit.model.answers import NoValueKind
from factory_kit.model.evidence import Evidence
from factory_kit.score import NoValue, Value

Answer = Callable[[Mapping[str, str]], None]
Record = Callable[..., Evidence]
NOW = 1_790_000_000_000_000
ROOT = Path(__file__).resolve().parent.parent.parent


def texts(found: Any) -> str:
    """All warnings in one text."""
    return "\n".join(map(str, found.warnings))


def test_an_answer_counts_with_the_best_grade_of_its_evidence(folder: AssessmentFolder, answer: Answer) -> None:
    """Document beats interview, and an answer without evidence is declared."""
    answer(
        {
            "PS.1.a": '{value: "1", evidence: [{grade: C, note: 访谈}, {grade: B, note: 规划文件}]}',
            "PS.1.b": '{value: "0.8"}',
        }
    )

    decided = read_scored(folder).decided

    assert decided["PS.1.a"] == Value(Fraction(1), "B")
    assert decided["PS.1.b"] == Value(Fraction(4, 5), "D")


def test_expired_evidence_is_a_declaration(folder: AssessmentFolder, answer: Answer) -> None:
    """A document that expired before the end of the period counts no more; one that expires on its last day does."""
    answer(
        {
            "PS.1.a": '{value: "1", evidence: [{grade: B, note: 证书, expires: 2026-09-29}]}',
            "PS.1.b": '{value: "1", evidence: [{grade: B, note: 证书, expires: 2026-09-30}]}',
        }
    )

    decided = read_scored(folder).decided

    assert (decided["PS.1.a"].grade, decided["PS.1.b"].grade) == ("D", "B")


def test_machine_evidence_never_answers_by_itself(
    folder: AssessmentFolder, record: Record, sources: list[Path]
) -> None:
    """A record proposes; without an answer or a decision the criterion stays open."""
    record(9)

    scored = write_score(folder, sources)

    assert scored.decided["RE.2.a"] == NoValue(NoValueKind.NOT_ASSESSED)
    assert [(each.criterion, each.score) for each in scored.open_proposals] == [("RE.2.a", Fraction(4, 5))]


@pytest.mark.parametrize(
    ("numerator", "denominator", "proposed"),
    [
        (949, 1000, "0.8"),
        (950, 1000, "1"),
        (951, 1000, "1"),
        (799999, 1000000, "0.5"),
        (8, 10, "0.8"),
        (29, 100, "0"),
        (3, 10, "0.5"),
    ],
)
def test_bands_are_exact_at_their_ends(
    folder: AssessmentFolder,
    answer: Answer,
    record: Record,
    sources: list[Path],
    numerator: int,
    denominator: int,
    proposed: str,
) -> None:
    """Just below, on and above the end of a band."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    record(numerator, denominator)

    assert write_score(folder, sources).decided["RE.2.a"] == Value(Fraction(proposed), "A")


def test_inconclusive_machine_evidence_is_not_zero(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Accepting a record without a value leaves the criterion open, and a warning says so."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    record(None)

    scored = write_score(folder, sources)

    decided = scored.decided["RE.2.a"]
    assert isinstance(decided, NoValue)
    assert decided.kind is NoValueKind.INCONCLUSIVE
    assert "machine evidence is inconclusive for RE.2.a" in texts(scored)
    assert scored.score.ceiling.total > scored.score.total


def test_accepting_a_machine_that_was_not_asked_leaves_it_open(
    folder: AssessmentFolder, answer: Answer, sources: list[Path]
) -> None:
    """Without any record the criterion is not assessed: nothing was measured, so nothing was inconclusive."""
    answer({"RE.2.a": "{decision: accept-machine}"})

    assert write_score(folder, sources).decided["RE.2.a"] == NoValue(NoValueKind.NOT_ASSESSED)


def test_agreeing_machine_evidence_makes_it_grade_a(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """A mere declaration that the machine data bears out is proven."""
    answer({"RE.2.a": '{value: "0.8"}'})
    record(9)

    assert write_score(folder, sources).decided["RE.2.a"] == Value(Fraction(4, 5), "A")


def test_an_answer_above_the_machine_is_a_contradiction(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """The answer counts, only what the machine shows is proven, and the pair is listed."""
    answer({"RE.2.a": '{value: "1", evidence: [{grade: B, note: 台账}]}'})
    made = record(5)

    scored = write_score(folder, sources)

    assert scored.decided["RE.2.a"] == Value(Fraction(1), "B", Fraction(1, 2))
    (found,) = scored.contradictions
    assert (found.criterion, found.answer, found.machine, found.records) == ("RE.2.a", 1, Fraction(1, 2), (made.id,))
    assert "1 answers stand above what machine evidence shows" in texts(scored)


def test_the_floor_takes_what_the_machine_shows(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Under a contradiction the floor holds the machine's value, not nothing and not the answer."""
    answer({"RE.2.a": '{value: "1"}'})
    alone = write_score(folder, sources).score
    record(5)
    beside = write_score(folder, sources).score

    assert (alone.floor.levels[1].value, alone.outcome.levels[1].value > 0) == (0, True)
    assert beside.floor.levels[1].value == beside.outcome.levels[1].value / 2


def test_an_override_keeps_the_value_of_the_machine(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Who set the machine's value aside, when and why stand beside it, and it is no contradiction any more."""
    answer({"RE.2.a": '{value: "0.5", evidence: [{grade: B, note: 验收单}]}'})
    made = record(5)
    ruling = Ruling(
        "RE.2.a", "override-machine", "1", "王总监", "新设备上周入账", old="0.5", machine="0.5", records=[made.id]
    )
    add_judgements(folder.decisions_file, [ruling], NOW)

    scored = write_score(folder, sources)
    written = json.loads(folder.score_file.read_bytes())["criteria"]["RE.2.a"]

    assert scored.decided["RE.2.a"] == Value(Fraction(1), "B")
    assert scored.contradictions == ()
    assert written["machine"] == {"score": "0.5", "inconclusive": False, "records": [made.id]}
    judgement = scored.standings["RE.2.a"].judgement
    assert judgement is not None
    assert (judgement.by, judgement.why, judgement.machine) == ("王总监", "新设备上周入账", "0.5")


def test_an_override_without_evidence_proves_no_more_than_the_machine(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """A value set by mere declaration counts, but only what the machine shows is proven."""
    answer({"RE.2.a": '{value: "1", decision: override-machine, reason: 新设备上周入账}'})
    record(5)

    scored = write_score(folder, sources)

    assert scored.decided["RE.2.a"] == Value(Fraction(1), "D", Fraction(1, 2))
    assert scored.contradictions == ()


def test_of_several_indicators_the_lowest_proposal_counts(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Two indicators speak for one requirement, one of them without a value: the lowest score proposed is taken."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    shown = record(10)
    for name, numerator in (("other_share", 5), ("third_share", None)):
        text = (sources[0] / "connected_share" / "indicator.yaml").read_text(encoding="utf-8")
        (sources[0] / name).mkdir()
        (sources[0] / name / "indicator.yaml").write_text(
            text.replace("connected_share", name), encoding="utf-8", newline="\n"
        )
        (sources[0] / name / "query.sql").write_bytes((sources[0] / "connected_share" / "query.sql").read_bytes())
        record(numerator, indicator=replace(shown.indicator, id=name))

    scored = write_score(folder, sources)

    assert scored.decided["RE.2.a"] == Value(Fraction(1, 2), "A")
    assert len(scored.standings["RE.2.a"].proposal.voices) == 3  # type: ignore[union-attr]


def test_a_renamed_or_changed_record_is_named(folder: AssessmentFolder, record: Record, sources: list[Path]) -> None:
    """A record under another name, and one whose figure was edited, are both mistakes of the folder."""
    one, other = record(9), record(8)
    (folder.evidence_folder / one.file_name).rename(folder.evidence_folder / "renamed.json")
    path = folder.evidence_folder / other.file_name
    path.write_bytes(path.read_bytes().replace(b'"numerator":"8"', b'"numerator":"9"'))

    with pytest.raises(DefinitionError) as caught:
        write_score(folder, sources)
    assert {problem.file for problem in caught.value.problems} == {
        "first/evidence/renamed.json",
        f"first/evidence/{other.file_name}",
    }


def test_a_folder_among_the_records_is_named(folder: AssessmentFolder, sources: list[Path]) -> None:
    """What is called like a record and cannot be read is one line."""
    (folder.evidence_folder / "x.json").mkdir(parents=True)

    with pytest.raises(DefinitionError, match=r"evidence/x.json: cannot be read \("):
        write_score(folder, sources)


def test_an_answer_changed_after_its_decision_is_reported(
    folder: AssessmentFolder, answer: Answer, sources: list[Path]
) -> None:
    """The decision still counts, and the warning names the criterion."""
    add_judgements(folder.decisions_file, [Ruling("PS.1.a", "change", "0.8", "李工", "复核", old="not assessed")], NOW)
    assert "decide again" not in texts(write_score(folder, sources))

    answer({"PS.1.a": '{value: "0.5"}'})
    scored = write_score(folder, sources)

    assert "the answers to PS.1.a were changed after the decisions on them" in texts(scored)
    assert scored.decided["PS.1.a"] == Value(Fraction(4, 5), "D")


def test_a_record_that_is_gone_proves_nothing(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """An accepted proposal whose record was removed, and a grade A by hand without a record, count as declared."""
    answer({"PS.1.a": f'{{value: "1", evidence: [{{grade: A, note: 设备数据, sha256: "{"f" * 64}"}}]}}'})
    made = record(9)
    add_judgements(
        folder.decisions_file,
        [
            Ruling(
                "RE.2.a", "accept-machine", "0.8", "李工", "一致", old="not assessed", machine="0.8", records=[made.id]
            )
        ],
        NOW,
    )
    assert write_score(folder, sources).decided["RE.2.a"].grade == "A"

    (folder.evidence_folder / made.file_name).unlink()
    scored = write_score(folder, sources)

    assert (scored.decided["RE.2.a"].grade, scored.decided["PS.1.a"].grade) == ("D", "D")
    assert "the answers to PS.1.a name machine records that are not in the folder" in texts(scored)


def test_the_newest_record_counts(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Of two records of one indicator the one whose interval ends later speaks, whatever the order of the files."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    record(10, start="2026-09-01T00:00:00+08:00", end="2026-09-11T00:00:00+08:00")
    record(3, start="2026-09-11T00:00:00+08:00", end="2026-09-21T00:00:00+08:00")

    assert write_score(folder, sources).decided["RE.2.a"] == Value(Fraction(1, 2), "A")


def test_a_record_outside_the_period_is_reported(folder: AssessmentFolder, record: Record, sources: list[Path]) -> None:
    """A record of other days is used and named; one that ends with the midnight after the last day is inside."""
    record(9)
    assert "outside the period" not in texts(write_score(folder, sources))

    record(9, end="2026-10-02T00:00:00+08:00")
    assert "1 evidence records speak for days outside the period" in texts(write_score(folder, sources))


def test_a_record_without_its_indicator_proposes_nothing(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """When the indicator was changed since, the record stays but does not speak."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    record(9)
    (sources[0] / "connected_share" / "query.sql").write_bytes(b"SELECT 2\n")

    scored = write_score(folder, sources)

    assert isinstance(scored.decided["RE.2.a"], NoValue)
    assert "1 evidence records were made by indicators that are not at hand" in texts(scored)


def test_a_changed_indicator_does_not_change_an_old_score(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Once scored, the assessment keeps its own copy of the indicator."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    record(9)
    before = write_score(folder, sources).canonical()
    changed = (
        (sources[0] / "connected_share" / "indicator.yaml")
        .read_text(encoding="utf-8")
        .replace('"0.8", score', '"0.7", score')
    )
    (sources[0] / "connected_share" / "indicator.yaml").write_text(changed, encoding="utf-8", newline="\n")

    assert write_score(folder, sources).canonical() == before


def test_a_new_revision_speaks_once_its_record_is_there(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """With other bands under a new rev, the old record keeps its old bands; a record of the new rev brings the new ones."""
    answer({"RE.2.a": "{decision: accept-machine}"})
    first = record(9)
    write_score(folder, sources)
    path = sources[0] / "connected_share" / "indicator.yaml"
    text = path.read_text(encoding="utf-8").replace("rev: 1", "rev: 2").replace('at_least: "0.95"', 'at_least: "0.85"')
    path.write_text(text, encoding="utf-8", newline="\n")
    assert write_score(folder, sources).decided["RE.2.a"] == Value(Fraction(4, 5), "A")

    record(9, indicator=replace(first.indicator, rev=2), received="2026-10-03T09:00:00+08:00")
    assert write_score(folder, sources).decided["RE.2.a"] == Value(Fraction(1), "A")


def test_simulated_evidence_is_refused_in_a_real_assessment(
    real_workspace: Workspace, record: Record, sources: list[Path]
) -> None:
    """A figure of a simulation is a mistake in a real assessment, named by its file; live samples are fine."""
    made = begin(real_workspace, Wish("first", "gbt-39116@2020", (date(2026, 9, 1), date(2026, 9, 30))), "0" * 16)
    simulated, live = record(9), record(9, origin=("live",))
    path = made.evidence_folder / simulated.file_name
    path.write_bytes(simulated.canonical())

    with pytest.raises(
        DefinitionError, match=r"first/evidence/connected_share.*simulated samples; a real assessment takes none"
    ):
        write_score(made, sources)
    path.unlink()
    (made.evidence_folder / live.file_name).write_bytes(live.canonical())
    assert write_score(made, sources).assessment.kind == "real"


def test_all_mistakes_of_the_answers_come_at_once(
    folder: AssessmentFolder, answer: Answer, sources: list[Path]
) -> None:
    """A value that is not allowed, NaN, an unknown criterion and a number are each named at their line, and no score is written."""
    answer({"PS.1.a": '{value: "0.7"}', "PS.1.b": '{value: "NaN"}', "PS.2.a": "{value: 1}"})
    text = folder.answers_file.read_text(encoding="utf-8").replace("  RE.2.b:", "  RE.2.z:")
    folder.answers_file.write_text(text, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        write_score(folder, sources)

    lines = {problem.path: problem.line for problem in caught.value.problems}
    assert {"answers.PS.1.b.value", "answers.PS.2.a.value"} <= lines.keys()
    assert text.splitlines()[lines["answers.PS.1.b.value"] - 1].startswith("  PS.1.b:")
    assert not folder.score_file.exists()


def test_answers_of_another_kind_are_refused(folder: AssessmentFolder, sources: list[Path]) -> None:
    """Answers marked real in a demo assessment, and of another plant type, are named."""
    text = folder.answers_file.read_text(encoding="utf-8")
    folder.answers_file.write_text(
        text.replace("kind: demo", "kind: real").replace("type: discrete", "type: process"), encoding="utf-8"
    )

    with pytest.raises(DefinitionError) as caught:
        write_score(folder, sources)
    assert {problem.path for problem in caught.value.problems} == {"kind", "type"}


def test_a_changed_model_copy_is_refused(folder: AssessmentFolder, sources: list[Path]) -> None:
    """A weight edited in the frozen copy no longer fits the hash that the assessment names."""
    path = folder.model_folder(folder.assessment().model) / "model.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('at_least: "0.8", stop', 'at_least: "0.7", stop'), encoding="utf-8"
    )

    with pytest.raises(DefinitionError, match="the frozen copy was changed; restore it"):
        write_score(folder, sources)


def test_a_changed_log_of_decisions_is_refused(folder: AssessmentFolder, sources: list[Path]) -> None:
    """Editing a decision after the fact stops the scoring."""
    add_judgements(folder.decisions_file, [Ruling("PS.1.a", "change", "0.8", "李工", "复核")], NOW)
    folder.decisions_file.write_bytes(folder.decisions_file.read_bytes().replace(b'"0.8"', b'"0.5"'))

    with pytest.raises(Altered, match="record 1 was altered"):
        write_score(folder, sources)


@pytest.mark.parametrize(
    ("criterion", "value", "said"), [("XX.1", "1", "no criterion"), ("PS.1.a", "0.7", "0.7 is not allowed")]
)
def test_decisions_are_held_against_the_model(
    folder: AssessmentFolder, sources: list[Path], criterion: str, value: str, said: str
) -> None:
    """A decision on an unknown criterion, or for a value that is not allowed, is named by its record."""
    add_judgements(folder.decisions_file, [Ruling(criterion, "change", value, "李工", "复核")], NOW)

    with pytest.raises(DefinitionError, match=rf"first/decisions\.jsonl:1: .*{said}"):
        write_score(folder, sources)


def test_the_score_is_the_same_everywhere(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Another time zone, locale and hash seed give the same bytes of score.json."""
    answer({"RE.2.a": "{decision: accept-machine}", "PS.1.a": '{value: "0.8"}', "PS.1.b": "{no_value: unknown}"})
    record(9)
    here = write_score(folder, sources).canonical()
    program = (
        "import sys; from pathlib import Path; from factory_kit.assess.folder import AssessmentFolder;"
        "from factory_kit.assess.scored import read_scored;"
        "sys.stdout.buffer.write(read_scored(AssessmentFolder(Path(sys.argv[1]))).canonical())"
    )

    for zone, locale, seed in (("UTC", "C", "1"), ("America/St_Johns", "C.UTF-8", "4711")):
        environment = {
            **os.environ,
            "TZ": zone,
            "LC_ALL": locale,
            "PYTHONHASHSEED": seed,
            "PYTHONUTF8": "0",
            "PYTHONPATH": str(ROOT),
        }
        there = subprocess.run(
            [sys.executable, "-c", program, str(folder.path)], env=environment, capture_output=True, check=True
        )
        assert there.stdout == here


def test_the_order_of_answers_changes_nothing(folder: AssessmentFolder, answer: Answer, sources: list[Path]) -> None:
    """Lines of answers.yaml the other way round, and without comments, give the same bytes of score.json."""
    answer({"PS.1.a": '{value: "0.8"}', "PS.1.b": '{value: "1"}'})
    before = write_score(folder, sources).canonical()
    lines = folder.answers_file.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("  ") and not line.lstrip().startswith("#")]
    folder.answers_file.write_text(
        "\n".join([*lines[: lines.index("answers:") + 1], *reversed(rows)]) + "\n", encoding="utf-8"
    )

    assert write_score(folder, sources).canonical() == before


def test_the_score_holds_no_floats(folder: AssessmentFolder, answer: Answer, sources: list[Path]) -> None:
    """Every number that matters is an exact text."""
    answer({"PS.1.a": '{value: "0.8"}'})
    write_score(folder, sources)

    def refuse(text: str) -> float:
        raise AssertionError(text)

    content = json.loads(folder.score_file.read_bytes(), parse_float=refuse)
    assert content["nodes"]["PS"]["1"] == "0.4"
    assert content["score"]["levels"][0]["value"] == "0.012"
