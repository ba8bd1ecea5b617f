"""Logging in and out, and what everybody may open."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from factory_kit.district.cases import Cases
from factory_kit.web.district.frame import Frame
from factory_kit.web.district.gate import Asked, Gate, Place
from factory_kit.web.district.sessions import Brake, Sessions
from factory_kit.web.district.users import LEAST, LONGEST
from factory_kit.web.guard import Refused

__all__ = ["Entrance"]

QUARTER = 15 * 60 * 1_000_000
HOME = {"provider": "/receipts", "officer": "/queue", "reader": "/dashboard"}


class Entrance:
    """The pages before and around all others."""

    def __init__(self, frame: Frame, sessions: Sessions, gate: Gate, place: Place) -> None:
        self._frame = frame
        self._sessions = sessions
        self._gate = gate
        self._place = place
        now = frame.desk.now
        self._pairs, self._names, self._addresses = (Brake(most, QUARTER, now) for most in (5, 50, 50))
        self._changes = Brake(5, QUARTER, now)

    def login_page(self, asked: Asked) -> Response:
        """Where to log in."""
        return self._login_page(asked, "", 200)

    def login(self, asked: Asked) -> Response:
        """A session for who knows the password; after a few wrong ones a quarter of an hour of waiting."""
        if self._place.header:
            raise Refused(403, "refused.proxy")
        name, address = asked.text("name", 64).lower(), self._place.address(asked.request)
        pair = f"{name}@{address}"
        if self._pairs.waits(pair) or self._names.waits(name) or self._addresses.waits(address):
            return self._login_page(asked, "login.wait", 429)
        user = self._frame.desk.users.logged_in(name, asked.form.get("password", ""))
        if user is None:
            self._pairs.failed(pair)
            self._names.failed(name)
            self._addresses.failed(address)
            self._frame.desk.journal.write("login refused", name, "-", address=address)
            return self._login_page(asked, "login.wrong", 401)
        self._frame.desk.journal.write("login", user.name, user.role, address=address)
        response = RedirectResponse(_inside(asked.form.get("next", "")), 303)
        self._gate.keep(response, self._sessions.begin(user).key)
        return response

    def logout(self, asked: Asked) -> Response:
        """The session is over, here and in the browser."""
        self._sessions.end(asked.key)
        self._frame.desk.journal.write("logout", asked.user.name, asked.user.role)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self._place.cookie, path="/", secure=self._place.secure, httponly=True)
        return response

    def password_page(self, asked: Asked) -> Response:
        """Where users change their own password."""
        return self._password_page(asked, "password.done" if "done" in asked.query else "", 200)

    def change_password(self, asked: Asked) -> Response:
        """A new password for who knows the old one; all other sessions of the user end, this browser begins a new one."""
        if self._place.header:
            raise Refused(403, "refused.proxy")
        user, desk = asked.user, self._frame.desk
        old, new = asked.form.get("old", ""), asked.form.get("new", "")
        if self._changes.waits(user.name):
            return self._password_page(asked, "login.wait", 429)
        if desk.users.logged_in(user.name, old) is None:
            self._changes.failed(user.name)
            desk.journal.write("password refused", user.name, user.role, address=self._place.address(asked.request))
            return self._password_page(asked, "password.wrong", 422)
        wrong = _wrong_password(old, new, asked.form.get("again", ""))
        if wrong:
            return self._password_page(asked, wrong, 422)

        def make(_cases: Cases) -> dict[str, object]:
            if desk.users.active(user.name) is None:
                raise Refused(403, "refused.login")
            desk.users.change_password(user.name, new)
            return {"user": user.name}

        desk.journal.decide("password changed", user.name, user.role, make)
        fresh = desk.users.active(user.name)
        response = RedirectResponse("/password?done=1", 303)
        if fresh is not None:
            self._gate.keep(response, self._sessions.begin(fresh).key)
        return response

    def home(self, asked: Asked) -> Response:
        """The page each role begins with."""
        return RedirectResponse(HOME[asked.user.role], 303)

    def language(self, asked: Asked) -> Response:
        """The other language, on the page where it was asked for."""
        response = self._frame.pages.switch(asked.request)
        response.headers["location"] = _inside(asked.query.get("back", ""))
        return response

    def static(self, asked: Asked) -> Response:
        """Scripts and styles of ours."""
        return self._frame.pages.static(asked.request)

    def _password_page(self, asked: Asked, said: str, status: int) -> Response:
        content = {"said": said, "good": status == 200, "least": LEAST, "header": self._place.header}
        return self._frame.page(asked, "password.html", status, **content)

    def _login_page(self, asked: Asked, wrong: str, status: int) -> Response:
        following = asked.form.get("next") or asked.query.get("next", "")
        content = {"wrong": wrong, "next": _inside(following), "header": self._place.header}
        return self._frame.page(asked, "login.html", status, **content)


def _wrong_password(old: str, new: str, again: str) -> str:
    """Why *new* is no new password; empty when it is one."""
    if new != again:
        return "password.unlike"
    if new == old:
        return "password.same"
    return "" if LEAST <= len(new) <= LONGEST else "password.length"


def _inside(path: str) -> str:
    """*path* when it is one of ours, else the first page: nobody is sent elsewhere."""
    if (
        not path.isprintable()
        or not path.isascii()
        or "\\" in path
        or path.startswith("//")
        or not path.startswith("/")
    ):
        return "/"
    return path
