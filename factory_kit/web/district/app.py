"""The district's pages as a web application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from factory_kit.errors import FactoryKitError
from factory_kit.i18n import Language
from factory_kit.web.district.desk import Desk
from factory_kit.web.district.entrance import Entrance
from factory_kit.web.district.frame import Frame
from factory_kit.web.district.gate import Gate, Place
from factory_kit.web.district.numbers import Numbers
from factory_kit.web.district.reviewer import Reviewer
from factory_kit.web.district.routes import RULES, Rule
from factory_kit.web.district.sender import Sender
from factory_kit.web.district.sessions import Sessions
from factory_kit.web.district.snapshot import Snapshots
from factory_kit.web.guard import App, Guard, Refused
from factory_kit.web.pages import Pages

__all__ = ["create_app"]


def create_app(desk: Desk, place: Place, hosts: Collection[str], usual: Language) -> App:
    """The application for *desk* at *place*, answering to *hosts*; pages are in *usual* until the reader chooses."""
    pages = Pages("factory_kit.web.district", "district", usual)
    sessions = Sessions(desk.users, desk.now)
    gate = Gate(pages, desk.users, sessions, place)
    frame, snapshots = Frame(desk, pages), Snapshots(desk)
    rooms: Mapping[str, object] = {
        "entrance": Entrance(frame, sessions, gate, place),
        "sender": Sender(frame),
        "reviewer": Reviewer(frame, snapshots),
        "numbers": Numbers(frame, snapshots),
    }
    routes = [Route(rule.path, gate.endpoint(rule, _found(rooms, rule)), methods=[rule.method]) for rule in RULES]
    return Guard(Starlette(routes=routes, exception_handlers=_handlers(pages)), hosts)


def _found(rooms: Mapping[str, object], rule: Rule) -> Callable[..., Any]:
    """The method that answers under *rule*."""
    room, _, name = rule.does.partition(".")
    found: Callable[..., Any] = getattr(rooms[room], name)
    return found


def _handlers(pages: Pages) -> dict[type[Exception], Callable[..., Awaitable[Response]]]:
    """Every error that was foreseen becomes one sentence."""

    async def refused(request: Request, error: Refused) -> Response:
        return pages.refused(request, error)

    async def failed(request: Request, error: FactoryKitError) -> Response:
        return pages.failed(request, error)

    async def no_route(request: Request, error: HTTPException) -> Response:
        key = "refused.nothing" if error.status_code == 404 else "refused.malformed"
        return pages.refused(request, Refused(error.status_code, key))

    async def disk(request: Request, _error: OSError) -> Response:
        return pages.refused(request, Refused(503, "refused.disk"))

    return {Refused: refused, FactoryKitError: failed, HTTPException: no_route, OSError: disk}
