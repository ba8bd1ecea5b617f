"""Indicators from their folders: ``indicator.yaml`` and ``query.sql`` together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import yaml_in
from factory_kit.load.files import Files, Somewhere, files_of
from factory_kit.model.indicator import Indicator, IndicatorDefinition

__all__ = ["all_indicators", "indicator_folder"]


def indicator_folder(folder: Somewhere, shown: str | None = None) -> Indicator:
    """The indicator in *folder*; ``DefinitionError`` with the mistakes of both files."""
    name, files = shown or str(folder), files_of(folder)
    here = folder.name if isinstance(folder, Path) else files.parts[-1]
    problems: list[Problem] = []
    definition = None
    try:
        definition = checked(yaml_in(files, "indicator.yaml", f"{name}/indicator.yaml"), IndicatorDefinition)
    except DefinitionError as error:
        problems += error.problems
    if definition is not None and definition.indicator != here:
        message = N_("{id!r} differs from the name of its folder")
        problems.append(Problem(f"{name}/indicator.yaml", 1, "indicator", message, {"id": definition.indicator}))
    sql, found = _sql(files, f"{name}/query.sql")
    problems += found
    if problems or definition is None:
        raise DefinitionError(problems)
    return Indicator(definition, sql)


def all_indicators(folders: Sequence[Path]) -> dict[str, Indicator]:
    """Every indicator below *folders* by id, in order of id; the first folder that has an id wins.

    ``DefinitionError`` with the mistakes of all of them.
    """
    found: dict[str, Indicator] = {}
    problems: list[Problem] = []
    for folder in _item_folders(folders):
        try:
            indicator = indicator_folder(folder, f"{folder.parent.name}/{folder.name}")
        except DefinitionError as error:
            problems += error.problems
            continue
        found.setdefault(indicator.id, indicator)
    if problems:
        raise DefinitionError(problems)
    return dict(sorted(found.items()))


def _item_folders(folders: Sequence[Path]) -> list[Path]:
    return [item for folder in folders if folder.is_dir() for item in sorted(folder.iterdir()) if item.is_dir()]


def _sql(files: Files, name: str) -> tuple[str, list[Problem]]:
    """The text of the SQL file byte for byte, because its hash names it; CR line ends would give another hash elsewhere."""
    try:
        text = files.read("query.sql").decode("utf-8")
    except FileNotFoundError:
        return "", [Problem(name, 0, "", N_("does not exist; check the path"))]
    except OSError as error:
        return "", [Problem(name, 0, "", N_("cannot be read ({reason})"), {"reason": error.strerror})]
    except UnicodeDecodeError:
        return "", [Problem(name, 0, "", N_("is not UTF-8; save it again as UTF-8"))]
    if "\r" in text or text.startswith("\ufeff"):
        line = text[: text.find("\r")].count("\n") + 1 if "\r" in text else 1
        return text, [
            Problem(
                name,
                line,
                "",
                N_("has Windows line ends or a byte order mark; save it with LF line ends, its hash counts every byte"),
            )
        ]
    if not text.strip():
        return text, [Problem(name, 1, "", N_("is empty"))]
    return text, []
