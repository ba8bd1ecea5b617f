from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.assess.decisions import Ruling, add_judgements, latest, read_judgements
from factory_kit.errors import Altered, DefinitionError

NOW = 1_790_000_000_123_456
FIRST = Ruling("RE.2.a", "accept-machine", "0.8", "李工", "与现场一致", old="1", machine="0.8", records=["a" * 64])
SECOND = Ruling("RE.2.a", "override-machine", "1", "王总监", "两台新设备上周入账", old="0.8", machine="0.8")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of two decisions on the same criterion."""
    path = tmp_path / "decisions.jsonl"
    add_judgements(path, [FIRST], NOW)
    add_judgements(path, [SECOND], NOW + 5_000_000)
    return path


def test_records_are_added_and_the_last_one_counts(log: Path) -> None:
    """Both decisions stay readable in order; the later one is the one that counts."""
    judgements = read_judgements(log)

    assert [judgement.verdict for judgement in judgements] == ["accept-machine", "override-machine"]
    assert latest(judgements)["RE.2.a"].by == "王总监"
    assert judgements[0].at == "2026-09-21T14:13:20Z"


def test_the_value_of_the_machine_stays_beside_the_decision(log: Path) -> None:
    """Overriding keeps what the machine evidence said, and from which records."""
    first, second = read_judgements(log)

    assert (first.machine, first.records) == ("0.8", ("a" * 64,))
    assert (second.machine, second.new) == ("0.8", "1")


def test_the_bytes_of_the_log_depend_on_its_content_only(log: Path, tmp_path: Path) -> None:
    """The same decisions at the same times give the same bytes."""
    again = tmp_path / "again.jsonl"
    add_judgements(again, [FIRST], NOW)
    add_judgements(again, [SECOND], NOW + 5_000_000)

    assert again.read_bytes() == log.read_bytes()


def test_a_changed_record_is_noticed(log: Path) -> None:
    """Editing an old record is noticed, by its number."""
    log.write_text(log.read_text(encoding="utf-8").replace("与现场一致", "与现场不一致"), encoding="utf-8")

    with pytest.raises(Altered, match="record 1 was altered"):
        read_judgements(log)


def test_a_removed_record_is_noticed(log: Path) -> None:
    """Taking out the first record is noticed in what is now the first."""
    log.write_text(log.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")

    with pytest.raises(Altered, match="record 1 does not follow"):
        read_judgements(log)


@pytest.mark.parametrize("field", ["by", "why"])
def test_a_decision_needs_who_and_why(log: Path, field: str) -> None:
    """A decision without its author or its reason is refused and not written."""
    words = {"by": "李工", "why": "与现场一致"} | {field: ""}
    before = log.read_bytes()

    with pytest.raises(DefinitionError, match=rf"decisions.jsonl:4: {field}: must not be empty"):
        add_judgements(log, [FIRST, Ruling("RE.2.a", "change", "1", words["by"], words["why"])], NOW)
    assert log.read_bytes() == before


def test_a_new_value_must_be_exact(tmp_path: Path) -> None:
    """Not a number is no value."""
    with pytest.raises(DefinitionError, match="'NaN' is not an exact number"):
        add_judgements(tmp_path / "decisions.jsonl", [Ruling("RE.2.a", "change", "NaN", "李工", "试试")], NOW)
