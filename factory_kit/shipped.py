"""Where the shipped definitions are: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from factory_kit.errors import FactoryKitError

__all__ = ["DefinitionKind", "data_dir", "search_path"]

DefinitionKind = Literal["assessments", "connectors", "datasets", "examples"]


def data_dir(kind: DefinitionKind) -> Path:
    """The folder of the shipped definitions of *kind*."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise FactoryKitError("{kind}: Factory Kit was installed without this folder; install it again", kind=kind)


def search_path(kind: DefinitionKind, workspace: Path | None = None, extra: Path | None = None) -> tuple[Path, ...]:
    """The folders in which a definition of *kind* is looked for, first match wins: *extra*, the workspace, the shipped ones."""
    candidates = (extra, workspace / kind if workspace else None)
    return (*(folder for folder in candidates if folder is not None and folder.is_dir()), data_dir(kind))
