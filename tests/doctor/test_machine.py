"""The machine itself: clock, zone, console, fonts, ports, proxies, Java."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from factory_kit.doctor.machine import (
    clock_finding,
    console_finding,
    font_finding,
    java_finding,
    may_open,
    port_findings,
    proxy_finding,
    python_finding,
    size_finding,
    zone_finding,
)

NOW = 1_795_000_000_000_000


@pytest.mark.parametrize(
    ("wall", "steady", "newest", "state", "said"),
    [
        ((NOW, NOW + 5_000_000), (0, 5_000_000), NOW - 9, "ok", "compare it"),
        ((0, 5), (0, 5), 0, "missing", "this cannot be"),
        ((NOW * 40, NOW * 40), (0, 0), 0, "missing", "this cannot be"),
        ((NOW, NOW), (0, 0), NOW + 3_600_000_000, "limited", "written later"),
        ((NOW, NOW + 65_000_000), (0, 5_000_000), 0, "limited", r"leapt by +60.0 s"),
        ((NOW, NOW - 55_000_000), (0, 5_000_000), 0, "limited", r"leapt by -60.0 s"),
    ],
)
def test_a_clock_that_cannot_be_right_is_noticed(
    wall: tuple[int, int], steady: tuple[int, int], newest: int, state: str, said: str
) -> None:
    """Before this version was written, beyond any day of use, before files of the workspace, or leaping."""
    found = clock_finding(wall, steady, newest)

    assert found.state == state
    assert said in found.found


def test_the_zone_of_the_plant_is_looked_for() -> None:
    """One that nobody knows is missing, and the way to get it is named."""
    assert zone_finding("Asia/Shanghai").state == "ok"
    assert (zone_finding("Asia/Nowhere").state, zone_finding("Asia/Nowhere").do[-7:]) == ("missing", " tzdata")


@pytest.mark.parametrize(("encoding", "state"), [("utf-8", "ok"), ("gbk", "ok"), ("cp437", "limited")])
def test_a_console_without_chinese_is_noticed(encoding: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """UTF-8 and GBK show it, code page 437 cannot."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    assert console_finding().state == state


def test_a_machine_without_chinese_fonts_says_what_remains() -> None:
    """PDF is switched off, HTML and Excel remain; a library that does not load is no reason to stop."""

    def broken() -> str | None:
        raise ImportError("no typst")

    assert font_finding(lambda: "SimSun").state == "ok"
    assert "HTML and Excel remain" in font_finding(lambda: None).off
    assert font_finding(broken).found == "no typst"


def test_a_port_of_the_site_file_that_is_not_there_is_named() -> None:
    """With what to do: driver, cable or site file."""
    found = {each.id: each for each in port_findings(["/dev/ttyNONE7", "COM97"])}

    assert found["ports-absent"].found.startswith("/dev/ttyNONE7, COM97")
    assert "ports-absent" not in {each.id for each in port_findings([])}
    assert found["ports"].found


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everybody, or this user, may open everything here")
def test_a_port_without_rights_is_not_open(tmp_path: Path) -> None:
    """What the system forbids this user is noticed."""
    device = tmp_path / "ttyUSB0"
    device.touch(mode=0)

    assert not may_open(str(device))


def test_proxies_are_shown_without_what_logs_in() -> None:
    """Name and host, never user and password."""
    shown = proxy_finding({"https": "http://user:secret@proxy.example:8080", "http": "proxy2.example:80"}).found

    assert "https=http://proxy.example:8080" in shown
    assert "http=proxy2.example:80" in shown
    assert "secret" not in shown
    assert proxy_finding({}).state == "ok"


def test_java_is_looked_for_where_spark_looks(tmp_path: Path) -> None:
    """JAVA_HOME comes before the path."""
    program = tmp_path / "bin" / ("java.exe" if os.name == "nt" else "java")
    program.parent.mkdir()
    program.touch(mode=0o755)

    assert str(program) in java_finding({"JAVA_HOME": str(tmp_path), "PATH": ""}).found
    assert java_finding({"PATH": ""}).state == "limited"


def test_python_and_the_computer_are_described() -> None:
    """The Python that runs the tests is one that a normal day can go with."""
    assert python_finding().state in {"ok", "note"}
    assert "processors" in size_finding().found
