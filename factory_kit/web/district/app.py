"""The district's pages as a web application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

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
from factory_kit.web.guard import App, Guard
from factory_kit.web.pages import Pages, handlers

__all__ = ["create_app"]


def create_app(
    desk: Desk, place: Place, hosts: Collection[str], usual: Language, snapshots: Snapshots | None = None
) -> App:
    """The application for *desk* at *place*, answering to *hosts*; pages are in *usual* until the reader chooses, figures from *snapshots*."""
    pages = Pages("factory_kit.web.district", "district", usual)
    sessions = Sessions(desk.users, desk.now)
    gate = Gate(pages, desk.users, sessions, place)
    frame, figures = Frame(desk, pages), snapshots or Snapshots(desk)
    rooms: Mapping[str, object] = {
        "entrance": Entrance(frame, sessions, gate, place),
        "sender": Sender(frame),
        "reviewer": Reviewer(frame, figures),
        "numbers": Numbers(frame, figures),
    }
    routes = [Route(rule.path, gate.endpoint(rule, _found(rooms, rule)), methods=[rule.method]) for rule in RULES]
    return Guard(Starlette(routes=routes, exception_handlers=handlers(pages)), hosts)


def _found(rooms: Mapping[str, object], rule: Rule) -> Callable[..., Any]:
    """The method that answers under *rule*."""
    room, _, name = rule.does.partition(".")
    found: Callable[..., Any] = getattr(rooms[room], name)
    return found
