from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from factory_kit.assess.decide import accept, settle
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import write_score
from factory_kit.errors import AssessmentError, UsageError
from factory_kit.model.evidence import Evidence
from factory_kit.score import Value

Answer = Callable[[Mapping[str, str]], None]
Record = Callable[..., Evidence]
NOW = 1_790_000_000_000_000


def test_all_open_proposals_can_be_taken_at_once(folder: AssessmentFolder, record: Record, sources: list[Path]) -> None:
    """Each proposal taken is a record of its own, and afterwards none is open."""
    made = record(9)
    write_score(folder, sources)

    (judgement,) = accept(folder, [], "李工", "与现场一致", NOW)
    scored = write_score(folder, sources)

    assert (judgement.criterion, judgement.new, judgement.old, judgement.records) == (
        "RE.2.a",
        "0.8",
        "not assessed",
        (made.id,),
    )
    assert scored.decided["RE.2.a"] == Value(Fraction(4, 5), "A")
    assert scored.open_proposals == ()
    assert accept(folder, [], "李工", "与现场一致", NOW) == ()


def test_an_answer_that_agrees_leaves_nothing_to_take(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """A proposal equal to the answer is not open."""
    answer({"RE.2.a": '{value: "0.8"}'})
    record(9)

    assert write_score(folder, sources).open_proposals == ()


def test_setting_the_machine_aside_is_called_an_override(
    folder: AssessmentFolder, record: Record, sources: list[Path]
) -> None:
    """Where the machine proposes a value the verdict names it; where it does not, it is a plain change."""
    record(5)
    write_score(folder, sources)

    assert settle(folder, "RE.2.a", "1", "王总监", "新设备", NOW).verdict == "override-machine"
    assert settle(folder, "PS.1.a", "0.5", "王总监", "复核", NOW).verdict == "change"


def test_what_no_machine_proposes_cannot_be_accepted(
    folder: AssessmentFolder, record: Record, sources: list[Path]
) -> None:
    """Neither a criterion without a record nor one with an inconclusive record; and then none is taken."""
    record(None)
    write_score(folder, sources)

    for criterion in ("PS.1.a", "RE.2.a"):
        with pytest.raises(UsageError, match=f"{criterion}: no machine evidence proposes a value"):
            accept(folder, [criterion], "李工", "试试", NOW)
    assert not folder.decisions_file.exists()


@pytest.mark.parametrize("value", ["0.7", "NaN", "1/0", "", "很好"])
def test_only_values_of_the_model_can_be_decided(folder: AssessmentFolder, value: str) -> None:
    """Anything else is refused in one line that lists what is allowed."""
    with pytest.raises(AssessmentError, match=r"PS\.1\.a: .* is not allowed, expected one of 0, 0\.5, 0\.8, 1"):
        settle(folder, "PS.1.a", value, "李工", "试试", NOW)


def test_only_criteria_of_the_model_can_be_decided(folder: AssessmentFolder) -> None:
    """A mistyped id is named."""
    with pytest.raises(AssessmentError, match=r"'PS\.1\.z' is no criterion"):
        settle(folder, "PS.1.z", "1", "李工", "试试", NOW)
