"""What the commands of ``assess`` share: their arguments, and the assessment they are about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.i18n import N_

if TYPE_CHECKING:
    from factory_kit.assess.folder import AssessmentFolder

__all__ = ["Bundle", "By", "Name", "Why", "opened"]

Name = Annotated[str, typer.Argument(metavar="NAME", help=N_("The assessment: the name of its folder in assessments."))]
Bundle = Annotated[Path, typer.Argument(metavar="FILE.zip", help=N_("The bundle of an assessment."))]
By = Annotated[str, typer.Option("--by", metavar="NAME", help=N_("Who decides."))]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help=N_("The reason."))]


def opened(workspace: Path, name: str) -> tuple[AssessmentFolder, list[Path]]:
    """The folder of the assessment, and where indicators are found."""
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.load.workspace import Workspace
    from factory_kit.shipped import search_path

    place = Workspace.at(workspace)
    sources = [folder / "indicators" for folder in search_path("assessments", place.root)]
    return AssessmentFolder.of(place, name), sources
