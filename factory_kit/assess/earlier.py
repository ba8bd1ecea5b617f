"""Results of other platforms, from their Excel sheets: taken as declarations (grade D), and only where nobody has answered yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored
from factory_kit.assess.workbook import harmless, replace_answers, said
from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.load.workbook import SheetRow, sheet_rows
from factory_kit.model.answers import Answer, EvidenceItem
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel

__all__ = ["Taken", "take_earlier"]

CODES = ("code", "id", "编号", "条款编号", "要求编号", "指标编号")
VALUES = ("value", "score", "得分", "分值", "自评得分", "取值")
OPEN = Answer(no_value="not assessed")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an earlier result."""

    taken: tuple[str, ...]
    """Criteria that are answered by it now."""
    left: tuple[str, ...]
    """Criteria that were answered already, and stay as they are."""
    kept: Path | None
    """Where the answers of before stand; None where nothing changed."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A code and a value, and the cell of the value."""

    code: str
    value: str
    place: str


def take_earlier(folder: AssessmentFolder, file: Path, platform: str) -> Taken:
    """The values in the Excel sheets of *file*, a result of *platform*, as answers of grade D to what is not assessed yet.

    A sheet counts when one of its rows has a heading for codes and one for values; rows below it are found by their code.
    ``DefinitionError`` with every mistake at its cell, ``UsageError`` for a file without such a sheet; then nothing is changed.
    """
    if not platform.strip():
        raise UsageError("--platform: say where the result is from")
    scored = read_scored(folder)
    harmless(file)
    rows = list(_findings(list(sheet_rows(file))))
    if not rows:
        raise UsageError(
            "{file}: no sheet has a heading for codes ({codes}) and one for values ({values})",
            file=file.name,
            codes=", ".join(CODES),
            values=", ".join(VALUES),
        )
    problems = list(_mistakes(rows, scored.model, file.name))
    if problems:
        raise DefinitionError(problems)
    before = scored.answers.answers
    open_ = [row for row in rows if before.get(row.code, OPEN).model_copy(update={"remark": ""}) == OPEN]
    given: Mapping[str, Answer] = {**before, **{row.code: _answer(row, scored.model, platform) for row in open_}}
    taken = tuple(row.code for row in open_)
    left = tuple(row.code for row in rows if row.code not in taken)
    return Taken(taken, left, replace_answers(folder, scored, given) if taken else None)


def _findings(rows: Sequence[SheetRow]) -> Iterator[_Found]:
    """Every row with a code and a value below the headings of its sheet."""
    columns: dict[str, tuple[int, int]] = {}
    for row in rows:
        texts = [said(cell) for cell in row.cells]
        if row.sheet not in columns:
            heads = [text.casefold() for text in texts]
            code = next((at for at, text in enumerate(heads) if text in CODES), None)
            value = next((at for at, text in enumerate(heads) if text in VALUES), None)
            if code is not None and value is not None:
                columns[row.sheet] = (code, value)
            continue
        code, value = columns[row.sheet]
        if max(code, value) < len(texts) and texts[code] and texts[value]:
            yield _Found(texts[code], texts[value], f"{row.sheet}!{row.cell(value)}")


def _mistakes(rows: Sequence[_Found], model: MaturityModel, name: str) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for row in rows:
        if row.code not in model.criteria:
            yield Problem(name, 0, row.place, N_("{code!r} is no criterion of the model"), {"code": row.code})
        elif row.code in seen:
            message = N_("{code} stands in {other} already; keep one row")
            yield Problem(name, 0, row.place, message, {"code": row.code, "other": seen[row.code]})
        elif _allowed(row, model) is None:
            allowed = ", ".join(model.structure.options[model.criteria[row.code].options])
            message = N_("{value} is not allowed, expected one of {allowed}")
            yield Problem(name, 0, row.place, message, {"value": row.value, "allowed": allowed})
        seen.setdefault(row.code, row.place)


def _allowed(row: _Found, model: MaturityModel) -> str | None:
    """The option that the value is; None where it is none."""
    try:
        value = exact(row.value)
    except (ValueError, ZeroDivisionError):
        return None
    options = model.structure.options[model.criteria[row.code].options]
    return next((option for option in options if exact(option) == value), None)


def _answer(row: _Found, model: MaturityModel, platform: str) -> Answer:
    return Answer(value=_allowed(row, model), evidence=(EvidenceItem(grade="D", note=platform.strip()),))
