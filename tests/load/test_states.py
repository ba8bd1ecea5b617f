"""State profiles: standards' states as named, versioned data."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.connector import connector_folder
from factory_kit.load.states import all_state_profiles
from factory_kit.model.connector import MachineState
from factory_kit.model.states import StateProfile
from factory_kit.shipped import data_dir

PROFILES = all_state_profiles([data_dir("assessments") / "states"])
ROOT = data_dir("connectors")


@pytest.mark.parametrize(
    ("profile", "state", "mode", "means"),
    [
        ("opc40001@1", "Executing", "Processing", "producing"),
        ("opc40001@1", "3", "Setup", "setup"),
        ("opc40001@1", "3", None, "producing"),
        ("opc40001@1", "NotExecuting", "Processing", "idle"),
        ("opc40001@1", "NotExecuting", "Setup", "setup"),
        ("opc40001@1", "OutOfService", "Processing", "down"),
        ("opc40001@1", "OutOfService", "Maintenance", "maintenance"),
        ("opc40501@1", "OutOfService", "Setup", "down"),
        ("opc40501@1", "NotExecuting", "Setup", "idle"),
        ("opc40501@1", "0", None, "off"),
        ("semi-e10@1", "UDT", None, "down"),
        ("semi-e10@1", "Engineering", None, "setup"),
        ("packml@1", "6", "1", "producing"),
        ("packml@1", "6", "2", "maintenance"),
        ("packml@1", "11", None, "down"),
        ("packml-opc30060@1", "4", None, "producing"),
        ("packml-opc30060@1", "6", None, "idle"),
        ("packml@1", "99", None, "unknown"),
    ],
)
def test_standards_states_are_read(profile: str, state: str, mode: str | None, means: str) -> None:
    """Each standard's words and numbers lead to our states; what it does not name is unknown."""
    assert PROFILES[profile].reads(state, mode) == MachineState(means)


def test_packml_numbers_of_the_two_sources_do_not_agree() -> None:
    """What makes mixing them dangerous: the same number means running here and standing there."""
    one, other = PROFILES["packml@1"].without_modes, PROFILES["packml-opc30060@1"].without_modes
    assert [number for number in other if number in one and one[number] != other[number]]
    assert (one["4"], other["4"]) == (MachineState.IDLE, MachineState.PRODUCING)


def test_all_seventeen_packml_states_are_read() -> None:
    """Every state of PackTags and of OPC 30060 has a meaning."""
    assert {str(number) for number in range(1, 18)} <= set(PROFILES["packml@1"].without_modes)
    assert {str(number) for number in range(17)} == set(PROFILES["packml-opc30060@1"].without_modes)


def test_a_connector_that_names_a_profile_has_its_table() -> None:
    """A state mapping under a standard's name holds nothing the profile does not say."""
    for folder in sorted(path.parent for path in ROOT.glob("*/connector.yaml")):
        mapping = connector_folder(folder).state_mapping
        if mapping is not None and mapping.profile in PROFILES:
            table = PROFILES[mapping.profile].without_modes
            assert {raw: table.get(raw) for raw in mapping.states} == mapping.states


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profile: x@1\nlabel: {zh: 甲, en: a}\nsources: [{title: t}]\nrules: []\n", "rules"),
        (
            'profile: x@1\nlabel: {zh: 甲, en: a}\nsources: [{title: t}]\nrules:\n  - {state: ["1"], is: idle}\n  - {state: ["1"], mode: ["2"], is: down}\n',
            "already decided",
        ),
        (
            "profile: y@1\nlabel: {zh: 甲, en: a}\nsources: [{title: t}]\nrules:\n  - {state: ['1'], is: idle}\n",
            "differs",
        ),
        (
            "profile: x\nlabel: {zh: 甲, en: a}\nsources: [{title: t}]\nrules:\n  - {state: ['1'], is: idle}\n",
            "profile",
        ),
    ],
)
def test_mistakes_in_a_profile_are_named(tmp_path: Path, text: str, said: str) -> None:
    """No rules, a rule that can never decide, another name than the folder's, no version: each is one line."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "states.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=said):
        all_state_profiles([tmp_path])


def test_a_profile_of_the_workspace_comes_first(tmp_path: Path) -> None:
    """A user's own reading of a standard is taken instead of the shipped one."""
    (tmp_path / "semi-e10").mkdir()
    shipped = (data_dir("assessments") / "states" / "semi-e10" / "states.yaml").read_text(encoding="utf-8")
    (tmp_path / "semi-e10" / "states.yaml").write_text(shipped.replace("is: setup", "is: idle"), encoding="utf-8")
    folders = [tmp_path, data_dir("assessments") / "states"]
    mine: StateProfile = all_state_profiles(folders)["semi-e10@1"]
    others: StateProfile = all_state_profiles(folders[::-1])["semi-e10@1"]
    assert mine.reads("ENG") is MachineState.IDLE
    assert others.reads("ENG") is MachineState.SETUP
