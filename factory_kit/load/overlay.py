"""The standard's own wording beside our labels: ``text.local.yaml``, a licensed file of the user, which never leaves the machine.

It stands in ``assessments/models/<model>/<edition>/`` of a workspace (or beside the shipped model), is shown where somebody
answers, and goes into no bundle, no report and no hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import dotted, read_yaml
from factory_kit.model.definition import Definition, Identifier
from factory_kit.model.maturity import Code, Edition, MaturityModel

__all__ = ["LOCAL_TEXT", "Overlay", "local_texts"]

LOCAL_TEXT = "text.local.yaml"


class Overlay(Definition):
    """``text.local.yaml``."""

    form: Literal[1]
    model: Identifier
    edition: Edition
    source: str = Field(min_length=1)
    """Which print of the standard it was typed from, and by whose licence."""
    criteria: dict[Code, str]


def local_texts(folders: Sequence[Path], model: MaturityModel) -> Mapping[str, str]:
    """Criterion → the standard's wording, out of the first of *folders* (each an ``assessments`` folder) that has it; else empty.

    ``DefinitionError`` where the file speaks of another model, or of a requirement that the model does not have.
    """
    structure = model.structure
    for folder in folders:
        file = folder / "models" / structure.model / structure.edition / LOCAL_TEXT
        if file.is_file():
            return _checked(file, model)
    return {}


def _checked(file: Path, model: MaturityModel) -> Mapping[str, str]:
    document = read_yaml(file, LOCAL_TEXT)
    found = checked(document, Overlay)
    problems = [
        Problem(
            LOCAL_TEXT, document.line(path), dotted(path), N_("{code!r} is no criterion of the model"), {"code": code}
        )
        for code in found.criteria
        if code not in model.criteria
        for path in [("criteria", code)]
    ]
    if f"{found.model}@{found.edition}" != model.id:
        message = N_("speaks of another model, expected {expected}")
        problems.append(Problem(LOCAL_TEXT, document.line(("model",)), "model", message, {"expected": model.id}))
    if problems:
        raise DefinitionError(problems)
    return found.criteria
