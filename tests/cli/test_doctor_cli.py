"""``doctor`` from end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Command

WATCH = """
import os, sys

def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple) or event.startswith("socket.getaddrinfo"):
        open(os.environ["FK_TOLD"], "a").write(f"{event} {args}\\n")

sys.addaudithook(watch)
"""
"""Loaded by every Python that is started with its folder on the path."""


def test_a_program_learns_everything_and_no_connection_is_opened(factory_kit: Command, tmp_path: Path) -> None:
    """Exit code 0, each finding whole, each lack with what it switches off and what to do; no process of it calls anywhere."""
    plant, told = tmp_path / "我的 工厂", tmp_path / "told"
    factory_kit("init", plant)
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    root = str(Path(__file__).resolve().parents[2])
    environment = {"FK_TOLD": str(told), "PYTHONPATH": os.pathsep.join((str(tmp_path / "watch"), root))}

    done = subprocess.run(
        [sys.executable, "-m", "factory_kit", "--lang", "en", "doctor", "--json", "-w", plant],
        capture_output=True,
        check=False,
        env=os.environ | environment,
    )

    said = json.loads(done.stdout)
    found = {each["id"]: each for each in said["findings"]}
    assert [each for each in said["findings"] if each["state"] == "missing"] == []
    assert (done.returncode, said["ready"], told.exists()) == (0, True, False)
    assert {"python", "packages", "room", "volume", "writing", "clock", "zones", "sleep", "ports", "extra-lake"} <= set(
        found
    )
    assert [key for key, each in found.items() if not (each["title"] and each["found"])] == []
    assert [
        key
        for key, each in found.items()
        if each["state"] in {"limited", "missing"} and not (each["off"] and each["do"])
    ] == []
    assert "duckdb" in found["packages"]["found"]


def test_the_watch_would_have_seen_a_connection(tmp_path: Path) -> None:
    """The hook of the test above tells a connection that is tried."""
    (tmp_path / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    program = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect_ex(('127.0.0.1', 1))"

    subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env=os.environ | {"FK_TOLD": str(tmp_path / "told"), "PYTHONPATH": str(tmp_path)},
    )

    assert "127.0.0.1" in (tmp_path / "told").read_text(encoding="utf-8")


def test_a_clock_that_stands_at_its_beginning_stops_a_normal_day(
    factory_kit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1; what it switches off stands in a table of its own, and a workspace that is none yet is only noted."""
    monkeypatch.setattr("factory_kit.cli.clock.now", lambda: 0)
    monkeypatch.setattr("factory_kit.doctor.examination.needs", list)

    said = factory_kit("doctor", "-w", tmp_path)

    assert said.code == 1
    assert "this cannot be, this version was written after 2026-11-01" in said.out
    assert "set date, time and time zone of this computer" in said.out
    assert "is none yet; make one with factory-kit init" in said.out
    assert "Missing for a normal day: 1." in said.err
