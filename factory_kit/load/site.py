"""The site file with all its mistakes, also those between its parts and against the connectors it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations
from pathlib import Path

from pydantic import ValidationError

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import problems_of
from factory_kit.load.connector import named_connectors
from factory_kit.load.document import Document, Path_, dotted, read_yaml
from factory_kit.model.connector import Connector
from factory_kit.model.site import WEEK, Shift, Site

__all__ = ["site_file"]

DAY = 24 * 60
"""Minutes."""


def site_file(path: Path, connector_folders: Sequence[Path]) -> tuple[Site, dict[str, Connector]]:
    """The site in *path* and the connectors it uses, by name; ``DefinitionError`` with the mistakes of all files."""
    document = read_yaml(path, path.name)
    problems: list[Problem] = []
    site = None
    try:
        site = Site.model_validate(document.content)
    except ValidationError as error:
        problems += problems_of(error, document, Site)
    connectors: dict[str, Connector] = {}
    try:
        connectors = named_connectors(_connector_names(document), connector_folders)
    except DefinitionError as error:
        problems += error.problems
    known = {name: connectors.get(name) for name in _connector_names(document)}
    if not any(problem.file.startswith("connectors/") for problem in problems):
        problems += _between_parts(document, known)
    if site is not None:
        problems += _overlapping_shifts(document, site.calendar.shifts)
    if problems or site is None:
        raise DefinitionError(problems)
    return site, connectors


def _between_parts(document: Document, connectors: Mapping[str, Connector | None]) -> Iterator[Problem]:
    """Mistakes that show only when two parts are held together."""
    content = document.content if isinstance(document.content, dict) else {}
    servers = content.get("servers")
    servers = servers if isinstance(servers, dict) else {}
    first_at: dict[object, int] = {}
    for index, item in _equipment(document):
        place: Path_ = ("equipment", index)
        line = document.line((*place, "id"))
        if item.get("id") in first_at:
            yield _problem(
                document,
                (*place, "id"),
                N_("{id!r} is given twice (first on line {first})"),
                id=item["id"],
                first=first_at[item["id"]],
            )
        first_at.setdefault(item.get("id"), line)
        server = item.get("server")
        if isinstance(server, str) and server not in servers:
            yield _problem(
                document, (*place, "server"), N_("{server!r} is not one of the servers of this file"), server=server
            )
        yield from _against_connector(document, place, item, servers.get(server), connectors)
    yield from _wrongly_fed(document, set(first_at))
    yield from _wrong_operations(document, set(first_at))


def _wrongly_fed(document: Document, ledger: AbstractSet[object]) -> Iterator[Problem]:
    for index, item in _equipment(document):
        feeds = item.get("feeds")
        for position, fed in enumerate(feeds if isinstance(feeds, tuple) else ()):
            place: Path_ = ("equipment", index, "feeds", position)
            if fed == item.get("id"):
                yield _problem(document, place, N_("a meter does not feed itself"))
            elif fed not in ledger:
                yield _problem(document, place, N_("{fed!r} is no equipment of this file"), fed=fed)


def _wrong_operations(document: Document, ledger: AbstractSet[object]) -> Iterator[Problem]:
    content = document.content if isinstance(document.content, dict) else {}
    found = content.get("operations")
    seen: set[object] = set()
    for index, item in enumerate(found if isinstance(found, tuple) else ()):
        if not isinstance(item, dict):
            continue
        if item.get("id") in seen:
            yield _problem(document, ("operations", index, "id"), N_("{id!r} is given twice"), id=item.get("id"))
        seen.add(item.get("id"))
        machines = item.get("equipment")
        for position, machine in enumerate(machines if isinstance(machines, tuple) else ()):
            if machine not in ledger:
                place: Path_ = ("operations", index, "equipment", position)
                yield _problem(document, place, N_("{fed!r} is no equipment of this file"), fed=machine)


def _overlapping_shifts(document: Document, shifts: Sequence[Shift]) -> Iterator[Problem]:
    """Two shifts that share a minute of the week, each pair once, at the later one of the file."""
    times = [
        {(WEEK.index(day) * DAY + minute) % (7 * DAY) for day in shift.days for minute in _minutes(shift)}
        for shift in shifts
    ]
    for (first, earlier), (second, later) in combinations(enumerate(times), 2):
        if earlier & later:
            message = N_(
                "overlaps with calendar.shifts[{other}]; planned time would count twice, so let one end where the other begins"
            )
            yield _problem(document, ("calendar", "shifts", second), message, other=first)


def _minutes(shift: Shift) -> range:
    start, end = (moment.hour * 60 + moment.minute for moment in (shift.start, shift.end))
    return range(start, end if end > start else end + DAY)


def _against_connector(
    document: Document,
    place: Path_,
    item: Mapping[str, object],
    server: object,
    connectors: Mapping[str, Connector | None],
) -> Iterator[Problem]:
    name = item.get("connector")
    if not isinstance(name, str):
        return
    connector = connectors.get(name)
    if connector is None:
        yield _problem(
            document, (*place, "connector"), N_("there is no connector {name!r}; see factory-kit connectors"), name=name
        )
        return
    driver = server.get("driver") if isinstance(server, dict) else connector.driver
    if driver != connector.driver:
        message = N_("connector {name!r} speaks {speaks}, the server {driver}")
        yield _problem(document, (*place, "connector"), message, name=name, speaks=connector.driver, driver=driver)
    if connector.driver == "modbus" and item.get("unit") is None:
        yield _problem(document, place, N_("a Modbus device needs its unit (1 to 247; 255 for a device without)"))
    names = {point.name for point in connector.points}
    without = item.get("without")
    for position, point in enumerate(without if isinstance(without, tuple) else ()):
        if point not in names:
            message = N_("connector {name!r} has no point {point!r}")
            yield _problem(document, (*place, "without", position), message, name=name, point=point)


def _equipment(document: Document) -> list[tuple[int, dict[str, object]]]:
    content = document.content if isinstance(document.content, dict) else {}
    items = content.get("equipment")
    return [
        (index, item) for index, item in enumerate(items if isinstance(items, tuple) else ()) if isinstance(item, dict)
    ]


def _connector_names(document: Document) -> list[str]:
    return [str(item["connector"]) for _, item in _equipment(document) if isinstance(item.get("connector"), str)]


def _problem(document: Document, path: Path_, message: str, **details: object) -> Problem:
    return Problem(document.name, document.line(path), dotted(path), message, details)
