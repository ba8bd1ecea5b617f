"""What a kilowatt-hour costs at which hour: the user's tariff with peak and valley hours, dated and with its source.

Tariff periods change by season and decree, so none is shipped as valid: ``tariff.yaml`` in the workspace holds the plant's own.
Every minute of the day has exactly one price, every day from the first to the last exactly one season; else the file is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from factory_kit.diagnose.energy import HOUR, Register
from factory_kit.diagnose.stretches import Spans, shared
from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.kpi.calendar import local_date, local_midnight
from factory_kit.kpi.timemodel import Stretch
from factory_kit.load.checked import problems_of
from factory_kit.load.document import Document, Path_, dotted, read_yaml
from factory_kit.model.definition import Definition, ExactNumber, Identifier, LaxDate, LaxTime, Source, Text, exact

__all__ = ["TARIFF_FILE", "Hours", "Priced", "Season", "Tariff", "cost", "priced", "tariff_file"]

TARIFF_FILE = "tariff.yaml"
DAY = 24 * 60
"""Minutes."""
ONE_DAY = timedelta(days=1)


class Hours(Definition):
    """A part of the day with one price; ``until`` not after ``from`` lies on the next day."""

    start: LaxTime = Field(alias="from")
    until: LaxTime
    price: Identifier


class Season(Definition):
    """Prices from a day to a day, both included, and when each holds; plant's local time."""

    start: LaxDate = Field(alias="from")
    until: LaxDate
    source: Source
    prices: dict[Identifier, ExactNumber] = Field(min_length=1)
    """Yuan per kWh, by the names that ``hours`` use; negative prices exist on spot markets."""
    hours: Annotated[tuple[Hours, ...], Field(min_length=1)]


class Tariff(Definition):
    """The user's file ``tariff.yaml``."""

    tariff: Literal[1]
    name: Text
    seasons: Annotated[tuple[Season, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Priced:
    """A stretch of one price, yuan per kWh."""

    start: int
    end: int
    kind: str
    yuan: Fraction


def tariff_file(path: Path) -> Tariff:
    """The tariff in *path*; ``DefinitionError`` with every hole, overlap and other mistake, each with its line."""
    document = read_yaml(path, path.name)
    problems: list[Problem] = []
    found = None
    try:
        found = Tariff.model_validate(document.content)
    except ValidationError as error:
        problems += problems_of(error, document, Tariff)
    seasons = _readable(document)
    problems += _between_seasons(document, seasons, found is not None)
    for number, season in seasons:
        problems += _of_day(document, number, season)
    if problems or found is None:
        raise DefinitionError(problems)
    return found


def _readable(document: Document) -> list[tuple[int, Season]]:
    """The seasons that can be read by themselves: a mistake in another one, or above them, does not hide their holes."""
    content = document.content if isinstance(document.content, dict) else {}
    written = content.get("seasons")
    found = []
    for number, season in enumerate(written if isinstance(written, tuple) else ()):
        with suppress(ValidationError):
            found.append((number, Season.model_validate(season)))
    return found


def priced(tariff: Tariff, zone: str, window: Stretch) -> list[Priced]:
    """The parts of *window* that the tariff has a price for, in order; days outside its seasons are missing."""
    found: list[Priced] = []
    day, last = local_date(window.start, zone), local_date(window.end - 1, zone)
    while day <= last:
        season = next((each for each in tariff.seasons if each.start <= day <= each.until), None)
        found += _day_priced(season, day, zone) if season else []
        day += ONE_DAY
    cut = (
        Priced(max(each.start, window.start), min(each.end, window.end), each.kind, each.yuan)
        for each in found
        if each.start < window.end and each.end > window.start
    )
    return [each for each in cut if each.end > each.start]


def cost(tariff: Tariff, zone: str, register: Register, parts: Sequence[Spans], less_kw: float = 0.0) -> float | None:
    """Yuan for the energy of *parts* above *less_kw*, each hour at its own price; None where a part has no price."""
    inside = register.inside(parts)
    if not inside:
        return None
    window = Stretch(inside[0].start, inside[-1].end)
    paid, total = 0, 0.0
    for piece in priced(tariff, zone, window):
        here = shared(inside, [piece])
        time = sum(part.length for part in here)
        paid += time
        total += float(piece.yuan) * (register.kwh(here) - less_kw * time / HOUR)
    return total if paid == sum(part.length for part in inside) else None


def _day_priced(season: Season, day: date, zone: str) -> Iterator[Priced]:
    """The prices of the local *day*; a clock that is changed makes its hour shorter or longer, never doubled or lost."""
    cuts = sorted({0, *(edge for hours in season.hours for edge in (_minute(hours.start), _minute(hours.until)))})
    moments = [*(_moment(day, minute, zone) for minute in cuts), local_midnight(day + ONE_DAY, zone)]
    for minute, (start, end) in zip(cuts, pairwise(moments), strict=True):
        kind = next(hours.price for hours in season.hours if minute in _minutes(hours))
        if end > start:
            yield Priced(start, end, kind, exact(season.prices[kind]))


def _moment(day: date, minute: int, zone: str) -> int:
    wall = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    return (wall.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _minutes(hours: Hours) -> set[int]:
    start, until = _minute(hours.start), _minute(hours.until)
    return {minute % DAY for minute in range(start, until if until > start else until + DAY)}


def _between_seasons(document: Document, seasons: Sequence[tuple[int, Season]], every: bool) -> Iterator[Problem]:
    """Seasons that end before they begin, overlap, or, where *every* one could be read, leave days between them without a price."""
    for number, season in seasons:
        if season.until < season.start:
            yield _problem(document, ("seasons", number, "until"), N_("lies before from"))
    ordered = sorted(seasons, key=lambda each: each[1].start)
    for (_, before), (number, season) in pairwise(ordered):
        place: Path_ = ("seasons", number, "from")
        if season.start <= before.until:
            text = N_("this season begins before another one ends on {day}; every day needs exactly one price")
            yield _problem(document, place, text, day=before.until)
        elif every and season.start > before.until + ONE_DAY:
            text = N_("no season holds from {first} to {last}; every day needs exactly one price")
            yield _problem(document, place, text, first=before.until + ONE_DAY, last=season.start - ONE_DAY)


def _of_day(document: Document, number: int, season: Season) -> Iterator[Problem]:
    """Hours without a price, with two, with one that is not named, or finer than a minute."""
    seen: dict[int, int] = {}
    for at, hours in enumerate(season.hours):
        place: Path_ = ("seasons", number, "hours", at)
        if hours.price not in season.prices:
            text = N_("{price!r} is none of the prices of this season: {known}")
            yield _problem(document, (*place, "price"), text, price=hours.price, known=", ".join(season.prices))
        if hours.start.second or hours.until.second or hours.start.microsecond or hours.until.microsecond:
            yield _problem(document, place, N_("is finer than a minute, expected hh:mm"))
        twice = sorted(minute for minute in _minutes(hours) if minute in seen)
        if twice:
            text = N_("overlaps with line {other} at {at}; every minute needs exactly one price")
            other = document.line(("seasons", number, "hours", seen[twice[0]]))
            yield _problem(document, place, text, other=other, at=_shown(twice[0]))
        seen.update(dict.fromkeys(_minutes(hours), at))
    missing = sorted(set(range(DAY)) - seen.keys())
    if missing:
        until = next((minute for minute in range(missing[0], DAY) if minute in seen), DAY)
        text = N_("no price from {start} to {end}; every minute needs exactly one price")
        place = ("seasons", number, "hours")
        yield _problem(document, place, text, start=_shown(missing[0]), end=_shown(until))


def _shown(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _problem(document: Document, place: Path_, text: str, **details: object) -> Problem:
    return Problem(document.name, document.line(place), dotted(place), text, details)
