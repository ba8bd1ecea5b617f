"""A collection that the system starts and restarts: a unit for systemd, and the files a Windows administrator runs. Written, never installed.

What they hold is text only; installing them is left to a person, because it needs rights that a collection must not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from factory_kit.errors import UsageError

__all__ = ["Service", "systemd_unit", "windows_files"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
RESTART_S = 10


@dataclass(frozen=True, slots=True)
class Service:
    """What the service runs: *python* runs Factory Kit on *workspace* as *user*; *name* is that of the plant."""

    name: str
    python: PurePath
    workspace: PurePath
    user: str = ""

    def __post_init__(self) -> None:
        """Refuse what could mean something else in a unit file or a script."""
        for text in (str(self.python), str(self.workspace), self.user, self.name):
            if any(not sign.isprintable() or sign in "\"'`$%;&|<>^!*?\\" for sign in text.replace("\\", "")):
                raise UsageError(
                    "{text!r}: holds signs that a service file cannot hold; choose a plainer folder", text=text
                )
        if not NAME.fullmatch(self.name):
            raise UsageError("{text!r} is no name for a service, expected small letters, digits, . _ -", text=self.name)

    @property
    def id(self) -> str:
        """What the service is called."""
        return f"factory-kit-{self.name}"


def systemd_unit(service: Service, *, for_user: bool) -> str:
    """The unit file. *for_user*: run by the user's own systemd, which needs no root; else by the system's, as the given user.

    It starts at boot (of the user's session manager with lingering) and restarts ten seconds after any end but an orderly one and
    wrong use (exit code 2: a mistake in the site file, no authorisation), which only a person can mend. That of the system may
    write nowhere but into the workspace. Passwords may stand in ``keys/service.env`` of the workspace, readable by its owner only.
    """
    if not for_user and service.user in {"", "root"}:
        raise UsageError("a service of the system needs a user of its own, not root; name one with --service-user")
    who = "" if for_user else f"User={service.user}\n"
    wanted = "default.target" if for_user else "multi-user.target"
    return UNIT.format(
        name=service.name,
        who=who,
        python=_word(PurePosixPath(service.python)),
        folder=PurePosixPath(service.workspace),
        workspace=_word(PurePosixPath(service.workspace)),
        wanted=wanted,
        restart=RESTART_S,
        system="" if for_user else SYSTEM_ONLY.format(workspace=_word(PurePosixPath(service.workspace))),
    )


def _word(path: PurePosixPath) -> str:
    """*path* as one word of a unit file, where blanks part words."""
    return f'"{path}"' if " " in str(path) else str(path)


def windows_files(service: Service) -> Mapping[str, str]:
    """The files by name: a task that Windows starts at boot and restarts, and the two scripts that register and remove it.

    A scheduled task is what Windows offers without foreign software to a program that is no native service: it starts at boot
    without anybody logged in, restarts after a failure, and is seen and stopped in the Task Scheduler.
    """
    python = PureWindowsPath(service.python)
    workspace = PureWindowsPath(service.workspace)
    values = {
        "id": service.id,
        "python": str(python),
        "workspace": str(workspace),
        "restart": RESTART_S,
        "user": service.user or "%USERNAME%",
    }
    return {
        f"{service.id}.xml": TASK.format(**values),
        "install-service.cmd": INSTALL.format(**values),
        "remove-service.cmd": REMOVE.format(**values),
    }


UNIT = """\
[Unit]
Description=Factory Kit collection of {name}
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=exec
{who}WorkingDirectory={folder}
ExecStart={python} -m factory_kit collect --workspace {workspace} --quiet
EnvironmentFile=-{folder}/keys/service.env
Restart=on-failure
RestartSec={restart}
RestartPreventExitStatus=2
KillSignal=SIGTERM
TimeoutStopSec=90
UMask=0077
NoNewPrivileges=yes
{system}
[Install]
WantedBy={wanted}
"""
SYSTEM_ONLY = """\
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={workspace}
PrivateTmp=yes
PrivateDevices=no
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
"""
TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Factory Kit collection: {id}</Description></RegistrationInfo>
  <Triggers><BootTrigger><Enabled>true</Enabled><Delay>PT30S</Delay></BootTrigger></Triggers>
  <Principals><Principal id="Author"><LogonType>S4U</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>9999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{python}</Command>
      <Arguments>-m factory_kit collect --workspace "{workspace}" --quiet</Arguments>
      <WorkingDirectory>{workspace}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
INSTALL = """\
@echo off
rem Registers the collection as a task of this user; Windows asks for rights where it needs them.
schtasks /Create /TN "{id}" /XML "%~dp0{id}.xml" /RU "{user}" /F || exit /b 1
schtasks /Run /TN "{id}"
"""
REMOVE = """\
@echo off
schtasks /End /TN "{id}"
schtasks /Delete /TN "{id}" /F
"""
