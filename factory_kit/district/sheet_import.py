"""Sheets of officers read into registers: headings are found, every mistake comes with its number, sheet and cell."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from itertools import chain, groupby, islice, zip_longest
from pathlib import Path

from factory_kit.district.definitions import Units
from factory_kit.district.register import Column, RegisterForm, Registers, forms, industries
from factory_kit.errors import DefinitionError, Problem, SealError, UsageError
from factory_kit.i18n import N_
from factory_kit.load.workbook import SheetRow, sheet_rows
from factory_kit.model.credit_code import Fault, fault, normalise, organisation_sign_fits
from factory_kit.seal.archive import checked_zip
from factory_kit.seal.signature import PublicKey

__all__ = ["MISTAKES", "Imported", "read_sheet"]

HEAD_ROWS = 20
"""A sheet has its headings within this many rows; titles and notes may stand above them."""

MISTAKES: Mapping[str, str] = {
    "E01": N_("E01 no sheet has the headings of this register; needed are {heads}"),
    "E02": N_("E02 is empty, and is needed"),
    "E03": N_(
        "E03 the cell is a number, not text; its last digits may be lost. Format the column as text and enter the code anew"
    ),
    "E04": N_("E04 {value} has {count} signs, a credit code has 18"),
    "E05": N_("E05 {value} holds a sign that no credit code has (I, O, S, V, Z or another)"),
    "E06": N_("E06 {value} is no credit code: its last sign does not fit the others"),
    "E07": N_("E07 {value} has an inner organisation code with another check sign than expected; look it up once"),
    "E08": N_("E08 {value} is not a date such as 2026-09-01"),
    "E09": N_("E09 {value} is no reporting unit of this district; units.yaml lists them"),
    "E09+": N_("E09 {value} is no reporting unit of this district; is {likely} meant?"),
    "E10": N_("E10 {value} is no industry code of manufacturing (two to four digits, 13 to 43)"),
    "E11": N_("E11 {value} is not a number of zero or more"),
    "E12": N_("E12 {value} is not one of {expected}"),
    "E13": N_("E13 this entry stands in {other} already with other content"),
    "E14": N_("E14 the end lies before the beginning"),
    "E15": N_("E15 the plant {value} is not in the register of plants; import the plants first"),
    "E16": N_("E16 the heading {value} is not known; the column was left out"),
    "E17": N_("E17 {value} is no public key (56 signs of base64, second line of a .pub file)"),
    "E18": N_("E18 the cell holds an error of the spreadsheet: {value}"),
    "E20": N_("E20 {value}: the row is no entry and was left out"),
}
WARNINGS = {"E07", "E16", "E20"}
TOTALS = ("合计", "总计", "小计", "共计", "total", "sum")
REMARK = re.compile(r"^(注|备注|说明|填表\w{0,3}|制表\w{0,3}|审核\w{0,3}|note)\s*:", re.IGNORECASE)
"""How rows below a table begin that are no entries, where what an entry needs is missing."""
NOTHING = {"-", "--", "—", "——", "/", "\\", "无", "n/a", "na"}
"""What people write into a cell that has nothing to say."""
DAYS_FROM = date(1899, 12, 30)
SERIALS = range(20_000, 80_000)
"""Days since 30 December 1899 that a date without the format of one shows as: 1954 to 2119."""
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
CLOSE = 0.5
"""How alike the name of a unit must be to be asked about: half of its signs."""
OF_PLANTS = ("plant_units", "projects", "transformations", "recognitions")
"""Registers whose rows speak about a plant of the register."""
DATES = re.compile(r"^(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d\d)(\d\d))$")
NUMBER = re.compile(r"^\d{1,15}(\.\d{1,9})?$")


@dataclass(frozen=True)
class Imported:
    """What a sheet holds, and what an officer should look at once."""

    rows: tuple[Mapping[str, str], ...]
    warnings: tuple[Problem, ...]


@dataclass
class _Reader:
    """One file while it is read."""

    file: str
    form: RegisterForm
    units: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def say(self, number: str, row: SheetRow, column: int, **details: object) -> None:
        """Note mistake *number* at the cell."""
        problem = Problem(f"{self.file} [{row.sheet}]", row.number, row.cell(column), MISTAKES[number], details)
        (self.warnings if number in WARNINGS else self.problems).append(problem)


def read_sheet(path: Path, register: str, units: Units, registers: Registers) -> Imported:
    """The rows of *register* in the Excel or CSV file *path*; ``DefinitionError`` with every mistake in it.

    Headings may stand below titles, columns in any order, the register on several sheets. The same row twice is one.
    """
    if register not in forms():
        raise UsageError(
            "{register!r} is no register, expected one of {known}", register=register, known=", ".join(forms())
        )
    names = {unit.id: unit.id for unit in units.units}
    names |= {text: unit.id for unit in units.units for text in (unit.name.zh, unit.name.en)}
    reader = _Reader(path.name, forms()[register], names)
    found = list(_rows(reader, _cells(path)))
    kept = _once(reader, found)
    if register in OF_PLANTS and registers.plants:
        _known_plants(reader, found, registers)
    if reader.problems:
        raise DefinitionError(reader.problems)
    return Imported(tuple(kept), tuple(reader.warnings))


@dataclass(frozen=True)
class _Found:
    row: SheetRow
    at: Mapping[str, int]
    values: Mapping[str, str]


def _cells(path: Path) -> Iterator[SheetRow]:
    if path.suffix.lower() == ".csv":
        yield from _of_csv(path)
        return
    try:
        with checked_zip(path):
            pass
    except SealError as error:
        raise UsageError("{file}: is no Excel workbook that can be read (.xlsx)", file=path.name) from error
    yield from sheet_rows(path)


def _of_csv(path: Path) -> Iterator[SheetRow]:
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline="")), start=1):
            yield SheetRow("CSV", number, tuple(cell or None for cell in cells))
        return
    raise UsageError("{file}: is neither UTF-8 nor GBK; save it again as CSV UTF-8", file=path.name)


def _rows(reader: _Reader, rows: Iterator[SheetRow]) -> Iterator[_Found]:
    """The entries of all sheets that have the headings."""
    seen = False
    for _sheet, some in groupby(rows, key=lambda row: row.sheet):
        page = iter(some)
        at, first = _head(reader, page)
        seen = seen or at is not None
        for row in chain(first, page) if at is not None else ():
            if any(_text(cell) for cell in row.cells) and not _is_no_entry(reader, row, at or {}):
                yield _Found(row, at or {}, _values(reader, row, at or {}))
    if not seen:
        heads = ", ".join(column.heads[0] for column in reader.form.columns.values() if column.required)
        reader.problems.append(Problem(reader.file, 0, "", MISTAKES["E01"], {"heads": heads}))


def _head(reader: _Reader, rows: Iterator[SheetRow]) -> tuple[Mapping[str, int] | None, Sequence[SheetRow]]:
    """Where the columns stand, and the row after the headings; they may take two rows, with cells merged over both or side by side."""
    before: SheetRow | None = None
    for row in islice(rows, HEAD_ROWS):
        at = _headings(reader, row)
        if at is not None:
            after = next(rows, None)
            below = _headings(reader, _together(row, after)) if after and _goes_on(reader, after, at) else None
            found, first = (below, []) if below is not None else (at, [after] if after else [])
        elif before is not None and (at := _headings(reader, _together(before, row))) is not None:
            found, first = at, []
        else:
            before = row
            continue
        _say_strange(reader, row, found)
        return found, first
    return None, []


def _together(upper: SheetRow, lower: SheetRow) -> SheetRow:
    """Two rows of headings as one: the lower one, and the upper where it has nothing."""
    cells = zip_longest(upper.cells, lower.cells)
    return SheetRow(lower.sheet, lower.number, tuple(below if _text(below) else above for above, below in cells))


def _goes_on(reader: _Reader, row: SheetRow, at: Mapping[str, int]) -> bool:
    """Whether *row* is a second row of headings: nothing where an entry needs something, and a heading that is known."""
    known = {_plain(head) for column in reader.form.columns.values() for head in column.heads}
    needed = [at[name] for name, column in reader.form.columns.items() if column.required]
    cells = [_text(cell) for cell in row.cells]
    empty = all(place >= len(cells) or not cells[place] for place in needed)
    return empty and any(_plain(cell) in known for cell in cells)


def _is_no_entry(reader: _Reader, row: SheetRow, at: Mapping[str, int]) -> bool:
    """Whether *row* is a total, or a remark below the table; said once, so that nobody misses an entry."""
    cells = [_text(cell) for cell in row.cells]
    needed = [at[name] for name, column in reader.form.columns.items() if column.required]
    said = next((cell for cell in cells if cell and not cell.replace(".", "").isdigit()), "")
    no_entry = _plain(said) in TOTALS or REMARK.match(unicodedata.normalize("NFKC", said))
    if not no_entry or all(place < len(cells) and cells[place] for place in needed):
        return False
    reader.say("E20", row, cells.index(said), value=said[:40])
    return True


def _headings(reader: _Reader, row: SheetRow) -> Mapping[str, int] | None:
    """Which column of the register stands where, when *row* names all that are needed."""
    known = {_plain(head): name for name, column in reader.form.columns.items() for head in column.heads}
    at: dict[str, int] = {}
    for number, cell in enumerate(row.cells):
        name = known.get(_plain(_text(cell)))
        if name and name not in at:
            at[name] = number
    if any(column.required and name not in at for name, column in reader.form.columns.items()):
        return None
    return at


def _say_strange(reader: _Reader, row: SheetRow, at: Mapping[str, int]) -> None:
    """Headings that mean nothing here are named, their columns left out."""
    known = {_plain(head) for column in reader.form.columns.values() for head in column.heads}
    for number, cell in enumerate(row.cells):
        if _text(cell) and number not in at.values() and _plain(_text(cell)) not in known:
            reader.say("E16", row, number, value=_text(cell)[:40])


def _values(reader: _Reader, row: SheetRow, at: Mapping[str, int]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, column in reader.form.columns.items():
        place = at.get(name)
        cell = row.cells[place] if place is not None and place < len(row.cells) else None
        text = _text(cell)
        if not text or (text.casefold() in NOTHING and not column.required and column.kind != "text"):
            if column.required:
                reader.say("E02", row, place or 0)
            value = column.default
        elif text.startswith("#") and text.rstrip("!?/").isupper() and len(text) < 9:
            reader.say("E18", row, place or 0, value=text)
            value = ""
        else:
            value = KINDS[column.kind](_Cell(reader, row, place or 0, cell, text, column))
        if value:
            found[name] = value
    if found.get("until", "9999") < found.get("since", ""):
        reader.say("E14", row, at.get("until", 0))
    return found


@dataclass(frozen=True)
class _Cell:
    reader: _Reader
    row: SheetRow
    place: int
    value: object
    text: str
    column: Column

    def wrong(self, number: str, **details: object) -> str:
        self.reader.say(number, self.row, self.place, value=self.text[:40], **details)
        return ""


def _credit_code(cell: _Cell) -> str:
    if not isinstance(cell.value, str):
        return cell.wrong("E03")
    code = normalise(cell.text)
    wrong = fault(code)
    if wrong is Fault.LENGTH:
        return cell.wrong("E04", count=len(code))
    if wrong is not None:
        return cell.wrong("E05" if wrong is Fault.SIGN else "E06")
    if not organisation_sign_fits(code):
        cell.wrong("E07")
    return code


def _site(cell: _Cell) -> str:
    text = str(int(cell.value)) if isinstance(cell.value, int | float) else unicodedata.normalize("NFKC", cell.text)
    return text.zfill(2) if text.isdigit() else text


def _unit(cell: _Cell) -> str:
    return cell.reader.units.get(cell.text) or _no_unit(cell, cell.text)


def _units(cell: _Cell) -> str:
    names = [name.strip() for name in re.split(r"[;；、,，]", cell.text) if name.strip()]
    unknown = [name for name in names if name not in cell.reader.units]
    if unknown:
        return _no_unit(cell, unknown[0])
    return ";".join(sorted({cell.reader.units[name] for name in names}))


def _no_unit(cell: _Cell, name: str) -> str:
    """A name that no unit has, with the one it is closest to."""
    close = get_close_matches(name, cell.reader.units, 1, cutoff=CLOSE)
    details = {"likely": close[0]} if close else {}
    cell.reader.say("E09+" if close else "E09", cell.row, cell.place, value=name[:40], **details)
    return ""


def _industry(cell: _Cell) -> str:
    text = unicodedata.normalize("NFKC", cell.text).upper().removeprefix("C")
    fits = re.fullmatch(r"\d{2,4}", text) is not None and text[:2] in industries().divisions
    return text if fits else cell.wrong("E10")


def _choice(cell: _Cell) -> str:
    for value, words in cell.column.choices.items():
        if cell.text.casefold() in {value.casefold(), *(word.casefold() for word in words)}:
            return value
    return cell.wrong("E12", expected=", ".join(words[0] for words in cell.column.choices.values()))


def _number(cell: _Cell) -> str:
    text = unicodedata.normalize("NFKC", cell.text).replace(",", "").replace(" ", "")
    try:
        value = Decimal(str(cell.value) if isinstance(cell.value, int | float) else text)
    except InvalidOperation:
        return cell.wrong("E11")
    if isinstance(cell.value, bool) or not value.is_finite() or value < 0:
        return cell.wrong("E11")
    shown = format(value.quantize(Decimal("0.000001")) if abs(value.as_tuple().exponent) > 6 else value, "f")  # type: ignore[arg-type] # finite
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _date(cell: _Cell) -> str:
    if isinstance(cell.value, datetime | date):
        return cell.value.strftime("%Y-%m-%d")
    text = unicodedata.normalize("NFKC", cell.text)
    if text.isdigit() and int(text) in SERIALS and not isinstance(cell.value, bool):
        return str(DAYS_FROM + timedelta(days=int(text)))
    parts = DATES.match(text.split(" ")[0])
    try:
        return str(date(*(int(part) for part in parts.groups() if part))) if parts else cell.wrong("E08")
    except ValueError:
        return cell.wrong("E08")


def _public_key(cell: _Cell) -> str:
    try:
        return PublicKey.parse(cell.text, cell.row.cell(cell.place)).text
    except SealError:
        return cell.wrong("E17")


KINDS: Mapping[str, Callable[[_Cell], str]] = {
    "credit_code": _credit_code, "site": _site, "text": lambda cell: cell.text, "unit": _unit, "units": _units,
    "industry": _industry, "choice": _choice, "number": _number, "date": _date, "public_key": _public_key, "class": _industry,
}  # fmt: skip


def _once(reader: _Reader, found: Sequence[_Found]) -> list[Mapping[str, str]]:
    """Each entry once; the same key with other content is a mistake."""
    kept: dict[tuple[str, ...], _Found] = {}
    needed = [name for name, column in reader.form.columns.items() if column.required]
    for each in found:
        if any(name not in each.values for name in needed):
            continue  # said already
        key = tuple(each.values.get(part, "") for part in reader.form.key)
        earlier = kept.setdefault(key, each)
        if earlier is not each and earlier.values != each.values:
            other = f"{earlier.row.sheet} {earlier.row.number}"
            reader.say("E13", each.row, each.at.get(reader.form.key[0], 0), other=other)
    return [each.values for each in kept.values()]


def _known_plants(reader: _Reader, found: Sequence[_Found], registers: Registers) -> None:
    for each in found:
        code, site = each.values.get("credit_code"), each.values.get("site_no", "01")
        if code and not registers.has_plant(code, site):
            reader.say("E15", each.row, each.at["credit_code"], value=f"{code}-{site}")


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).translate(INVISIBLE).split())


def _plain(head: str) -> str:
    return re.sub(r"[\s*＊:：()（）]", "", unicodedata.normalize("NFKC", head)).casefold()
