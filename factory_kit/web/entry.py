"""The way in for one person at this computer: a link with a secret, exchanged for a cookie that no script and no other site can use."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from factory_kit.web.csrf import check_write, same, token_of
from factory_kit.web.guard import App, Receive, Refused, Scope, Send
from factory_kit.web.pages import Pages

__all__ = ["ENTER", "Door", "Entry"]

ENTER = "/enter"


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Entry:
    """The secret of the link, the value of the cookie, and the name of the cookie, which other servers of this computer do not share."""

    port: int
    token: str = field(default_factory=_secret, repr=False)
    session: str = field(default_factory=_secret, repr=False)

    @property
    def cookie(self) -> str:
        """Cookies do not tell ports apart, so the name does."""
        return f"factory_kit_{self.port}"

    @property
    def path(self) -> str:
        """The link, without the name of the host."""
        return f"{ENTER}?token={self.token}"

    @property
    def csrf(self) -> str:
        """What pages send along with every write."""
        return token_of(self.session)

    def open(self, request: Request) -> Response:
        """Who brings the token gets the cookie; ``Refused`` otherwise."""
        if not same(request.query_params.get("token", ""), self.token):
            raise Refused(403, "refused.token")
        response = RedirectResponse("/", 303)
        response.set_cookie(self.cookie, self.session, httponly=True, samesite="strict", path="/")
        return response

    def check(self, request: Request) -> None:
        """``Refused`` for whoever did not come in by the link, and for writes that are not of our pages."""
        if not same(request.cookies.get(self.cookie, ""), self.session):
            raise Refused(403, "refused.token")
        check_write(request, self.session)


class Door:
    """*app* behind *entry*; the paths *free* are open, since they hold nothing of the plant."""

    def __init__(self, app: App, entry: Entry, pages: Pages, free: Collection[str]) -> None:
        self._app = app
        self._entry = entry
        self._pages = pages
        self._free = tuple(free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request."""
        request = Request(scope, receive)
        try:
            if request.url.path == ENTER and request.method == "GET":
                await self._entry.open(request)(scope, receive, send)
                return
            if not request.url.path.startswith(self._free):
                self._entry.check(request)
        except Refused as refused:
            await self._pages.refused(request, refused)(scope, receive, send)
            return
        await self._app(scope, receive, send)
