"""An installation without extras: every command starts, and those that need an extra name it in one line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from factory_kit.cli.main import command
from factory_kit.doctor.packages import EXTRA_MODULES
from factory_kit.errors import MissingExtra
from factory_kit.lake import Question, computed
from factory_kit.shipped import data_dir

from .conftest import Command

WHEELHOUSE = "(from a wheelhouse folder: with --no-index --find-links FOLDER)"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No module of an extra can be imported."""
    for name in EXTRA_MODULES.values():
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def plant(factory_kit: Command, tmp_path: Path) -> Path:
    """A workspace that has nothing to push yet."""
    folder = tmp_path / "plant"
    factory_kit("init", folder)
    shutil.copy(data_dir("examples") / "demo-plant" / "site.yaml", folder / "site.yaml")
    return folder


def words() -> list[list[str]]:
    """The words of every command."""
    found, pending = [], [([], command())]
    while pending:
        path, node = pending.pop()
        children = getattr(node, "commands", {})
        pending += [([*path, name], child) for name, child in children.items()]
        found += [] if children else [path]
    return found


def test_every_command_starts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shows its help."""
    monkeypatch.setenv("LANGUAGE", "en")
    tree, asked = command(), words()

    codes = {" ".join(path): tree.main([*path, "--help"], standalone_mode=False) for path in asked}

    assert len(codes) > 60
    assert set(codes.values()) == {0} or set(codes.values()) == {None}
    assert capsys.readouterr().out.count("Example: factory-kit") >= len(codes)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (("s3://bucket/machines",), 'object stores need the extra lake; run: pip install "factory-kit[lake]"'),
        (("DIR", "--delta"), 'Delta tables need the extra lake; run: pip install "factory-kit[lake]"'),
    ],
    ids=["object store", "Delta tables"],
)
def test_pushing_names_its_extra(
    factory_kit: Command, plant: Path, tmp_path: Path, asked: tuple[str, ...], line: str
) -> None:
    """One line, with the way that needs no internet; exit code 2."""
    (plant / "store" / "catalogue.jsonl").touch()
    place = [str(tmp_path / "place") if word == "DIR" else word for word in asked]

    said = factory_kit("store", "push", *place, "-w", plant)

    assert (said.code, said.out) == (2, "")
    assert said.err.replace("\n", " ").strip() == f"{line} {WHEELHOUSE}"


def test_a_folder_needs_no_extra(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """What is asked for instead is something to push."""
    said = factory_kit("store", "push", tmp_path / "place", "-w", plant)

    assert (said.code, said.err) == (2, "the store is empty; collect or import first\n")


def test_the_engine_spark_names_its_extra(tmp_path: Path) -> None:
    """Before anything is read."""
    question = Question(str(tmp_path), "kpi", "2026-09-01", "2026-09-01", 0, {})

    with pytest.raises(MissingExtra, match=r'needs the extra spark; run: pip install "factory-kit\[spark\]" \(from'):
        list(computed(question, ["songjiang-01"], "spark", master="local[1]"))
