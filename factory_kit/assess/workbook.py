"""The answers as an Excel form: one sheet per place in the plant, read back by the code of each row, never by its position."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import answers_text
from factory_kit.assess.proposals import Proposal
from factory_kit.assess.scored import Scored, read_scored
from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import LANGUAGES, N_, _, language, speaking
from factory_kit.load.overlay import local_texts
from factory_kit.load.workbook import SheetRow, sheet_rows
from factory_kit.model.answers import Answer, Answers, EvidenceItem
from factory_kit.model.maturity import Criterion, MaturityModel
from factory_kit.score import exact_text
from factory_kit.seal.archive import checked_zip

__all__ = ["TakenBack", "answers_workbook", "harmless", "replace_answers", "said", "take_back"]

LONGEST_NOTE = 2_000
COLUMNS = (
    N_("Code"), N_("Level"), N_("Requirement"), N_("Best evidence"), N_("The machines propose"), N_("Value"), N_("No value, because"),
    N_("Reason"), N_("Grade"), N_("Evidence seen"), N_("Remark"),
)  # fmt: skip
WIDTHS = (12, 6, 44, 14, 9, 15, 14, 20, 6, 32, 28)
LINE = 15
"""Points of a line of text."""
NO_VALUES = ("not applicable", "unknown", "not assessed")
GRADES = ("B", "C", "D")
ACCEPT = "accept-machine"
WORDS = (*NO_VALUES, "inconclusive", ACCEPT)
MARK = "factory-kit answers 1"
"""Stands with model, edition and hash in the hidden sheet ``about``."""
CODE, VALUE, NO_VALUE, REASON, GRADE, NOTE, REMARK = 0, 5, 6, 7, 8, 9, 10


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came back from a form."""

    changed: tuple[str, ...]
    """Criteria whose answer is another one now."""
    kept: Path | None
    """Where the answers of before stand; None where nothing changed."""


def answers_workbook(folder: AssessmentFolder, sources: Sequence[Path] = ()) -> bytes:
    """The form of the assessment in *folder* with what is answered so far, in the language in force.

    Where one of *sources* (``assessments`` folders) holds the standard's own wording, it stands as a note on each label.
    """
    import xlsxwriter  # noqa: PLC0415 - only for who writes Excel

    scored = read_scored(folder)
    wording = local_texts(sources, scored.model)
    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = xlsxwriter.Workbook(content, options)
    about = book.add_worksheet("about")
    structure = scored.model.structure
    for row, text in enumerate((MARK, structure.model, structure.edition, scored.model.sha256)):
        about.write_string(row, 0, text)
    for name, criteria in _places(scored.model, scored.assessment.plant.type):
        _sheet(book, name, criteria, scored, wording)
    about.hide()
    book.worksheets()[1].activate()
    book.worksheets()[1].set_first_sheet()
    book.close()
    return content.getvalue()


def take_back(folder: AssessmentFolder, file: Path) -> TakenBack:
    """The answers of *folder* with what the form *file* says; those of before are kept beside it under ``earlier/``.

    Rows are found by their code. A row that says what the answers say already leaves them as they are, with all their
    evidence. ``DefinitionError`` with every mistake at its sheet and cell; then nothing is changed.
    """
    scored = read_scored(folder)
    harmless(file)
    rows = list(sheet_rows(file))
    problems = list(_foreign(rows, scored.model, file.name))
    if problems:
        raise DefinitionError(problems)
    given: dict[str, Answer] = dict(scored.answers.answers)
    seen: dict[str, str] = {}
    for row in rows:
        code = _text(row, CODE)
        if row.sheet == "about" or row.number == 1 or not any(map(said, row.cells)):
            continue
        problems += _row(row, code, scored.model, seen, given, file.name)
    if problems:
        raise DefinitionError(problems)
    changed = tuple(
        code for code in given if given[code] != scored.answers.answers.get(code, Answer(no_value="not assessed"))
    )
    kept = replace_answers(folder, scored, given) if changed else None
    return TakenBack(changed, kept)


def harmless(file: Path) -> None:
    """``UsageError`` for a missing file and for macros; nothing is read before the archive was looked at."""
    if not file.is_file():
        raise UsageError("{file}: there is no such file", file=file)
    with checked_zip(file) as archive:
        if any(name.lower().endswith("vbaproject.bin") for name in archive.namelist()):
            raise UsageError("{file}: holds macros; save it as .xlsx without them", file=file.name)


def replace_answers(folder: AssessmentFolder, scored: Scored, given: Mapping[str, Answer]) -> Path:
    """``answers.yaml`` of *folder* with the answers *given*; those of before are kept under ``earlier/``, at the path returned."""
    before = folder.answers_file.read_bytes()
    earlier = folder.path / "earlier"
    earlier.mkdir(exist_ok=True)
    number = 1 + sum(1 for _ in earlier.glob("answers-*.yaml"))
    kept = earlier / f"answers-{number:03d}.yaml"
    write_atomically(kept, before)
    answers: Answers = scored.answers.model_copy(update={"answers": dict(given)})
    text = answers_text(scored.model, answers.kind, answers.type, answers.assessor, answers)
    write_atomically(folder.answers_file, text)
    return kept


def _places(model: MaturityModel, plant_type: str) -> Iterator[tuple[str, list[Criterion]]]:
    """Each sheet's name and the criteria that count for the plant."""
    counted = {node.id for node in model.structure.nodes if plant_type in node.weight}
    places = model.structure.places or {"all": tuple(node.id for node in model.structure.nodes)}
    labels = model.texts[language()].places
    for name, nodes in places.items():
        found = [row for row in model.structure.criteria if row.node in nodes and row.node in counted]
        if found:
            yield labels.get(name, name)[:31], found


def _sheet(book: Any, name: str, criteria: Sequence[Criterion], scored: Scored, wording: Mapping[str, str]) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E8EEF4", "border": 1})
    plain = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "font_color": "#444444"})
    open_ = book.add_format(
        {"text_wrap": True, "valign": "top", "border": 1, "bg_color": "#FFFDF2", "locked": False, "num_format": "@"}
    )
    for column, (title, width) in enumerate(zip(COLUMNS, WIDTHS, strict=True)):
        sheet.set_column(column, column, width, None, {"hidden": column == CODE})
        sheet.write_string(0, column, _(title), head)
    sheet.protect("", {"format_columns": True, "format_rows": True, "autofilter": True, "sort": True})
    sheet.freeze_panes(1, 3)
    sheet.set_row(0, 2 * LINE)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    model, texts = scored.model, scored.model.texts[language()]
    for number, row in enumerate(criteria, start=1):
        standing = scored.standings.get(row.id)
        label = f"{row.id}  {model.label(row.id, language())}"
        proofs = "、".join(texts.evidence[kind] for kind in row.evidence)
        shown = (
            row.id,
            texts.levels[str(row.level)].mark,
            label,
            proofs,
            _proposed(standing.proposal if standing else None),
        )
        given = tuple(map(_shown, _answered(scored.answers.answers.get(row.id))))
        sheet.set_row(number, LINE * _lines((*shown, *given)))
        for column, text in enumerate(shown):
            sheet.write_string(number, column, text, plain)
        if row.id in wording:
            sheet.write_comment(
                number, shown.index(label), wording[row.id][:LONGEST_NOTE], {"x_scale": 3, "y_scale": 2}
            )
        for column, text in enumerate(given, start=VALUE):
            sheet.write_string(number, column, text, open_)
        values = [*model.structure.options[row.options], *([_(ACCEPT)] if standing and standing.proposal else [])]
        for column, choices in ((VALUE, values), (NO_VALUE, list(map(_, NO_VALUES))), (GRADE, GRADES)):
            sheet.data_validation(number, column, number, column, {"validate": "list", "source": list(choices)})


def _shown(word: str) -> str:
    """Our fixed words in the language of the form; everything else as it is."""
    return _(word) if word in WORDS else word


@cache
def _words() -> dict[str, str]:
    """Our fixed words by what they are called in any language."""
    known = {word: word for word in WORDS}
    for each in LANGUAGES:
        with speaking(each):
            known |= {_(word): word for word in WORDS}
    return known


def _lines(cells: Sequence[str]) -> int:
    """How many lines the fullest cell of a row takes; a Chinese sign is as wide as two."""
    signs = (sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text) for text in cells)
    return max(1, *(ceil(count / (width - 1)) for count, width in zip(signs, WIDTHS, strict=True)))


def _proposed(proposal: Proposal | None) -> str:
    if proposal is None:
        return ""
    return exact_text(proposal.score) if proposal.score is not None else _("inconclusive")


def _answered(answer: Answer | None) -> tuple[str, ...]:
    """Value, kind of no value, reason, grade, note, remark."""
    if answer is None or answer == Answer(no_value="not assessed"):
        return ("",) * 6
    value = ACCEPT if answer.decision == "accept-machine" else answer.value or ""
    item = answer.evidence[0] if answer.evidence else None
    return (
        value,
        answer.no_value or "",
        answer.reason,
        item.grade if item else "",
        item.note if item else "",
        answer.remark,
    )


def _foreign(rows: Sequence[SheetRow], model: MaturityModel, name: str) -> Iterator[Problem]:
    """Whether this is the form of another model, or none of ours."""
    about = [_text(row, 0) for row in rows if row.sheet == "about"]
    structure = model.structure
    if about[:1] != [MARK]:
        raise UsageError(
            "{file}: is no form of ours (its sheet about is missing); make one with factory-kit assess form", file=name
        )
    if about[1:4] != [structure.model, structure.edition, model.sha256]:
        yield Problem(
            name, 0, "about", N_("is the form of another model or edition, expected {expected}"), {"expected": model.id}
        )


def _row(
    row: SheetRow, code: str, model: MaturityModel, seen: dict[str, str], given: dict[str, Answer], name: str
) -> Iterator[Problem]:
    place = f"{row.sheet}!{row.cell(CODE)}"
    criterion = model.criteria.get(code)
    if criterion is None:
        yield Problem(
            name, 0, place, N_("{code!r} is no criterion of the model; do not change the hidden column"), {"code": code}
        )
        return
    if code in seen:
        yield Problem(
            name, 0, place, N_("{code} stands in {other} already; keep one row"), {"code": code, "other": seen[code]}
        )
        return
    seen[code] = place
    words = _words()
    value, no_value = (words.get(text, text) for text in (_text(row, VALUE), _text(row, NO_VALUE)))
    cells = (value, no_value, *(_text(row, column) for column in (REASON, GRADE, NOTE, REMARK)))
    wrong = list(_mistakes(row, cells, model.structure.options[criterion.options], name))
    yield from wrong
    if not wrong and cells != _answered(given.get(code)):
        given[code] = _answer(cells, given.get(code))


def _mistakes(row: SheetRow, cells: tuple[str, ...], allowed: Sequence[str], name: str) -> Iterator[Problem]:
    value, no_value, reason, grade, note, _remark = cells
    if value and value != ACCEPT and value not in allowed:
        message = N_("{value} is not allowed, expected one of {allowed}")
        yield Problem(name, 0, _at(row, VALUE), message, {"value": value, "allowed": ", ".join(allowed)})
    if no_value and no_value not in (*NO_VALUES, "inconclusive"):
        message = N_("{value} is not allowed, expected one of {allowed}")
        yield Problem(name, 0, _at(row, NO_VALUE), message, {"value": no_value, "allowed": ", ".join(NO_VALUES)})
    if value and no_value:
        yield Problem(name, 0, _at(row, NO_VALUE), N_("has a value too; keep one of them"))
    if no_value == "not applicable" and not reason:
        yield Problem(name, 0, _at(row, REASON), N_("not applicable needs a reason"))
    if grade and grade not in (*GRADES, "A"):
        message = N_("{value} is not allowed, expected one of {allowed}")
        yield Problem(name, 0, _at(row, GRADE), message, {"value": grade, "allowed": ", ".join(GRADES)})
    if bool(grade) != bool(note):
        yield Problem(name, 0, _at(row, NOTE), N_("a grade needs what was seen, and what was seen needs a grade"))


def _answer(cells: tuple[str, ...], before: Answer | None) -> Answer:
    """The answer of a row; evidence beyond the first, and what the form has no cell for, stays."""
    value, no_value, reason, grade, note, remark = cells
    items = before.evidence if before else ()
    first = items[:1]
    if (grade, note) != ((first[0].grade, first[0].note) if first else ("", "")):
        first = (EvidenceItem.model_validate({"grade": grade, "note": note}),) if grade else ()
    parts: dict[str, object] = {"reason": reason, "remark": remark, "evidence": (*first, *items[1:])}
    if value == ACCEPT:
        parts["decision"] = ACCEPT
    elif value:
        parts["value"] = value
        if before and before.decision == "override-machine" and reason:
            parts["decision"] = "override-machine"
    else:
        parts["no_value"] = no_value or "not assessed"
    return Answer.model_validate(parts)


def _text(row: SheetRow, column: int) -> str:
    return said(row.cells[column]) if column < len(row.cells) else ""


def said(cell: object) -> str:
    """A cell as people typed it: Excel keeps 1 as 1.0 and 0.80 as 0.8."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _at(row: SheetRow, column: int) -> str:
    return f"{row.sheet}!{row.cell(column)}"
