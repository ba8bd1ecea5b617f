"""The packages Factory Kit rests on, and what is said where one is absent, too old or does not load."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from factory_kit.doctor.child import loaded
from factory_kit.doctor.finding import Finding
from factory_kit.doctor.packages import (
    CORE,
    EXTRA_MODULES,
    EXTRAS,
    Need,
    Standing,
    extra_findings,
    needs,
    package_findings,
    standing,
)

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(lines: list[str]) -> set[str]:
    """What these requirements name, in lower case."""
    return {Requirement(line).name.lower() for line in lines}


def test_every_dependency_says_what_it_is_for() -> None:
    """No dependency of the project lacks its line here, and none stands here that the project has no more."""
    extras = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in {"test", "docs"}}

    assert set(CORE) == names(PROJECT["dependencies"])
    assert set(EXTRAS) == set(extras)
    assert set(EXTRA_MODULES) == set().union(*(names(lines) for lines in extras.values()))


def test_what_a_checkout_needs_is_read_from_its_project_file() -> None:
    """All of the core for this system, all of the extras, nothing for developers."""
    found = needs()

    assert {each.name for each in found if not each.extra} >= set(CORE) - {"tzdata"}
    assert {each.name for each in found if each.extra} == set(EXTRA_MODULES)
    assert "pytest" not in {each.name for each in found}


def test_requirements_of_an_installed_wheel_are_told_apart_by_their_marks() -> None:
    """Core, extras and other systems, as metadata writes them."""
    lines = ["duckdb<3,>=1.5.5", "tzdata; sys_platform == 'no such'", "keyring>=25; extra == 'keyring'", "pytest; extra == 'test'"]  # fmt: skip

    assert [(each.name, each.module, each.extra) for each in needs(lines)] == [
        ("duckdb", "duckdb", ""),
        ("keyring", "keyring", "keyring"),
    ]


def test_a_library_that_ends_the_process_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is loaded in another process; one that is broken, one that ends it, and one after both are told apart."""
    for name, text in {
        "fk_good": "",
        "fk_broken": "raise ImportError('DLL load failed while importing it')",
        "fk_deadly": "import os; os._exit(3)",
        "fk_after": "print('noise')",
    }.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert loaded(["fk_good", "fk_broken", "fk_deadly", "fk_after", "fk_none"]) == {
        "fk_good": "",
        "fk_broken": "ImportError: DLL load failed while importing it",
        "fk_deadly": "the process ended while it was loaded",
        "fk_after": "",
        "fk_none": "ModuleNotFoundError: No module named 'fk_none'",
    }


def stands(line: str, version: str, broken: str = "", extra: str = "") -> Standing:
    """A package as it might stand on some machine."""
    asked = Requirement(line)
    module = CORE[asked.name][0] if asked.name in CORE else asked.name
    return Standing(Need(asked.name, module, asked, extra), version, asked.specifier.contains(version or "0"), broken)


@pytest.mark.parametrize(
    ("found", "said", "do"),
    [
        (stands("duckdb>=1.5.5,<3", ""), "not installed; wanted: <3,>=1.5.5", "--find-links FOLDER"),
        (stands("duckdb>=1.5.5,<3", "3.0.0"), "3.0.0 is installed; wanted: <3,>=1.5.5", "--no-index"),
        (stands("duckdb", "2.0.0", "OSError: no"), r"2.0.0 is installed and does not load \(OSError: no\)", "--no-index"),
        (stands("duckdb", "2.0.0", "ImportError: DLL load failed"), "does not load", "Visual C\\+\\+ Redistributable"),
    ],
    ids=["absent", "other version", "broken", "without the C++ runtime"],
)  # fmt: skip
def test_a_package_that_is_not_well_is_missing(found: Standing, said: str, do: str) -> None:
    """What was found, what that switches off, and how it is had without internet."""
    well, missing = package_findings([found, stands("rich>=14", "15.0")])

    assert well == Finding("packages", "Packages", "ok", "1 / 2: rich 15.0")
    assert (missing.state, missing.off) == ("missing", CORE["duckdb"][1])
    assert re.search(said, missing.found)
    assert re.search(do, missing.do)


def test_an_extra_is_never_missing_only_switched_off() -> None:
    """One that is there in all its parts is well; one that lacks a part names it."""
    found = {
        each.id: each
        for each in extra_findings([
            stands("keyring>=25", "25.7", extra="keyring"),
            stands("botocore", "1.43", extra="lake"),
            stands("deltalake>=1.4", "", extra="lake"),
        ])
    }  # fmt: skip

    assert (found["extra-keyring"].state, found["extra-keyring"].found) == ("ok", "keyring 25.7")
    assert (found["extra-lake"].state, found["extra-lake"].found) == (
        "limited",
        "deltalake: not installed; wanted: >=1.4",
    )
    assert found["extra-lake"].do.endswith('"factory-kit[lake]"')


def test_this_machine_has_what_the_tests_run_with() -> None:
    """The real packages of this environment are found, fit and load."""
    wanted = [need for need in needs() if need.name in {"duckdb", "pydantic", "pyserial"}]

    assert {each.need.name: each.kind for each in standing(wanted)} == dict.fromkeys(
        ("duckdb", "pydantic", "pyserial"), "ok"
    )
