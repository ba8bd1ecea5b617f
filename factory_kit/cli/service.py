"""``collect --install-service``: writes the files of a service and says what a person does with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from factory_kit.i18n import _

__all__ = ["write_service"]


def write_service(workspace: Path, plant: str, user: str) -> None:
    """The files that fit this system, in the folder ``service`` of the workspace."""
    from factory_kit.cli.console import note, success
    from factory_kit.collect.service import Service, systemd_unit, windows_files
    from factory_kit.files import write_atomically

    service = Service(plant, Path(sys.executable), workspace.resolve(), user)
    folder = workspace / "service"
    folder.mkdir(exist_ok=True)
    if os.name == "nt":
        for name, content in windows_files(service).items():
            encoded = content.encode("utf-16") if name.endswith(".xml") else content.replace("\n", "\r\n").encode()
            write_atomically(folder / name, encoded)
        success(_("{folder} holds the files of the service.").format(folder=folder))
        note(_("Install it: run {command}").format(command=folder / "install-service.cmd"))
        return
    unit = f"{service.id}.service"
    write_atomically(folder / unit, systemd_unit(service, for_user=not user))
    success(_("{folder} holds the files of the service.").format(folder=folder))
    for line in _steps(folder.resolve() / unit, unit, user):
        typer.echo(line)  # never wrapped, to be copied


def _steps(path: Path, unit: str, user: str) -> list[str]:
    """What to type; with the rights of an administrator only where a user was named."""
    if user:
        return [
            _("Install it for the whole system, as an administrator:"),
            f"  sudo install -m 644 {path} /etc/systemd/system/{unit}",
            f"  sudo systemctl daemon-reload && sudo systemctl enable --now {unit}",
        ]
    return [
        _(
            "Install it for yourself; no administrator is needed but for the last line, which lets it run before you log in:"
        ),
        f"  mkdir -p ~/.config/systemd/user && cp {path} ~/.config/systemd/user/",
        f"  systemctl --user daemon-reload && systemctl --user enable --now {unit}",
        "  loginctl enable-linger",
    ]
