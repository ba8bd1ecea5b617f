"""Only the person at this computer gets in, only from our own page, and nothing sent breaks the server or leaves the workspace."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.sheet import AnswerSheet
from factory_kit.web.guard import HEADERS

pytestmark = pytest.mark.wire

FUZZED = int(os.environ.get("FACTORY_KIT_FUZZ", "250"))
CODE = "PS.1.a"
ROUTES = (
    "/", "/changes", f"/questions/{CODE}", f"/questions/{CODE}/answer", f"/questions/{CODE}/evidence",
    f"/questions/{CODE}/evidence/0/remove", f"/questions/{CODE}/file", f"/questions/{CODE}/decision", "/files/" + "0" * 64,
    "/signals/" + "0" * 64, "/language?to=zh", "/static/shared.css", "/static/questionnaire.js", "/enter", "/nothing",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make: Callable[[Path], AssessmentFolder]) -> AssessmentFolder:
    """One assessment for all tests of this file."""
    return make(tmp_path_factory.mktemp("guarded") / "plant")


@pytest.fixture(scope="module")
def served(place: AssessmentFolder, module_server: Callable[..., Any]) -> Any:
    """One server for all tests of this file."""
    return module_server(place)


def answers(place: AssessmentFolder) -> bytes:
    """The file that must not change."""
    return place.answers_file.read_bytes()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:80", ""])
def test_a_name_that_is_not_ours_is_refused(served: Any, host: str) -> None:
    """A foreign name that was made to point at this computer gets nothing, whatever cookie comes along."""
    visitor = served.visitor()

    assert visitor.ask("GET", "/", Host=host or "x" * 300).status == 421


def test_two_names_at_once_are_refused(served: Any) -> None:
    """A request with two Host headers never reaches a page."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as raw:
        raw.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nHost: evil\r\nConnection: close\r\n\r\n".encode()
        )
        status = raw.recv(4096).split(b" ")[1]

    assert status in {b"400", b"421"}


def test_it_listens_on_this_computer_only(served: Any) -> None:
    """Another address of the same computer has nobody listening."""
    with socket.socket() as other:
        other.settimeout(20)
        assert other.connect_ex(("127.0.0.2", served.port)) != 0


@pytest.mark.parametrize("route", ROUTES)
def test_without_the_link_nothing_opens(served: Any, route: str) -> None:
    """Every address but the files of the page refuses who did not come in by the link, reading and writing."""
    visitor = served.visitor()
    visitor.cookie = ""
    expected = 200 if route.startswith("/static/") else 403

    assert visitor.ask("GET", route).status == expected
    assert visitor.ask("POST", route, b"{}").status == (405 if expected == 200 else 403)
    visitor.cookie = f"factory_kit_{served.port}={'A' * 43}"
    assert visitor.ask("GET", route).status == expected


def test_the_link_gives_a_cookie_no_script_can_read(served: Any) -> None:
    """HttpOnly and SameSite=Strict; a wrong token gives none."""
    visitor = served.visitor()
    entered = visitor.ask("GET", served.url.removeprefix(served.base))

    assert (entered.status, entered.headers["location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=strict"} <= set(entered.headers["set-cookie"].split("; "))
    refused = visitor.ask("GET", "/enter?token=wrong", Accept="text/html")
    assert (refused.status, "set-cookie" in refused.headers) == (403, False)
    assert "opens only by the link" in refused.text


@pytest.mark.parametrize(
    "headers",
    [
        {"X_CSRF_Token": ""},
        {"X_CSRF_Token": "0" * 64},
        {"X_CSRF_Token": "错"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=["no token", "wrong token", "strange token", "foreign", "null", "cross-site", "other port"],
)
def test_a_write_that_is_not_of_our_page_is_refused(
    served: Any, place: AssessmentFolder, headers: dict[str, str]
) -> None:
    """With the right cookie, as a foreign page in the same browser would send it; nothing is written."""
    visitor, before = served.visitor(), answers(place)
    body = json.dumps({"choice": "value:1", "seen": visitor.version(CODE)}).encode()
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}

    assert visitor.ask("POST", f"/questions/{CODE}/answer", body, **sent).status == 403
    assert answers(place) == before


@pytest.mark.parametrize("route", [*ROUTES, "/enter?token=x", "/files/x"])
def test_every_answer_carries_the_headers(served: Any, route: str) -> None:
    """Also refusals and redirections; no page may run a script that does not come from a file of ours."""
    found = served.visitor().ask("GET", route).headers

    for name, value in HEADERS.items():
        assert name in found
        assert found[name] == value or name in {"cache-control", "content-security-policy"}
    assert "unsafe" not in found["content-security-policy"]
    assert "server" not in found


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../pyproject.toml", "/static/..%2f..%2fpages.py", "/static/%2e%2e/pages.py", "/static//etc/passwd",
        "/files/..%2f..%2fanswers.yaml", "/files/%2e%2e%2fassessment.yaml", "/signals/..%2f..%2fsite.yaml", "/../site.yaml",
        "/questions/..%2f..%2fsite.yaml", "/questions/%00", "/files/" + "a" * 5000, "/static/shared.css%00.js", "/static/%ff",
    ],
)  # fmt: skip
def test_no_path_leads_out(served: Any, path: str) -> None:
    """Nothing of the disk is shown, whatever the address says."""
    found = served.visitor().ask("GET", path)

    assert 400 <= found.status < 500
    assert b"credit_code" not in found.body
    assert b"import" not in found.body


def test_bodies_have_an_end(served: Any, place: AssessmentFolder) -> None:
    """More than a page ever sends is refused before it is all read, with or without its length told."""
    visitor, before = served.visitor(), answers(place)
    large = b'{"choice": "value:1", "remark": "' + b"x" * (70 << 10) + b'"}'

    assert visitor.ask("POST", f"/questions/{CODE}/answer", large).status == 413
    assert visitor.ask("POST", f"/questions/{CODE}/file?grade=B", b"%PDF-" + bytes(21 << 20)).status == 413
    long = json.dumps({"choice": "value:1", "remark": "x" * 4001, "seen": ""}).encode()
    assert visitor.ask("POST", f"/questions/{CODE}/answer", long).status == 413
    assert answers(place) == before


def test_a_file_that_is_no_photo_is_never_shown_as_a_page(served: Any, place: AssessmentFolder) -> None:
    """A web page sent as a text comes back as a download of plain text, in a sandbox."""
    visitor = served.visitor()
    code = "PS.1.b"
    sent = visitor.ask(
        "POST", f"/questions/{code}/file?grade=C&name=x.html&note=%3Cscript%3E&seen={visitor.version(code)}", b"<script>alert(1)</script>"
    )  # fmt: skip
    kept = AnswerSheet(place).scored().answers.answers[code].evidence[0]

    found = visitor.ask("GET", f"/files/{kept.sha256}")

    assert (sent.status, kept.note) == (200, "<script> (x.html)")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["content-disposition"].startswith("attachment; ")
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "&lt;script&gt;" in visitor.ask("GET", f"/questions/{code}").text


def garbage(draw: random.Random) -> object:
    """Anything JSON can say, and what people type."""
    return draw.choice(
        [
            "", "value:1", "value:0.7", "value:NaN", "value:1/0", "value:" + "9" * 3000, "no:unknown", "no:not applicable", "no:x",
            "machine:", "machine", "B", "D", "A", "2026-02-30", "2026-12-01", "\ud800", "\x00", "\u2028", "a\nb: {", "<script>", "'\"",
            "x" * 5000, 1, -1, 1e308, None, True, [], {}, ["value:1"], {"a": {"b": []}}, "../../x", "0" * 16, "deadbeef", "-", "㵘😀",
        ]
    )  # fmt: skip


def request_of(draw: random.Random) -> tuple[str, str, bytes | None, dict[str, str]]:
    """A request of a seeded stranger who knows all addresses."""
    code = draw.choice([CODE, "RE.2.b", "X", "%00", "..", "RE.2.b%2f..", "%F0%9F%98%80"])
    route = draw.choice(
        [*ROUTES, f"/questions/{code}/answer", f"/questions/{code}/decision", f"/questions/{code}/evidence"]
    )
    route = route.replace("evidence/0/", f"evidence/{draw.choice(['0', '-1', '99999', 'x', '%00'])}/")
    names = ["seen", "choice", "reason", "remark", "grade", "note", "expires", "value", "by", "why", "name"]
    content = {name: garbage(draw) for name in draw.sample(names, draw.randrange(len(names)))}
    body = draw.choice(
        [
            json.dumps(content).encode(),
            json.dumps(garbage(draw)).encode(),
            draw.randbytes(40),
            b"",
            b"[" * 20000,
            b"%PDF-1",
        ]
    )
    if draw.random() < 0.3:
        route += draw.choice(
            ["?", "&", "?grade=B&seen=&name=x&", "?grade=B&note=%ff&expires=1&", "?since=%00&code=%F0", "?to=xx"]
        )
    method = draw.choice(["POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
    headers = {
        "Content_Type": draw.choice(["application/json", "text/plain", "multipart/form-data", ""]),
        "Accept": draw.choice(["text/html", "*/*"]),
    }
    return method, route, body if method not in {"GET", "HEAD"} else None, headers


def test_nothing_that_is_sent_breaks_it(served: Any, place: AssessmentFolder) -> None:
    """Of many requests by somebody inside who sends anything, none is a 500, and the answers can still be read."""
    visitor = served.visitor()
    seed = int(os.environ.get("FACTORY_KIT_FUZZ_SEED", "7"))
    draw = random.Random(seed)  # noqa: S311 - the same requests each time
    broken = []
    for _ in range(FUZZED):
        asked = request_of(draw)
        found = visitor.ask(asked[0], asked[1], asked[2], **asked[3])
        if found.status >= 500:
            broken.append((found.status, *asked))

    assert broken == []
    assert served.process.poll() is None
    assert AnswerSheet(place).scored().model.id == "gbt-39116@2020"
    outside = {path.name for path in place.path.parents[2].iterdir()}
    assert outside == {"plant"}


def test_a_broken_file_is_told_not_thrown(place: AssessmentFolder, served: Any) -> None:
    """While somebody has a mistake in the answers, pages say where it is, and work again when it is mended."""
    visitor, before = served.visitor(), answers(place)
    place.answers_file.write_bytes(before.replace(b"form: 1", b"form: 7"))
    try:
        told = visitor.ask("GET", "/", Accept="text/html")
        refused = visitor.post(CODE, "answer", choice="value:1", seen="")
    finally:
        place.answers_file.write_bytes(before)

    assert (told.status, refused.status) == (422, 422)
    assert "first/answers.yaml:" in told.text
    assert "first/answers.yaml:" in refused.json["message"]
    assert visitor.ask("GET", "/").status == 200


def test_a_workspace_that_went_away_is_told(place: AssessmentFolder, served: Any) -> None:
    """A folder that was moved gives one sentence, and is found again when it is back."""
    visitor, away = served.visitor(), place.path.with_name("away")
    place.path.rename(away)
    try:
        found = [visitor.ask("GET", path).status for path in ("/", "/changes", f"/questions/{CODE}")]
    finally:
        away.rename(place.path)

    assert all(400 <= status < 500 or status == 503 for status in found)
    assert visitor.ask("GET", "/").status == 200


def test_a_port_that_is_taken_is_told(served: Any, place: AssessmentFolder) -> None:
    """In one line, with exit code 2."""
    words = ["assess", "serve", "first", "-w", str(place.path.parents[1]), "--port", str(served.port), "--lang", "en"]
    done = subprocess.run(
        [sys.executable, "-m", "factory_kit", *words], capture_output=True, text=True, check=False, encoding="utf-8"
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be used; leave --port out" in " ".join(done.stderr.split())


def test_ctrl_c_ends_it_quietly(place: AssessmentFolder, server: Callable[..., Any]) -> None:
    """A signal to end is the usual end: exit code 0."""
    mine = server(place)
    assert mine.visitor().ask("GET", "/").status == 200

    mine.process.terminate() if sys.platform == "win32" else mine.process.send_signal(2)

    assert mine.process.wait(timeout=120) == 0
