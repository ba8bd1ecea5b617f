"""Service files: what they hold, and that systemd takes them."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import pytest

from factory_kit.collect.service import Service, systemd_unit, windows_files
from factory_kit.errors import UsageError


@pytest.mark.system
@pytest.mark.parametrize("for_user", [True, False])
def test_systemd_finds_nothing_wrong_with_the_unit(
    system_tool: Callable[[str], str], tmp_path: Path, for_user: bool
) -> None:
    """The unit passes systemd's own check, for a user's manager and for the system's, with blanks and Chinese signs in every path."""
    folder = tmp_path / "演示 工厂"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python 3"
    python.symlink_to(sys.executable)
    service = Service("my-plant", python, folder, "" if for_user else "nobody")
    unit = tmp_path / f"{service.id}.service"
    unit.write_text(systemd_unit(service, for_user=for_user), encoding="utf-8")

    words = [system_tool("systemd-analyze"), "verify", *(["--user"] if for_user else []), "--man=no", str(unit)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)

    assert [line for line in done.stderr.splitlines() if service.id in line and "Special user" not in line] == []


def test_the_unit_restarts_after_a_crash_but_not_after_wrong_use() -> None:
    """Any failure is tried again without end; what only a person can mend is not; SIGTERM ends it in order; no root."""
    unit = systemd_unit(Service("p", Path("/usr/bin/python3"), Path("/srv/plant"), "plant"), for_user=False)

    for line in ("Restart=on-failure", "StartLimitIntervalSec=0", "RestartPreventExitStatus=2", "KillSignal=SIGTERM",
                 "User=plant", "ReadWritePaths=/srv/plant", "WantedBy=multi-user.target",
                 "ExecStart=/usr/bin/python3 -m factory_kit collect --workspace /srv/plant --quiet"):  # fmt: skip
        assert line in unit.splitlines()


@pytest.mark.parametrize("user", ["", "root"])
def test_a_service_of_the_system_never_runs_as_root(user: str) -> None:
    """Without a user of its own there is no such unit."""
    with pytest.raises(UsageError, match="needs a user of its own, not root"):
        systemd_unit(Service("p", Path("/usr/bin/python3"), Path("/srv/plant"), user), for_user=False)


@pytest.mark.parametrize("folder", ["/srv/a b;rm", "/srv/a\nUser=root", "/srv/$HOME", "/srv/%n", '/srv/"x'])
def test_a_folder_that_could_mean_something_else_is_refused(folder: str) -> None:
    """Nothing of a path can become a setting, a command or a variable."""
    with pytest.raises(UsageError, match="holds signs"):
        Service("p", Path("/usr/bin/python3"), Path(folder))


def test_the_task_of_windows_starts_at_boot_and_restarts() -> None:
    """The XML is well formed, runs with least privilege, without a time limit, and restarts after a failure."""
    service = Service("p", PureWindowsPath(r"C:\fk\python.exe"), PureWindowsPath(r"D:\plant one"))
    files = windows_files(service)
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    task = ET.fromstring(files["factory-kit-p.xml"].replace('encoding="UTF-16"', ""))  # noqa: S314 - our own text

    assert task.find(f"{space}Triggers/{space}BootTrigger") is not None
    assert task.findtext(f".//{space}RunLevel") == "LeastPrivilege"
    assert task.findtext(f".//{space}ExecutionTimeLimit") == "PT0S"
    assert task.findtext(f".//{space}RestartOnFailure/{space}Interval") == "PT1M"
    assert task.findtext(f".//{space}Arguments") == r'-m factory_kit collect --workspace "D:\plant one" --quiet'
    assert sorted(files) == ["factory-kit-p.xml", "install-service.cmd", "remove-service.cmd"]
