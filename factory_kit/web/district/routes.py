"""Every address of the district's pages, in one table: method, who may, whether it writes; nothing is served that does not stand here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from factory_kit.web.district.users import Role

__all__ = ["RULES", "Rule"]

FORM = 32 << 10
"""Bytes of the largest form."""

ANYBODY: frozenset[Role] = frozenset()
PROVIDER, OFFICER, READER = (frozenset[Role]([role]) for role in ("provider", "officer", "reader"))
SENDERS, INSIDE, ALL = PROVIDER | OFFICER, OFFICER | READER, PROVIDER | OFFICER | READER


@dataclass(frozen=True)
class Rule:
    """One address: what answers (room and method), for which roles; ``open`` ones need no log-in."""

    method: Literal["GET", "POST"]
    path: str
    does: str
    roles: frozenset[Role]
    body: Literal["none", "form", "stream"] = "none"
    """A form is read, with its CSRF token, before anything is done; a stream brings the token in a header."""

    @property
    def open(self) -> bool:
        """Whether somebody who is not logged in gets an answer."""
        return not self.roles

    @property
    def csrf(self) -> bool:
        """Whether the request must prove that it comes from a page of ours."""
        return self.method == "POST"


def _get(path: str, does: str, roles: frozenset[Role]) -> Rule:
    return Rule("GET", path, does, roles)


def _post(path: str, does: str, roles: frozenset[Role], body: Literal["form", "stream"] = "form") -> Rule:
    return Rule("POST", path, does, roles, body)


RULES: tuple[Rule, ...] = (
    _get("/login", "entrance.login_page", ANYBODY),
    _post("/login", "entrance.login", ANYBODY),
    _get("/language", "entrance.language", ANYBODY),
    _get("/static/{name}", "entrance.static", ANYBODY),
    _get("/", "entrance.home", ALL),
    _post("/logout", "entrance.logout", ALL),
    _get("/password", "entrance.password_page", ALL),
    _post("/password", "entrance.change_password", ALL),
    _get("/upload", "sender.upload_page", SENDERS),
    _post("/uploads", "sender.upload", SENDERS, "stream"),
    _get("/receipts", "sender.receipts", SENDERS),
    _get("/receipts/{number}", "sender.receipt", SENDERS),
    _get("/receipts/{number}/file", "sender.receipt_file", SENDERS),
    _get("/letters/{kind}", "sender.letter", SENDERS),
    _get("/objections", "sender.objections", SENDERS),
    _post("/receipts/{number}/objections", "sender.object", SENDERS),
    _get("/queue", "reviewer.queue", OFFICER),
    _post("/receipts/{number}/review", "reviewer.review", OFFICER),
    _post("/receipts/{number}/erase", "reviewer.erase", OFFICER),
    _post("/objections/{number}/decision", "reviewer.decide", OFFICER),
    _get("/plants", "reviewer.plants", OFFICER),
    _get("/plants/{code}/{site}", "reviewer.plant", OFFICER),
    _get("/bundles/{sha256}", "reviewer.bundle", OFFICER),
    _get("/retention", "reviewer.retention", OFFICER),
    _get("/audit", "reviewer.audit", OFFICER),
    _get("/check", "reviewer.check", OFFICER),
    _get("/dashboard", "numbers.dashboard", INSIDE),
    _get("/targets", "numbers.targets", INSIDE),
    _get("/publish", "numbers.releases", INSIDE),
    _post("/publish", "numbers.publish", OFFICER),
    _get("/published/{number}/{file}", "numbers.released", INSIDE),
)
