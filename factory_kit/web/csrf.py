"""Writes come from our own pages: a token that only they know, and the browser's own word for where a request came from."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request

from factory_kit.web.guard import Refused

__all__ = ["HEADER", "check_write", "same", "token_of"]

HEADER = "x-csrf-token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def token_of(session: str) -> str:
    """The token that pages of *session* send along with every write."""
    return hmac.new(session.encode(), b"factory-kit csrf", hashlib.sha256).hexdigest()


def check_write(request: Request, session: str) -> None:
    """``Refused`` for a write that does not come from a page of *session* of our own."""
    if request.method in READING:
        return
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.headers['host']}":
        raise Refused(403, "refused.foreign")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused(403, "refused.foreign")
    if not same(request.headers.get(HEADER, ""), token_of(session)):
        raise Refused(403, "refused.foreign")


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal; how long it takes tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
