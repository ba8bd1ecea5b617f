"""The folder of one assessment, and which file in it holds what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from factory_kit.errors import UsageError
from factory_kit.load.checked import checked
from factory_kit.load.document import Document, parse_json, read_text, read_yaml
from factory_kit.load.workspace import Workspace
from factory_kit.model.assessment import Assessment, ModelEdition

__all__ = ["AssessmentFolder"]


@dataclass(frozen=True)
class AssessmentFolder:
    """``assessments/<name>/`` of a workspace, or the files of a bundle, in which JSON takes the place of YAML."""

    path: Path

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
        written, sealed = self.path / f"{stem}.yaml", self.path / f"{stem}.json"
        if sealed.is_file() and not written.exists():
            name = self.shown(sealed.name)
            return parse_json(read_text(sealed, name), name)
        return read_yaml(written, self.shown(written.name))

    def assessment(self) -> Assessment:
        """Who is assessed against what; ``DefinitionError`` with all mistakes."""
        return checked(self.document("assessment"), Assessment)

    def shown(self, name: str) -> str:
        """*name* as messages about this assessment show it."""
        return f"{self.path.name}/{name}"


def _names(workspace: Workspace) -> list[str]:
    return [path.parent.name for path in (workspace.root / "assessments").glob("*/assessment.yaml")]
