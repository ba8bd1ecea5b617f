"""``collect`` as a user meets it: against a simulated plant, and against everything that can be wrong before it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from factory_kit.cli.console import stderr
from factory_kit.cli.screen import Surroundings, _Screen
from factory_kit.collect.status import Notice, ServerStatus, Status
from factory_kit.errors import DeviceUnavailable, Reasons, UsageError
from factory_kit.i18n import said, speaking
from factory_kit.shipped import data_dir
from factory_kit.store import Store
from factory_kit.testing import SimulatedPlant

from .conftest import Command

SITE = (data_dir("examples") / "demo-plant" / "site.yaml").read_text(encoding="utf-8")
NOBODY = 9
"""The discard port: nobody listens there."""


def workspace(folder: Path, opcua: str, modbus: int, text: str = SITE) -> Path:
    """A workspace of the demonstration plant at these addresses."""
    folder.mkdir()
    address = opcua.removeprefix("opc.tcp://").partition("/")[0]
    text = (
        text.replace("127.0.0.1:48400", address)
        .replace("127.0.0.1:15020", f"127.0.0.1:{modbus}")
        .replace("port: 15020", f"port: {modbus}")
    )
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plant() -> Iterator[SimulatedPlant]:
    """A simulated plant, ten minutes a second."""
    with SimulatedPlant(speed=600) as running:
        yield running


@pytest.mark.wire
def test_both_protocols_arrive_and_the_outcome_is_told(
    factory_kit: Command, tmp_path: Path, plant: SimulatedPlant
) -> None:
    """Three seconds of collecting: status lines and an outcome as JSON, and samples of both servers in the store."""
    folder = workspace(tmp_path / "plant", plant.opcua_url, plant.modbus_port)

    said = factory_kit("collect", "-w", folder, "--for", "3s", "--json")

    lines = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert lines[-1]["outcome"]["origin"] == "simulated"
    servers = (
        Store(folder / "store")
        .query("SELECT DISTINCT server FROM samples JOIN points USING (point) ORDER BY 1")
        .to_pylist()
    )
    assert servers == [{"server": "energy"}, {"server": "machines"}]


@pytest.mark.wire
def test_one_silent_server_does_not_stop_the_other(factory_kit: Command, tmp_path: Path, plant: SimulatedPlant) -> None:
    """With the meters out of reach the machines are read, and the meters' absence is said."""
    folder = workspace(tmp_path / "plant", plant.opcua_url, NOBODY)

    said = factory_kit("collect", "-w", folder, "--for", "3s", "--quiet")

    assert said.code == 0
    assert f"127.0.0.1:{NOBODY}" in said.err
    assert Store(folder / "store").query(
        "SELECT count(*) > 100 AS some FROM samples WHERE quality = 0"
    ).to_pylist() == [{"some": True}]


@pytest.mark.wire
def test_nobody_there_is_one_clear_line(factory_kit: Command, tmp_path: Path) -> None:
    """No server answers: exit code 1 and a line for each; the store stays readable or absent."""
    folder = workspace(tmp_path / "plant", f"opc.tcp://127.0.0.1:{NOBODY}/x", NOBODY + 1)

    said = factory_kit("collect", "-w", folder, "--for", "3s", "--quiet")

    assert said.code == 1
    assert f"127.0.0.1:{NOBODY}" in said.err
    assert "Traceback" not in said.err


def test_without_an_authorisation_nothing_is_read(factory_kit: Command, tmp_path: Path) -> None:
    """A site without an authorisation record gives exit code 2 before anything is sent."""
    begins, ends = SITE.index("authorisation:"), SITE.index("calendar:")
    folder = workspace(tmp_path / "plant", "opc.tcp://127.0.0.1:48400/", 15020, SITE[:begins] + SITE[ends:])

    said = factory_kit("collect", "-w", folder, "--for", "1s")

    assert said.code == 2
    assert "has no authorisation record" in said.err


@pytest.mark.parametrize("duration", ["soon", "-3s", "0s", "3 weeks"])
def test_a_duration_that_is_none_is_wrong_use(factory_kit: Command, tmp_path: Path, duration: str) -> None:
    """Only numbers with s, m, h or d are durations."""
    folder = workspace(tmp_path / "plant", "opc.tcp://127.0.0.1:48400/", 15020)

    said = factory_kit("collect", "-w", folder, f"--for={duration}")

    assert said.code == 2
    assert "is no duration" in said.err


def test_a_dry_run_sends_nothing(factory_kit: Command, tmp_path: Path) -> None:
    """--dry-run shows what would be sent to servers that do not even exist."""
    folder = workspace(tmp_path / "plant", "opc.tcp://127.0.0.1:48400/", 15020)

    said = factory_kit("collect", "-w", folder, "--dry-run", "--json")

    assert said.code == 0
    assert {row["server"] for row in json.loads(said.out)} == {"machines", "energy"}
    assert not (folder / "store").exists()


@pytest.mark.wire
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for single processes")
@pytest.mark.parametrize("after", [0.2, 0.8, 1.5, 3.0])
def test_ctrl_c_at_any_moment_leaves_a_store_that_the_next_command_reads(
    tmp_path: Path, plant: SimulatedPlant, after: float
) -> None:
    """Interrupted while starting or while reading: no traceback, and the next command works."""
    folder = workspace(tmp_path / "plant", plant.opcua_url, plant.modbus_port)
    begin = "import runpy; print(flush=True); runpy.run_module('factory_kit', run_name='__main__', alter_sys=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", begin, "--lang", "en", "collect", "-w", str(folder), "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - a background job's SIGINT may be ignored
    )
    assert process.stdout is not None
    process.stdout.readline()  # Python itself has started: what it says when interrupted before is not ours
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=30)

    done = subprocess.run(
        [sys.executable, "-m", "factory_kit", "store", "status", "-w", str(folder), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in err
    assert process.returncode in (0, 1)
    assert done.returncode == 0
    assert json.loads(done.stdout)["problems"] == []


def test_a_narrow_terminal_shows_every_figure_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 cells the addresses go, no cell is broken or cut, and a notice has the time of day of the plant."""
    server = ServerStatus("energy", "192.0.2.20:502", "modbus", "lost", 47, 47.2, 1927, 564, 60, 2, 12.0, "")
    status = Status("run", "simulated", 40.0, 47.0, 2417, 0, 0, 100_000, (server,))
    around = Surroundings(tmp_path, tmp_path, 600.0, lambda: 1_788_235_200_000_000, "Asia/Shanghai")
    shown = {}
    for width in (80, 120):
        monkeypatch.setattr(stderr(), "width", width)
        pictures: list[RenderableType] = []
        screen = _Screen(pictures.append, around)
        screen.status(status)
        screen.notice(Notice("energy", "connected again"))
        console = Console(width=width, file=io.StringIO())
        console.print(pictures[-1])
        shown[width] = console.file.getvalue()  # type: ignore[attr-defined] # the StringIO above

    assert re.search(r"energy +lost +47 +47 +1927 +29\.3\s% +60 +2 +12 ms", shown[80])
    assert re.search(r"192\.0\.2\.20:502 .* 564 \(29\.3\s%\)", shown[120])
    assert all("12:00:00  energy: connected again" in text for text in shown.values())


def test_why_no_server_can_be_read_is_told_in_the_readers_language() -> None:
    """Errors that are the detail of another are told in the same language as it."""
    inner = UsageError("{address}: is not trusted", address="192.0.2.7:4840")
    outer = DeviceUnavailable(
        "none of {count} servers can be read: {reasons}", count=2, reasons=Reasons([inner, inner])
    )

    with speaking("zh"):
        assert said(outer) == "2 个服务器均无法读取：192.0.2.7:4840: is not trusted; 192.0.2.7:4840: is not trusted"
    assert str(outer).endswith("read: 192.0.2.7:4840: is not trusted; 192.0.2.7:4840: is not trusted")
