"""The folder of one assessment, and which file in it holds what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from factory_kit.errors import UsageError
from factory_kit.load.checked import checked
from factory_kit.load.document import Document, parse_json, text_in, yaml_in
from factory_kit.load.files import Files, FolderFiles
from factory_kit.load.workspace import Workspace
from factory_kit.model.assessment import Assessment, ModelEdition

__all__ = ["AssessmentFolder"]


@dataclass(frozen=True)
class AssessmentFolder:
    """``assessments/<name>/`` of a workspace, or the files of a bundle, in which JSON takes the place of YAML."""

    path: Path
    contents: Files | None = field(default=None, repr=False, compare=False)
    """Where they are read from instead of the disk: the contents of a sealed file."""

    @classmethod
    def of(cls, workspace: Workspace, name: str) -> AssessmentFolder:
        """The assessment called *name*; ``UsageError`` when there is none."""
        folder = cls(workspace.assessment_folder(name))
        if not folder.assessment_file.is_file():
            known = ", ".join(sorted(_names(workspace))) or "-"
            raise UsageError(
                "{name}: there is no such assessment (there are: {known}); make one with factory-kit assess new {name}",
                name=name,
                known=known,
            )
        return folder

    @property
    def files(self) -> Files:
        """The files to be read, on the disk or in memory."""
        return self.contents or FolderFiles(self.path)

    @property
    def assessment_file(self) -> Path:
        """Who is assessed against what, when, by whom."""
        return self.path / "assessment.yaml"

    @property
    def answers_file(self) -> Path:
        """The answers, written by hand."""
        return self.path / "answers.yaml"

    @property
    def decisions_file(self) -> Path:
        """The log of decisions."""
        return self.path / "decisions.jsonl"

    @property
    def evidence_folder(self) -> Path:
        """Records of machine evidence."""
        return self.path / "evidence"

    def model_folder(self, edition: ModelEdition) -> Path:
        """The frozen copy of the model edition."""
        return self.path / "models" / edition.id / edition.edition

    @property
    def indicators_folder(self) -> Path:
        """Frozen copies of the indicators that the records name."""
        return self.path / "indicators"

    @property
    def score_file(self) -> Path:
        """The score, derived from everything else."""
        return self.path / "score.json"

    @property
    def report_folder(self) -> Path:
        """Reports for people."""
        return self.path / "report"

    def document(self, stem: Literal["assessment", "answers"]) -> Document:
        """What ``<stem>.yaml`` holds, or in a bundle ``<stem>.json``."""
        written, sealed = f"{stem}.yaml", f"{stem}.json"
        if self.files.has(sealed) and not self.files.has(written):
            return parse_json(text_in(self.files, sealed, self.shown(sealed)), self.shown(sealed))
        return yaml_in(self.files, written, self.shown(written))

    def assessment(self) -> Assessment:
        """Who is assessed against what; ``DefinitionError`` with all mistakes."""
        return checked(self.document("assessment"), Assessment)

    def shown(self, name: str) -> str:
        """*name* as messages about this assessment show it."""
        return f"{self.path.name}/{name}"


def _names(workspace: Workspace) -> list[str]:
    return [path.parent.name for path in (workspace.root / "assessments").glob("*/assessment.yaml")]
