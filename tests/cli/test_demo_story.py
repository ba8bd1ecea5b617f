"""How the demonstration is told: nobody waits long without a sign, and work goes on beside."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import typer

from factory_kit.cli import console
from factory_kit.cli.demo_story import Story, never_silent
from factory_kit.i18n import speaking


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_KIT_LANG", "en")


def test_a_long_silence_is_broken_with_what_is_being_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line names the work as soon as nothing was written for the time given."""
    told = threading.Event()
    note = console.note

    def noted(text: str) -> None:
        note(text)
        told.set()

    monkeypatch.setattr(console, "note", noted)
    with speaking("en"), never_silent(patience_s=0.01) as now_doing:
        now_doing("factory-kit pack build")
        told.clear()
        assert told.wait(60)

    assert "… factory-kit pack build: 0 s" in capsys.readouterr().err


def test_whoever_writes_is_not_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is added where something is written in time, and nothing behind the block."""
    with never_silent(patience_s=3600):
        console.note("something")

    assert capsys.readouterr().err == "something\n"
    assert threading.active_count() == len(threading.enumerate())
    assert not [each for each in threading.enumerate() if each.name == "never silent"]


def test_a_command_beside_is_told_as_if_it_ran_now(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its line, its results on standard output and its notes on standard error, in the language in force."""
    with speaking("en"), Story(tmp_path).told() as story:
        story.begin("district", "init", tmp_path / "office")
        story.tell("district", "init")
    said = capfd.readouterr()

    assert "$ factory-kit district init" in said.err
    assert "office is ready." in " ".join(said.err.split())
    assert (tmp_path / "office" / "campaign.yaml").is_file()


def test_a_command_beside_that_fails_ends_the_story(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its exit code is that of the story, and what it said is told."""
    with speaking("en"), Story(tmp_path).told() as story:
        story.begin("district", "stats", "-d", tmp_path / "nowhere")
        with pytest.raises(typer.Exit) as stopped:
            story.tell("district", "stats")

    assert stopped.value.exit_code == 2
    assert "nowhere" in capfd.readouterr().err


def test_whatever_runs_beside_ends_with_the_story(tmp_path: Path) -> None:
    """A story that breaks off leaves no process behind."""
    story = Story(tmp_path)

    def broken_off() -> None:
        with story.told():
            story.begin("district", "init", tmp_path / "office", "--example")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    assert [each.process.poll() is None for each in story.beside] == [False]
