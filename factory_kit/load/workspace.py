"""The user's workspace: one folder with the site file, private definitions, the store and the results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from factory_kit.errors import UsageError
from factory_kit.load.site import site_file
from factory_kit.model.connector import Connector
from factory_kit.model.definition import Identifier
from factory_kit.model.site import Site
from factory_kit.shipped import search_path

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """Where everything of one plant is."""

    root: Path

    @classmethod
    def at(cls, folder: Path) -> Workspace:
        """The workspace in *folder*; ``UsageError`` when there is none."""
        if not (folder / "site.yaml").is_file():
            raise UsageError(
                "{folder}: is no workspace (no site.yaml); make one with factory-kit init {folder}", folder=folder
            )
        return cls(folder)

    @property
    def store_folder(self) -> Path:
        """The folder of the store."""
        return self.root / "store"

    @property
    def certificates_folder(self) -> Path:
        """The folder of our OPC UA certificate and of the trusted ones of servers."""
        return self.root / "keys" / "opcua"

    def assessment_folder(self, name: Identifier) -> Path:
        """The folder of the assessment called *name*."""
        return self.root / "assessments" / name

    def site(self) -> tuple[Site, dict[str, Connector]]:
        """The site and its connectors by name; ``DefinitionError`` with all mistakes."""
        return site_file(self.root / "site.yaml", search_path("connectors", self.root))
