"""Crosswalks from their files, held against the two sides they join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import Document, dotted, read_yaml
from factory_kit.model.crosswalk import Crosswalk

__all__ = ["crosswalk", "crosswalk_files"]


def crosswalk_files(folders: Sequence[Path]) -> dict[str, Path]:
    """Every crosswalk below *folders* (each an ``assessments`` folder) by ``before__after``; the first match wins."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("crosswalks/*__*.yaml")):
            found.setdefault(file.stem, file)
    return found


def crosswalk(file: Path, before: Iterable[str], after: Iterable[str], shown: str | None = None) -> Crosswalk:
    """The crosswalk in *file* between a side with the ids *before* and one with the ids *after*.

    ``DefinitionError`` with every mistake: ids that a side does not have, and in a migration ids that stand in no row or in two.
    """
    document = read_yaml(file, shown or file.name)
    found = checked(document, Crosswalk)
    problems = list(_ends(found, file, document))
    problems += _side(found, "before", list(before), document)
    problems += _side(found, "after", list(after), document)
    if problems:
        raise DefinitionError(problems)
    return found


def _ends(found: Crosswalk, file: Path, document: Document) -> Iterator[Problem]:
    expected = f"{found.before.id}__{found.after.id}.yaml"
    if file.name != expected:
        yield Problem(document.name, 1, "", N_("must be called {name}"), {"name": expected})


def _side(found: Crosswalk, side: str, known: Sequence[str], document: Document) -> Iterator[Problem]:
    named: Counter[str] = Counter()
    for position, row in enumerate(found.rows):
        for code in getattr(row, side):
            named[code] += 1
            path = ("rows", position, side)
            if code not in known:
                message = N_("{code!r} is no requirement of that side")
                yield Problem(document.name, document.line(path), dotted(path), message, {"code": code})
    if found.purpose == "migration":
        yield from _whole(found, named, known, document)


def _whole(found: Crosswalk, named: Counter[str], known: Sequence[str], document: Document) -> Iterator[Problem]:
    for code, count in named.items():
        if count > 1:
            yield Problem(
                document.name, 1, "rows", N_("{code!r} stands in {count} rows"), {"code": code, "count": count}
            )
    missing = [code for code in known if code not in named]
    if missing and found.rest != "same":
        details: dict[str, object] = {"codes": ", ".join(missing)}
        yield Problem(document.name, 1, "rows", N_("no row says what becomes of {codes}"), details)
