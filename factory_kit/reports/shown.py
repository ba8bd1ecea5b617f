"""Numbers, dates and hashes as readers expect them; nothing is shown better than it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date

from factory_kit.i18n import Language
from factory_kit.model.evidence import decimal_text

__all__ = ["DASH", "Rounding", "day", "days", "moment", "number", "percent", "percent_range", "short"]

DASH = "—"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCALES = {"zh": "zh_CN", "en": "en_GB"}
Rounding = Literal["nearest", "down", "up"]


def number(value: Fraction | None, places: int = 2, rounding: Rounding = "nearest") -> str:
    """*value* with exactly *places* decimals; a dash where there is none."""
    if value is None:
        return DASH
    text = decimal_text(value, rounding, places)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(places, '0')}" if places else whole


def percent(value: Fraction | None, rounding: Rounding = "nearest") -> str:
    """A share as per cent with one decimal."""
    return DASH if value is None else f"{number(value * 100, 1, rounding)}%"


def percent_range(lower: Fraction | None, upper: Fraction | None) -> str:
    """Bounds as per cent, the lower rounded down and the upper up."""
    return DASH if lower is None or upper is None else f"{percent(lower, 'down')} – {percent(upper, 'up')}"


def day(value: date, language: Language) -> str:
    """2026年9月1日, 1 September 2026."""
    return format_date(value, "long", locale=LOCALES[language])


def days(first: date, last: date, language: Language) -> str:
    """A period of days, both included."""
    if first == last:
        return day(first, language)
    return f"{day(first, language)} – {day(last, language)}"


def moment(microseconds: int, zone: str, language: Language) -> str:
    """A moment to the minute in the plant's zone, with its offset."""
    local = (EPOCH + timedelta(microseconds=microseconds)).astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{day(local.date(), language)} {local:%H:%M} (UTC{offset[:3]}:{offset[3:]})"


def short(sha256: str) -> str:
    """The first twelve digits of a hash: enough to find a file, the whole one stands in it."""
    return sha256[:12]
