"""What holds for every page we serve: known host names only, headers that forbid what pages do not need, bodies with an end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

__all__ = ["HEADERS", "App", "Guard", "Refused", "body_of"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS: dict[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()",
    "cache-control": "no-store",
}
"""Sent with every answer, unless the answer says otherwise itself. No script and no style stands in a page."""
MISDIRECTED = 421


class Refused(Exception):
    """A request that is answered with *status* and a key of the page's texts."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key


class Guard:
    """*app* behind the checks that need no session.

    *hosts* are the values of ``Host`` that are meant for us; another one is a name that somebody made point here (DNS rebinding).
    """

    def __init__(self, app: App, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request."""
        if scope["type"] != "http":  # we speak no WebSocket; uvicorn is told so too
            return
        named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1 or named[0] not in self._hosts:
            await PlainTextResponse("unknown host", MISDIRECTED)(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))


async def body_of(request: Request, most: int) -> bytes:
    """The body of *request*; ``Refused`` when it has more than *most* bytes, without reading on."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise Refused(413, "refused.too_large")
            parts.append(part)
    except ClientDisconnect as gone:
        raise Refused(400, "refused.malformed") from gone
    return b"".join(parts)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            ours = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in names]
            message = {**message, "headers": [*given, *ours]}
        await send(message)

    return sending
