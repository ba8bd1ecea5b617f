"""What a discovery proves about the security of a server, as an assessment takes it in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import time_ns
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from factory_kit.assess.begin import Wish as NewAssessment
from factory_kit.assess.begin import begin
from factory_kit.assess.evidence import silent, stated_by_servers
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored
from factory_kit.collect.discover import Bounds, Wish, discover_opcua, plan_of
from factory_kit.collect.findings import Finding, Kind
from factory_kit.collect.rehearsal import rehearse
from factory_kit.collect.securityrecord import checks, computed_again, outcomes
from factory_kit.errors import AssessmentError, DefinitionError
from factory_kit.load.ladder import ladder, ladder_folders
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Evidence
from factory_kit.model.securityrecord import SECURITY, statements
from factory_kit.model.site import OpcUaServer, Site
from factory_kit.shipped import data_dir

SECURITY_MODEL = "network-security@2024"
SITE = """\
site: 1
kind: real
plant:
  id: p
  name: {zh: 厂, en: p}
  credit_code: "91310117MA00000000"
  type: discrete
  industry: {code: "3484"}
equipment:
  - {id: m, name: {zh: 机, en: m}}
"""


@pytest.fixture(scope="module")
def open_record(plant: Any, allowed: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a discovery of a server without any protection leaves."""
    folder = tmp_path_factory.mktemp("found")
    site = allowed(OpcUaServer(driver="opcua", url=plant.url, security="None"))
    wish = Wish.of(site, "server-1", Bounds(nodes=20, requests_per_s=100))
    rehearse(folder, plan_of(site, wish, time_ns() // 1000))
    found = discover_opcua(
        site,
        wish,
        folder,
        now=lambda: time_ns() // 1000,
        secret=lambda _server: None,
        certificates=folder / "keys",
        request_log=folder / "requests.jsonl",
    )
    assert found.record is not None
    return found.record


@pytest.fixture
def assessment(tmp_path: Path) -> AssessmentFolder:
    """A real assessment without answers."""
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    days = (date(2026, 9, 1), date(2026, 9, 30))
    return begin(
        Workspace.at(tmp_path), NewAssessment("a", "gbt-39116@2020", days, assessor="李工"), "0123456789abcdef"
    )


@pytest.mark.wire
def test_the_record_of_an_open_server_is_taken_in_and_speaks(open_record: Path, assessment: AssessmentFolder) -> None:
    """Copied into a real assessment it is accepted, names its weaknesses, and states 0 for the items it touches."""
    assessment.evidence_folder.mkdir(exist_ok=True)
    shutil.copy(open_record, assessment.evidence_folder)

    scored = read_scored(assessment)
    said = stated_by_servers(scored.evidence, SECURITY_MODEL)

    assert [record.indicator.id for record in scored.evidence] == [SECURITY]
    assert {item: (each.score, each.by[0][1].because) for item, each in said.items()} == {
        "protocols.1": (0, ("anonymous_open",)),
        "protocols.2": (0, ("none_offered", "password_in_the_open")),
        "protocols.3": (0, ("certificate_missing",)),
    }
    assert silent(scored.evidence, scored.indicators) == ()
    assert "indicators that are not at hand" not in "\n".join(map(str, scored.warnings))


@pytest.mark.wire
def test_the_record_can_be_computed_again_from_itself(open_record: Path) -> None:
    """Endpoints, moment and rules give the same bytes; a score that was bettered by hand does not come out again."""
    record = Evidence.read(open_record.read_bytes(), open_record.name)
    bettered = json.loads(json.dumps(record.details))
    bettered["statements"][0]["score"] = "1"

    assert computed_again(record)
    assert not computed_again(replace(record, details=bettered))
    assert not computed_again(replace(record, details={}))
    assert not computed_again(replace(record, points=()))


@pytest.mark.wire
@pytest.mark.parametrize(
    "wrong", [{"statements": 3}, {"statements": [{}]}, {"statements": [{"model": "m@1", "criterion": "c", "score": "2", "because": []}]}, {}]
)  # fmt: skip
def test_a_record_whose_statements_cannot_be_read_is_refused(
    open_record: Path, assessment: AssessmentFolder, wrong: dict[str, Any]
) -> None:
    """A score above 1, no list, no statements: one line that names the file, and no score."""
    record = replace(Evidence.read(open_record.read_bytes(), open_record.name), details=wrong)
    assessment.evidence_folder.mkdir(exist_ok=True)
    (assessment.evidence_folder / record.file_name).write_bytes(record.canonical())

    with pytest.raises(AssessmentError, match="no record of security"):
        statements(record)
    with pytest.raises(DefinitionError, match="no record of security") as told:
        read_scored(assessment)
    assert len(told.value.problems) == 1


def test_the_weakest_server_speaks_and_only_its_newest_record() -> None:
    """Of two servers the lower score counts; what a server said before it was mended counts no more."""

    def record(subject: str, day: int, score: str) -> Any:
        said = {"model": "x@1", "criterion": "c", "score": score, "because": []}
        moment = f"2026-09-{day:02d}T00:00:00+08:00"
        return SimpleNamespace(
            indicator=SimpleNamespace(id=SECURITY),
            subject=subject,
            end=moment,
            received=moment,
            id=f"{subject}{day}",
            file_name="f",
            details={"statements": [said]},
        )

    mended = [record("one", 1, "0"), record("one", 2, "1"), record("two", 1, "0.5")]

    said = stated_by_servers(mended, "x@1")
    assert (said["c"].score, len(said["c"].by)) == (0.5, 2)
    assert stated_by_servers(mended, "x@2") == {}


def test_every_check_speaks_for_an_item_that_the_model_has_with_a_value_it_allows() -> None:
    """The rules name items of the shipped ladder, and 0, 1/2 and 1 are among their values."""
    folders = ladder_folders([data_dir("assessments")])
    for check in checks():
        found = ladder(folders[check.model], check.model)
        values = found.values[found.items[check.criterion].options]
        assert {0, 0.5, 1} <= {float(value) for value in values}


def test_every_weakness_is_counted_by_exactly_one_check() -> None:
    """No kind of finding is without effect, and none counts twice; without findings everything holds."""
    kinds = [kind for check in checks() for kind in (*check.fails, *check.partly)]

    assert sorted(kinds) == sorted(set(kinds)) == sorted(get_args(Kind))
    assert [score for _check, score, _because in outcomes([])] == [1, 1, 1]
    assert [float(score) for _check, score, _because in outcomes([Finding("sign_offered", "")])] == [1, 0.5, 1]
