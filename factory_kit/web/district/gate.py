"""The one way in: who asks, whether the role may, whether a write comes from a page of ours; then the answer is made beside the loop."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from factory_kit.i18n import Language
from factory_kit.web.csrf import HEADER, same, token_of
from factory_kit.web.district.routes import FORM, Rule
from factory_kit.web.district.sessions import Session, Sessions
from factory_kit.web.district.users import User, Users
from factory_kit.web.guard import Refused, body_of
from factory_kit.web.pages import Pages

__all__ = ["Asked", "Gate", "Place"]

MOST_FIELDS = 50
REFERRER = "same-origin"
"""Forms are sent by the browser itself, which names no origin where referrers are forbidden; other sites still learn nothing."""
GUEST = "guest"


@dataclass(frozen=True)
class Place:
    """Where the pages are for browsers: *origins* they come from, and whether only over TLS; *header* and *proxies* name who logs in for us."""

    origins: tuple[str, ...]
    port: int
    secure: bool = False
    header: str = ""
    """The header in which a reverse proxy says who it let in; empty: we ask for passwords."""
    proxies: tuple[str, ...] = ()
    """Addresses of reverse proxies whose headers are believed; nobody else's are."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie: with TLS one that only this host over TLS can set."""
        return "__Host-district" if self.secure else f"district_{self.port}"

    def trusts(self, request: Request) -> bool:
        """Whether the request comes straight from one of the proxies."""
        peer = request.client.host if request.client else ""
        return peer in self.proxies

    def address(self, request: Request) -> str:
        """Whose request it is: the peer, or what a trusted proxy says in the last place; IPv6 by the /64 a customer is given."""
        found = request.client.host if request.client else ""
        if self.trusts(request):
            found = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or found
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            return "unknown"
        return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


@dataclass(frozen=True)
class Asked:
    """One request after the gate."""

    request: Request
    language: Language
    key: str
    """The secret of the browser: of the session, or of a guest."""
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def csrf(self) -> str:
        """What pages of this browser send along with every write."""
        return token_of(self.key)

    @property
    def user(self) -> User:
        """Who asks; ``Refused`` for a guest."""
        if self.session is None:
            raise Refused(401, "refused.login")
        return self.session.user

    @property
    def query(self) -> Mapping[str, str]:
        """The words after the question mark."""
        return self.request.query_params

    def text(self, name: str, longest: int = 4000) -> str:
        """A field of the form, without the spaces around it; ``Refused`` when it is longer."""
        found = self.form.get(name, "").strip()
        if len(found) > longest:
            raise Refused(413, "refused.too_long")
        return found

    def number(self, name: str) -> int:
        """A whole number of the path; ``Refused`` as nothing there when it is none."""
        found = str(self.request.path_params[name])
        if not found.isascii() or not found.isdecimal() or len(found) > 12:
            raise Refused(404, "refused.nothing")
        return int(found)


Answer = Callable[[Asked], Any]
"""A response, or for a stream one to be waited for."""


class Gate:
    """Makes endpoints of answers, each behind its rule."""

    def __init__(self, pages: Pages, users: Users, sessions: Sessions, place: Place) -> None:
        self._pages = pages
        self._users = users
        self._sessions = sessions
        self._place = place

    def endpoint(self, rule: Rule, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """What answers requests under *rule*."""

        async def asked(request: Request) -> Response:
            session, key = self._who(request), request.cookies.get(self._place.cookie, "")
            if session is not None:
                key = session.key
            if not rule.open:
                if session is None:
                    return self._stranger(request)
                if session.user.role not in rule.roles:
                    raise Refused(403, "refused.role")
            form = _form(await body_of(request, FORM)) if rule.body == "form" else {}
            if rule.csrf:
                self._check(request, key, form.get("csrf", "") or request.headers.get(HEADER, ""))
            known = Asked(request, self._pages.language(request), key or secrets.token_urlsafe(32), session, form)
            made: Response | Awaitable[Response] = (
                answer(known) if rule.body == "stream" else await run_in_threadpool(answer, known)
            )
            response = made if isinstance(made, Response) else await made
            response.headers["referrer-policy"] = REFERRER
            fresh = known.key != request.cookies.get(self._place.cookie, "")
            if fresh and (session is not None or rule.path == "/login") and rule.path != "/logout":
                self.keep(response, known.key)
            return response

        return asked

    def keep(self, response: Response, key: str) -> None:
        """The browser keeps *key* for this host, out of reach of scripts and of writes from elsewhere."""
        response.set_cookie(self._place.cookie, key, httponly=True, samesite="lax", path="/", secure=self._place.secure)

    def _who(self, request: Request) -> Session | None:
        """The session of *request*; behind a proxy that logs in, only as long as it names the same user."""
        session = self._sessions.find(request.cookies.get(self._place.cookie, ""))
        if not self._place.header:
            return session
        if not self._place.trusts(request):
            return None
        named = request.headers.getlist(self._place.header)
        user = self._users.active(named[0].strip().lower()) if len(named) == 1 else None
        if user is None:
            return None
        return session if session is not None and session.user.name == user.name else self._sessions.begin(user)

    def _stranger(self, request: Request) -> Response:
        """The page to log in at, for people; a refusal for scripts."""
        if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", ""):
            if self._place.header:
                raise Refused(403, "refused.proxy")
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"/login?next={quote(request.url.path + query, safe='')}", 303)
        return JSONResponse({"message": self._pages.words(self._pages.language(request))("refused.login")}, 401)

    def _check(self, request: Request, key: str, token: str) -> None:
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._place.origins:
            raise Refused(403, "refused.foreign")
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise Refused(403, "refused.foreign")
        if not key or not same(token, token_of(key)):
            raise Refused(403, "refused.foreign")


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; the first of a name counts."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:  # also no UTF-8
        raise Refused(400, "refused.malformed") from error
    return dict(reversed(pairs))
