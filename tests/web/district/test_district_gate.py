"""Only who may gets in: every address without log-in and with every wrong role, sessions that end, guessing that is slowed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from factory_kit.district.journal import Journal
from factory_kit.district.office import Office
from factory_kit.errors import UsageError
from factory_kit.web.district.entrance import _inside
from factory_kit.web.district.gate import Place
from factory_kit.web.district.routes import RULES, Rule
from factory_kit.web.district.sessions import ABSOLUTE, IDLE, Brake, Sessions
from factory_kit.web.district.users import ROLES, User, Users, hashed
from factory_kit.web.guard import HEADERS

from .conftest import Person

pytestmark = pytest.mark.wire

NAMES = {"provider": "jia", "officer": "li", "reader": "wang"}
CLOSED = [rule for rule in RULES if not rule.open]
MINUTE = 60_000_000
EXAMPLES = {
    "number": "1",
    "name": "shared.css",
    "file": "data.json",
    "code": "913101170000000000",
    "site": "01",
    "sha256": "0" * 64,
}


def address(rule: Rule) -> str:
    """An address of the rule as somebody may type it."""
    return re.sub(r"\{(\w+)\}", lambda found: EXAMPLES.get(found[1], "1"), rule.path)


@pytest.fixture(scope="module")
def people(district: Any) -> dict[str, Any]:
    """One of each role, logged in."""
    return {role: district.person(name) for role, name in NAMES.items()}


@pytest.mark.parametrize("rule", CLOSED, ids=lambda rule: f"{rule.method} {rule.path}")
def test_without_log_in_nothing_opens(district: Any, people: dict[str, Any], rule: Rule) -> None:
    """No address answers somebody who is not logged in, whatever cookie comes along; a page leads to the log-in."""
    stranger = type(people["officer"])(district.port)
    for cookie in ("", f"district_{district.port}={'A' * 43}"):
        assert stranger.ask(rule.method, address(rule), Cookie=cookie).status == 401
    if rule.method == "GET":
        led = stranger.get(address(rule))
        assert (led.status, led.headers["location"][:12]) == (303, "/login?next=")


@pytest.mark.parametrize("rule", CLOSED, ids=lambda rule: f"{rule.method} {rule.path}")
def test_the_wrong_role_is_refused(people: dict[str, Any], rule: Rule) -> None:
    """Every role that the table does not name gets 403, with a right token too."""
    wrong = [role for role in ROLES if role not in rule.roles]
    body = b"" if rule.csrf else None

    assert {people[role].ask(rule.method, address(rule), body).status for role in wrong} <= {403}
    assert len(wrong) + len(rule.roles) == len(ROLES)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.csrf and rule.path != "/logout"], ids=lambda rule: rule.path
)
def test_a_write_needs_the_token_of_our_page(people: dict[str, Any], rule: Rule) -> None:
    """Without the token, with a wrong one, or from another site: refused, for who may write too."""
    person = people[next(iter(sorted(rule.roles or {"officer"})))]
    wrong: tuple[dict[str, str], ...] = (
        {"X_CSRF_Token": ""}, {"X_CSRF_Token": "0" * 64}, {"Origin": "http://evil.example"}, {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
    )  # fmt: skip
    assert {person.ask("POST", address(rule), b"", **headers).status for headers in wrong} == {403}


def test_people_change_their_own_password(district: Any) -> None:
    """With the old one only; this browser stays logged in under a new session, all others are out; the journal says so."""
    users = Users(district.office.path)
    users.add(User("chen", "reader", hashed("the first long one")))
    here, elsewhere = Person(district.port, "chen"), Person(district.port, "chen")
    assert [each.log_in("the first long one").status for each in (here, elsewhere)] == [303, 303]
    before, second = here.cookie, "the second long one"

    for fields, said in (
        ({"old": "a wrong long one", "new": second, "again": second}, "not the password until now"),
        ({"old": "the first long one", "new": second, "again": second + "x"}, "differ"),
        ({"old": "the first long one", "new": "short", "again": "short"}, "12 to 200"),
        ({"old": "the first long one", "new": "the first long one", "again": "the first long one"}, "until now"),
    ):
        refused = here.post("/password", **fields)
        assert (refused.status, said in refused.text) == (422, True)
    changed = here.post("/password", old="the first long one", new=second, again=second)
    assert changed.status == 303
    here.keep(changed)

    assert here.cookie != before
    assert "The password was changed" in here.get("/password?done=1").text
    assert elsewhere.get("/dashboard").status == 303
    assert users.logged_in("chen", second)
    events = [
        link.record["event"] for link in Journal(district.office.path, lambda: 0).links if link.record["by"] == "chen"
    ]
    assert events == ["login", "login", "password refused", "password changed"]
    assert second.encode() not in Journal(district.office.path, lambda: 0).path.read_bytes()


def test_guessing_the_old_password_is_slowed(district: Any) -> None:
    """Whoever finds a browser logged in has five tries; then even the right one has to wait."""
    Users(district.office.path).add(User("zhao", "reader", hashed("the first long one")))
    person = Person(district.port, "zhao")
    person.log_in("the first long one")
    new = {"new": "the second long one", "again": "the second long one"}

    tried = [person.post("/password", old=f"wrong long one {number}", **new).status for number in range(5)]

    assert tried == [422] * 5
    assert person.post("/password", old="the first long one", **new).status == 429


def test_every_write_is_in_the_table_as_one() -> None:
    """What is asked for by POST needs a token, and nothing else writes; only these addresses are open."""
    assert all(rule.csrf == (rule.method == "POST") == (rule.body != "none") for rule in RULES)
    assert {rule.path for rule in RULES if rule.open} == {"/login", "/language", "/static/{name}"}


def test_every_answer_carries_the_headers(people: dict[str, Any]) -> None:
    """Refusals and redirections too; no page runs a script or style that does not come from a file of ours."""
    for path in ("/", "/login", "/nothing", "/static/shared.css", "/receipts"):
        found = people["officer"].get(path)
        assert {name for name in HEADERS if name not in found.headers} == set()
        assert not re.search(r"<style|style=|<script(?! src=)|\son\w+=|javascript:", found.text)


def test_a_name_that_is_not_ours_is_refused(people: dict[str, Any]) -> None:
    """A foreign name that points here gets nothing."""
    assert people["officer"].ask("GET", "/", Host="evil.example").status == 421


def test_the_cookie_is_out_of_reach_and_new_with_each_log_in(district: Any) -> None:
    """HttpOnly, SameSite, and never the value that the browser had before (no fixation)."""
    person = district.person("li")
    first = person.cookie
    page = person.ask("GET", "/login")
    person.csrf = re.findall(r'name="csrf" content="([0-9a-f]+)"', page.text)[0]
    again = person.post("/login", name="li", password="correct horse battery")

    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(again.headers["set-cookie"].split("; "))
    assert again.headers["set-cookie"].partition(";")[0] != first


def test_who_logged_out_is_out(district: Any) -> None:
    """The old cookie opens nothing."""
    person = district.person("wang")
    cookie = person.cookie

    assert person.post("/logout").status == 303
    assert person.ask("GET", "/", Cookie=cookie).status == 401


def test_a_disabled_user_is_out_at_once(district: Any) -> None:
    """An open session ends, and the password opens none."""
    users = Users(district.office.path)
    users.add(User("gone", "reader", users.all()["li"].password))
    person = district.person("gone")
    users.disable("gone")

    assert person.ask("GET", "/dashboard").status == 401
    assert person.log_in().status == 401


def test_guessing_is_slowed(district: Any) -> None:
    """After five wrong passwords for one name the right one is refused too; the journal holds each of them without the password."""
    users = Users(district.office.path)
    users.add(User("slow", "reader", users.all()["li"].password))
    person = district.person("li")
    person.name, person.cookie = "slow", ""

    statuses = [person.log_in(f"wrong password {number}").status for number in range(5)]

    assert [*statuses, person.log_in().status] == [401] * 5 + [429]
    records = [link.record for link in Journal(district.office.path, lambda: 0).links]
    assert sum((each["event"], each["by"]) == ("login refused", "slow") for each in records) == 5
    assert b"wrong password" not in (district.office.path / "journal.jsonl").read_bytes()


def test_sessions_end(tmp_path: Path) -> None:
    """Unused for half an hour, after twelve hours in any case, with another password, and not before."""
    users, time = Users(tmp_path), [1]
    users.add(User("li", "officer", hashed("0123456789abc")))
    sessions = Sessions(users, lambda: time[0])
    found = users.logged_in("li", "0123456789abc")
    assert found
    key = sessions.begin(found).key
    for _ in range(ABSOLUTE // IDLE):
        time[0] += IDLE - 1
        assert sessions.find(key)
    time[0] += ABSOLUTE // IDLE + IDLE // 2
    assert sessions.find(key) is None

    idle, other = sessions.begin(found).key, sessions.begin(found).key
    users.change_password("li", "another password")
    assert sessions.find(other) is None
    changed = users.active("li")
    assert changed
    idle = sessions.begin(changed).key
    time[0] += IDLE + 1
    assert sessions.find(idle) is None


def test_a_brake_lets_go_after_its_time() -> None:
    """As many failures as are allowed within the time make wait; later they are forgotten, and others never wait."""
    time = [0]
    brake = Brake(2, 10, lambda: time[0])
    brake.failed("a")
    assert not brake.waits("a")
    brake.failed("a")
    assert brake.waits("a")
    assert not brake.waits("b")
    time[0] = 11
    assert not brake.waits("a")


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\evil", "", "/\nx", "javascript:1", "/a\\b"],
)
def test_nobody_is_sent_elsewhere_after_the_log_in(path: str) -> None:
    """Only addresses of ours are gone to."""
    assert _inside(path) == "/"
    assert _inside("/plants?q=%E7%94%B2") == "/plants?q=%E7%94%B2"


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (User("Li", "officer", ""), "is no name of a user"),
        (User("../x", "officer", ""), "is no name of a user"),
        (User("a", "officer", ""), "is no name of a user"),
        (User("anna", "provider", ""), "name the provider they speak for"),
        (User("anna", "reader", "", "甲"), "name the provider they speak for"),
    ],
)
def test_users_that_make_no_sense_are_refused(tmp_path: Path, user: User, said: str) -> None:
    """A name that is none, a provider's user of no provider."""
    with pytest.raises(UsageError, match=said):
        Users(tmp_path).add(user)
    assert not (tmp_path / "users.json").exists()


def test_passwords_are_kept_as_argon2id_only(tmp_path: Path) -> None:
    """The file is its owner's, holds no password, and a short one is refused."""
    users = Users(tmp_path)
    users.add(User("li", "officer", hashed("0123456789abc")))
    text = (tmp_path / "users.json").read_text(encoding="utf-8")

    assert "$argon2id$v=19$m=65536,t=3,p=1$" in text
    assert "0123456789abc" not in text
    assert sys.platform == "win32" or (tmp_path / "users.json").stat().st_mode & 0o077 == 0
    assert users.logged_in("li", "0123456789abd") is None
    assert users.logged_in("nobody", "0123456789abc") is None
    with pytest.raises(UsageError, match="12 to 200"):
        hashed("short")


def test_many_log_in_at_once(district: Any) -> None:
    """Hashes that are computed side by side do not wait for each other for ever."""
    with ThreadPoolExecutor(6) as pool:
        people = list(pool.map(district.person, ["li", "wang", "jia"] * 2))

    assert len({person.cookie for person in people}) == 6


def test_a_proxy_says_who_comes(
    tmp_path: Path, new_office: Callable[[Path], Office], district_server: Callable[..., Any], people: dict[str, Any]
) -> None:
    """From the named address the header opens what that user may open; there is no password then, and no header of two."""
    served = district_server(
        new_office(tmp_path / "office"), "--port", "0", "--user-header", "X-Remote-User", "--proxy", "127.0.0.1"
    )
    ask = type(people["officer"])(served.port).ask

    assert ask("GET", "/queue", X_Remote_User="li").status == 200
    assert ask("GET", "/queue", X_Remote_User="jia").status == 403
    assert ask("GET", "/queue", X_Remote_User="nobody").status == 401
    assert ask("GET", "/queue").status == 401
    entered = ask("GET", "/queue", X_Remote_User="li")
    assert ask("GET", "/queue", Cookie=entered.headers["set-cookie"].partition(";")[0]).status == 401


def test_a_header_from_elsewhere_is_not_believed(
    tmp_path: Path, new_office: Callable[[Path], Office], district_server: Callable[..., Any], people: dict[str, Any]
) -> None:
    """From an address that was not named the header opens nothing."""
    served = district_server(
        new_office(tmp_path / "office"), "--port", "0", "--user-header", "X-Remote-User", "--proxy", "127.0.0.9"
    )

    assert type(people["officer"])(served.port).ask("GET", "/queue", X_Remote_User="li").status == 401


def test_behind_tls_the_cookie_says_so() -> None:
    """Over TLS only, for this host only; the origin of writes is the outer address."""
    place = Place(("https://diagnosis.example",), 1, secure=True)

    assert place.cookie == "__Host-district"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "needs --url"),  # noqa: S104 - it is refused
        (["--url", "http://a.example"], "is no address such as"),
        (["--url", "https://a.example/path"], "is no address such as"),
        (["--user-header", "X-User"], "needs --proxy"),
    ],
)
def test_what_would_be_unsafe_is_refused(district: Any, words: list[str], said: str) -> None:
    """Open to the network without TLS in front, or headers believed from anybody: one line, exit code 2."""
    command = [sys.executable, "-m", "factory_kit", "district", "serve", "-d", str(district.office.path), *words]
    done = subprocess.run([*command, "--lang", "en"], capture_output=True, text=True, check=False, encoding="utf-8")

    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
