"""A first map for a historian's export, proposed from the file itself; the user corrects it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.model.history import HistoryMap

__all__ = ["proposed_map"]

LOOKED_AT = 256 * 1024
LONGEST_CELL = 100_000
ENCODINGS = ("utf-8-sig", "gb18030", "utf-16")
SEPARATORS = (";", "\t", ",", "|")
TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y年%m月%d日 %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y/%m/%d %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
    "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p", "%Y%m%d%H%M%S",
)  # fmt: skip
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%d.%m.%Y")
CLOCK_FORMATS = ("%H:%M:%S", "%H:%M")
NAME_WORDS = ("tag", "name", "point", "item", "测点", "点名", "变量", "位号", "名称")
VALUE_WORDS = ("value", "val", "数值", "值", "采样值")
QUALITY_WORDS = ("quality", "status", "质量", "状态", "品质")
ROLES = (
    (("kwh", "电能", "电度", "energy"), "active_energy"), (("功率", "power", "kw"), "active_power"), (("电流", "current"), "current"),
    (("电压", "voltage"), "voltage"), (("温度", "temp", "thermocouple"), "temperature"), (("压力", "pressure"), "pressure"), (("流量", "flow"), "flow"),
    (("振动", "vibration", "accelerometer"), "vibration"), (("转速", "speed", "rpm"), "speed"), (("产量", "计数", "count"), "total_count"),
    (("合格", "good"), "good_count"), (("报警", "alarm"), "alarm"), (("状态", "state"), "state"), (("负载", "load"), "spindle_load"),
)  # fmt: skip
DECIMAL_COMMA = re.compile(r"-?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+")
DECIMAL_POINT = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)\.\d+")
EQUIPMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
GOOD = HistoryMap.model_fields["good"].default
UNIT = re.compile(r"[(\[（【]\s*([^)\]）】]{1,12})\s*[)\]）】]")


def proposed_map(file: Path, timezone: str, equipment: str) -> str:
    """The text of a map for *file* (YAML with comments); ``DefinitionError`` when the file shows no table with a time."""
    _check_options(timezone, equipment)
    encoding, text = _decoded(file)
    separator = max(SEPARATORS, key=lambda sign: _evenness(file, text, sign))
    rows = _rows(file, text, separator)[:400]
    if not rows:
        raise DefinitionError([Problem(file.name, 1, "", N_("is empty"))])
    skip = _rows_above_header(rows)
    header, body = [cell.strip() for cell in rows[skip]], rows[skip + 1 :]
    columns, form = _time_columns(header, body)
    if not columns:
        message = N_("no column looks like a time; write the map by hand (docs: factory-kit import --help)")
        raise DefinitionError([Problem(file.name, skip + 1, "", message)])
    rest = [name for name in header if name and name not in columns]
    roles = {
        kind: _named(rest, words)
        for kind, words in (("name", NAME_WORDS), ("value", VALUE_WORDS), ("quality", QUALITY_WORDS))
    }
    long_layout = bool(roles["name"] and roles["value"])
    names = _distinct(header, body, roles["name"]) if long_layout else rest
    lines = [
        "# Proposed from the file: check every line. / 由文件推测，请逐行核对。",
        "map: 1",
        f"encoding: {'utf-8' if encoding == 'utf-8-sig' else encoding}",
        f"separator: {_quoted(separator)}",
        *_number_signs(header, body, roles["value"] if long_layout else "", separator),
        f"skip_rows: {skip}",
        f"layout: {'long' if long_layout else 'wide'}",
        f"time: {{columns: [{', '.join(map(_quoted, columns))}], format: {_quoted(form)}, timezone: {timezone}}}",
    ]
    if "%d/%m" in form and _fits(_column(body, header.index(columns[0])), form.replace("%d/%m", "%m/%d")):
        lines.append(
            "# 日和月也可能相反 / day and month could be the other way round: " + form.replace("%d/%m", "%m/%d")
        )
    if long_layout:
        lines += [f"{kind}_column: {_quoted(column)}" for kind, column in roles.items() if column]
        lines += _good_line(_distinct(header, body, roles["quality"])) if roles["quality"] else []
    lines.append("points:")
    lines += [
        _point_line(name, identifier, equipment, header, body, wide=not long_layout)
        for name, identifier in _identifiers(names).items()
    ]
    return "\n".join(lines) + "\n"


def _decoded(file: Path) -> tuple[str, str]:
    try:
        with file.open("rb") as stream:
            raw = stream.read(LOOKED_AT)
    except OSError as error:
        raise DefinitionError(
            [Problem(file.name, 0, "", N_("cannot be read ({reason})"), {"reason": error.strerror})]
        ) from error
    whole_lines = raw[: raw.rfind(b"\n") + 1] or raw
    candidates = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS[:2]
    for encoding in candidates:
        try:
            return encoding, (raw if encoding == "utf-16" else whole_lines).decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DefinitionError([Problem(file.name, 0, "", N_("is neither UTF-8 nor GBK; save it again as CSV UTF-8"))])


def _check_options(timezone: str, equipment: str) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            "{name!r} is no time zone of the IANA list, expected one such as Asia/Shanghai", name=timezone
        ) from error
    if not EQUIPMENT.fullmatch(equipment):
        raise UsageError(
            "{name!r} cannot be the name of equipment; use small letters, digits, dots and hyphens, such as line-1",
            name=equipment,
        )


def _rows(file: Path, text: str, sign: str) -> list[list[str]]:
    """The rows of *text* that are not blank; ``DefinitionError`` when it is no table."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign) if row]
    except csv.Error as error:
        message = N_("cannot be read as a table ({reason})")
        raise DefinitionError([Problem(file.name, 0, "", message, {"reason": str(error)})]) from error


def _evenness(file: Path, text: str, sign: str) -> float:
    """How many columns *sign* makes, weighed by how many lines agree on it."""
    widths = [len(row) for row in _rows(file, text, sign)[:200]]
    if not widths:
        return 0.0
    usual = max(set(widths), key=widths.count)
    return widths.count(usual) / len(widths) * (usual > 1) * (1 + usual / 1000)


def _rows_above_header(rows: Sequence[Sequence[str]]) -> int:
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count) if widths else 0
    return next((index for index, width in enumerate(widths) if width == usual), 0)


def _time_columns(header: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[list[str], str]:
    for index, name in enumerate(header):
        for form in TIME_FORMATS:
            if _fits(_column(body, index), form):
                return [name], form
    for index, name in enumerate(header[:-1]):
        for form in DATE_FORMATS:
            for clock in CLOCK_FORMATS if _fits(_column(body, index), form) else ():
                if _fits(_column(body, index + 1), clock):
                    return [name, header[index + 1]], f"{form} {clock}"
    return [], ""


def _fits(cells: Sequence[str], form: str) -> bool:
    """Whether nearly all *cells* have this form: a broken row in the middle must not hide the rest."""
    if not cells:
        return False
    times = pd.to_datetime(pd.Series(cells, dtype="object"), format=form, errors="coerce", utc="%z" in form)
    return bool(times.notna().mean() >= 0.9)


def _column(body: Sequence[Sequence[str]], index: int) -> list[str]:
    return [row[index].strip() for row in body if index < len(row) and row[index].strip()]


def _named(columns: Sequence[str], words: Sequence[str]) -> str:
    return next(
        (
            column
            for column in columns
            if any(column.lower().strip() in (word, f"{word}name", f"{word}_name") for word in words)
        ),
        "",
    )


def _distinct(header: Sequence[str], body: Sequence[Sequence[str]], column: str) -> list[str]:
    return list(dict.fromkeys(_column(body, list(header).index(column))))


def _good_line(seen: Sequence[str]) -> list[str]:
    """Which texts of the quality column mean good: from 192 on where numbers are those of OPC DA, in which 0 is bad."""
    numbers = {text: int(text) for text in seen if text.isdecimal() and text.isascii() and len(text) <= 9}
    classic = [text for text, number in numbers.items() if 192 <= number <= 255]
    good = [*classic, *(text for text in GOOD if not text.isdecimal())] if classic else list(GOOD)
    others = [text for text in seen if text not in good]
    rest = f"  # 其余为坏值 / the others are bad: {', '.join(map(_quoted, others))[:200]}" if others else ""
    return [f"good: [{', '.join(map(_quoted, good))}]{rest}"]


def _number_signs(header: Sequence[str], body: Sequence[Sequence[str]], value_column: str, separator: str) -> list[str]:
    cells = [cell for index, name in enumerate(header) if value_column in ("", name) for cell in _column(body, index)]
    if (
        separator != ","
        and any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
        and not any(DECIMAL_POINT.fullmatch(cell) for cell in cells)
    ):
        dotted = any("." in cell for cell in cells if DECIMAL_COMMA.fullmatch(cell))
        return ['decimal: ","', f'thousands: "{"." if dotted else ""}"']
    grouped = any(re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", cell) for cell in cells)
    return [f'thousands: "{"," if grouped else ""}"']


def _identifiers(names: Sequence[str]) -> dict[str, str]:
    """A point name for each of *names*, none twice; names without a Latin letter or digit are numbered."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for number, name in enumerate(names, 1):
        plain = re.sub(r"[^a-z0-9]+", "_", UNIT.sub("", name).lower()).strip("_")[:48] or f"point_{number}"
        found[name] = plain if plain not in taken else f"{plain}_{number}"
        taken.add(found[name])
    return found


def _point_line(
    name: str, identifier: str, equipment: str, header: Sequence[str], body: Sequence[Sequence[str]], *, wide: bool
) -> str:
    unit = UNIT.search(name)
    role = next((role for words, role in ROLES if any(word in name.lower() for word in words)), "other")
    kind = "" if not wide or _mostly_numbers(_column(body, list(header).index(name))) else ", type: string"
    return f"  - {{column: {_quoted(name)}, equipment: {equipment}, point: {identifier}, role: {role}, unit: {_quoted(unit[1] if unit else '')}{kind}}}"


def _mostly_numbers(cells: Sequence[str]) -> bool:
    plain = pd.Series([cell.replace(",", "") for cell in cells], dtype="object")
    return not cells or bool(pd.to_numeric(plain, errors="coerce").notna().mean() >= 0.5)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a text of JSON is one of YAML
