from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.assess.bundle import open_bundle, rescore
from factory_kit.errors import Altered
from factory_kit.model.credit_code import Fault, fault, organisation_sign_fits
from factory_kit.testing.district import Submission, fictional_code, make_inbox


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> list[Submission]:
    """Twenty bundles."""
    return make_inbox(tmp_path_factory.mktemp("inbox"))


def test_twenty_bundles_three_of_them_bad(inbox: list[Submission]) -> None:
    """Seventeen good ones of five levels, then a wrong code, an altered answer, and a copy."""
    assert [each.fault for each in inbox] == [""] * 17 + ["wrong credit code", "altered answer", "duplicate"]
    assert {each.level for each in inbox} == {0, 1, 2, 3, 4}


def test_the_good_ones_are_good(inbox: list[Submission]) -> None:
    """Each is signed by both, has a well-formed code, and its score is rebuilt to the byte."""
    for each in inbox[:17]:
        found = rescore(each.path)
        assert found.same
        assert found.scored.score.level == each.level
        assert {check.role for check in found.sealed.report.signatures} == {"enterprise", "provider"}
        assert fault(found.scored.assessment.plant.credit_code) is None
        assert found.scored.assessment.kind == "demo"


def test_the_bad_ones_are_bad_in_one_way_only(inbox: list[Submission]) -> None:
    """The wrong code is sealed in order, the altered one was changed afterwards, the copy is the first one."""
    wrong, altered, copy = inbox[17:]

    assert rescore(wrong.path).same
    assert fault(rescore(wrong.path).scored.assessment.plant.credit_code) is Fault.CHECK
    with pytest.raises(Altered, match=r"answers\.json was altered"):
        open_bundle(altered.path)
    assert copy.path.read_bytes() == inbox[0].path.read_bytes()


def test_the_same_seed_makes_the_same_plants(tmp_path: Path) -> None:
    """Everything but keys and signatures follows from the seed."""
    one, two, other = (make_inbox(tmp_path / name, count=4, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))

    assert open_bundle(one[0].path).manifest == open_bundle(two[0].path).manifest
    assert open_bundle(one[0].path).manifest != open_bundle(other[0].path).manifest


def test_fictional_codes_are_well_formed_inside_and_out() -> None:
    """A thousand of them: right check signs, FAKE as organisation, no two alike."""
    codes = [fictional_code(number) for number in range(1000)]

    assert len(set(codes)) == 1000
    assert all(fault(code) is None and organisation_sign_fits(code) and code[8:12] == "FAKE" for code in codes)
