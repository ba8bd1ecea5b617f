"""What all tests share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

CLEAN = os.environ.get("CI") == "true"

# A busy machine is no finding (how long things take is measured in benchmarks/). The clean run tries the same examples every
# time, so that what it says is about the change; everybody else's run looks for new ones.
settings.register_profile("house", deadline=None)
settings.register_profile("clean", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("clean" if CLEAN else "house")

# A shell that starts something in the background switches Ctrl-C off for it, nohup the end of the terminal; tests use both, and what they start inherits this.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

REAL = ("wire", "system", "demo")
"""What these tests try has clocks and processes of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the clean run a test with real servers may try twice; the summary names it, and twice red is red.

    One among three thousand that a busy machine made wait too long says nothing about a change; everybody else's run shows it.
    """
    for item in items if CLEAN else ():
        if any(item.get_closest_marker(mark) for mark in REAL):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))


@pytest.fixture
def system_tool() -> Callable[[str], str]:
    """The path of a tool of the system; the test is skipped when a user's machine lacks it, and fails when the clean run does."""

    def found(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            message = f"{name} is not installed on this machine"
            if CLEAN:
                pytest.fail(message)
            pytest.skip(message)
        return path

    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 3 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="session")
def node_package() -> Callable[[str, str], Path]:
    """The folder of a package of npm at a version, for ``NODE_PATH``; skipped without node, failed where the clean run lacks it."""

    def found(name: str, version: str) -> Path:
        if shutil.which("node") is None or shutil.which("npm") is None:
            (pytest.fail if CLEAN else pytest.skip)("node and npm are not installed on this machine")
        script = Path(__file__).resolve().parents[1] / ".ci" / "node_package.py"
        asked = subprocess.run(
            [sys.executable, str(script), name, version], check=False, capture_output=True, text=True
        )
        if asked.returncode != 0:
            message = f"{name} {version} could not be installed: {asked.stderr[-300:]}"
            (pytest.fail if CLEAN else pytest.skip)(message)
        return Path(asked.stdout.strip()) / "node_modules"

    return found


@pytest.fixture(scope="session")
def modbus_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A small program of ours on libmodbus, ``benchmarks/peers/<name>.c``, compiled; skipped without gcc and libmodbus-dev."""

    def found(name: str) -> Path:
        program = tmp_path_factory.getbasetemp() / name
        if program.exists():
            return program
        source = Path(__file__).resolve().parents[1] / "benchmarks" / "peers" / f"{name}.c"
        words = ["gcc", "-O2", "-o", str(program), str(source), "-I/usr/include/modbus", "-lmodbus"]
        if shutil.which("gcc") is None or subprocess.run(words, check=False, capture_output=True).returncode:
            (pytest.fail if CLEAN else pytest.skip)("gcc and libmodbus-dev are not installed on this machine")
        return program

    return found
