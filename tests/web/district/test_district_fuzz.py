"""Nothing that anybody sends breaks the pages: seeded requests by strangers and by every role, to every address; and how they end."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from factory_kit.district.journal import Journal
from factory_kit.district.office import Office
from factory_kit.seal.chain import verify_chain
from factory_kit.testing.district import make_inbox
from factory_kit.web.district.routes import RULES

pytestmark = pytest.mark.wire

FUZZED = int(os.environ.get("FACTORY_KIT_FUZZ", "200"))
KILLS = int(os.environ.get("FACTORY_KIT_KILLS", "2"))
CLIENTS = int(os.environ.get("FACTORY_KIT_CLIENTS", "6"))
PIECES = (
    "1", "2", "0", "-1", "99999999999999999999", "x", "%00", "..", "%2e%2e%2f", "%F0%9F%98%80", "%ff", "a b", "'", '"', "<script>",
    "=HYPERLINK(1)", "0" * 64, "docx", "xlsx", "data.json", "913101170000000000", "01", "x" * 3000, "①", "１",
)  # fmt: skip
VALUES = (
    "", "1", "confirmed", "returned", "upheld", "dismissed", "request", "a good reason", "<script>alert(1)</script>", "\x00", "\ud800",
    "x" * 5000, "㵘😀", "=cmd|' /C calc'!A0", "../..", "street", "310117105", "None", "-1", "1e400",
)  # fmt: skip
FIELDS = (
    "csrf", "name", "password", "next", "reason", "verdict", "seen", "answer", "ground", "sure", "page", "outcome", "view", "q", "who",
    "what", "campaign", "model", "street", "division", "provider", "type", "size", "receipt", "to", "back",
)  # fmt: skip
HEADERS = (
    {"Content_Type": "application/x-www-form-urlencoded"}, {"Content_Type": "multipart/form-data; boundary=x"},
    {"Content_Type": "application/json"}, {"Accept": "text/html"}, {"Cookie": "factory_kit_language=zh"}, {"Cookie": "x"},
    {"X_Forwarded_For": "'"}, {"Accept_Language": "zh"}, {"Content_Type": ""},
)  # fmt: skip


def encoded(draw: random.Random) -> str:
    """Some fields as a form or a query says them, sometimes badly."""
    names = draw.sample(FIELDS, draw.randrange(6))
    pairs = [f"{name}={quote(draw.choice(VALUES).encode('utf-8', 'surrogatepass'))}" for name in names]
    return "&".join([*pairs, draw.choice(["", "", "&&=", "%zz=%", "a" * 60 + "=" * 60])])


def request_of(draw: random.Random, csrf: str) -> tuple[str, str, bytes | None, dict[str, str]]:
    """A request of somebody who knows all addresses."""
    rule = draw.choice([each for each in RULES if each.path not in {"/logout", "/publish"}])
    path = re.sub(r"\{\w+\}", lambda _found: quote(draw.choice(PIECES), safe="%"), rule.path)
    if draw.random() < 0.5:
        path += f"?{encoded(draw)}"
    method = (
        rule.method
        if draw.random() < 0.8
        else draw.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
    )
    body = draw.choice(
        [f"csrf={csrf}&{encoded(draw)}".encode(), encoded(draw).encode(), draw.randbytes(60), b"", b"a=" * 30_000]
    )
    return method, path, None if method in {"GET", "HEAD"} else body, dict(draw.choice(HEADERS))


def test_nothing_that_is_sent_breaks_it(
    tmp_path: Path, new_office: Callable[[Path], Office], district_server: Callable[..., Any], bundles: list[Any]
) -> None:
    """Of many requests by everybody none is a 500, both chains hold afterwards, and nothing lies where it should not."""
    office = new_office(tmp_path / "office")
    served = district_server(office)
    people = [served.person(name) for name in ("jia", "li", "wang")]
    people[0].send(bundles[0].path)
    people[1].send(bundles[1].path)
    draw = random.Random(int(os.environ.get("FACTORY_KIT_FUZZ_SEED", "7")))  # noqa: S311 - the same requests each time
    broken = []
    for _ in range(FUZZED):
        person = draw.choice(people)
        asked = request_of(draw, person.csrf)
        headers = asked[3]
        if "Cookie" in headers:
            headers["Cookie"] = f"{person.cookie}; {headers['Cookie']}"
        status = person.ask(asked[0], asked[1], asked[2], **headers).status
        if status >= 500:
            broken.append((status, *asked))

    assert broken == []
    assert served.process.poll() is None
    assert verify_chain(office.ledger_file).ok
    assert verify_chain(Journal(office.path, lambda: 0).path).ok
    assert {path.name for path in tmp_path.iterdir()} == {"office"}


def upload(served: Any, files: list[Path], told: list[tuple[int, str, str]], done: threading.Event) -> None:
    """Send *files* again and again until the server is gone, noting each receipt that was told."""
    try:
        person = served.person("li")
        while True:
            for path in files:
                answered = person.send(path)
                assert answered.status == 200
                told.append(
                    (answered.json["number"], answered.json["hash"], hashlib.sha256(path.read_bytes()).hexdigest())
                )
            done.set()
    except (OSError, EOFError, http.client.HTTPException, IndexError):
        return


def test_every_receipt_outlives_the_server(
    tmp_path: Path, new_office: Callable[[Path], Office], district_server: Callable[..., Any]
) -> None:
    """Clients upload while the server is killed again and again: each receipt told is in the ledger, and no bundle twice.

    FACTORY_KIT_CLIENTS=50 FACTORY_KIT_KILLS=10 is the long form.
    """
    office = new_office(tmp_path / "office")
    files = [each.path for each in make_inbox(tmp_path / "inbox", count=max(10, CLIENTS * 2))]
    draw = random.Random(3)  # noqa: S311 - the same each time
    told: list[tuple[int, str, str]] = []
    for _ in range(KILLS):
        served, done = district_server(office), threading.Event()
        shares = [files[number::CLIENTS] for number in range(CLIENTS)]
        clients = [threading.Thread(target=upload, args=(served, share, told, done)) for share in shares]
        before = len(told)
        for client in clients:
            client.start()
        while len(told) < before + draw.randrange(1, CLIENTS) and any(client.is_alive() for client in clients):
            done.wait(0.05)
        threading.Event().wait(draw.random() * 0.3)
        served.process.kill()
        for client in clients:
            client.join()
        assert len(told) > before

    links = list(office.ledger())
    assert verify_chain(office.ledger_file, {number: hash_ for number, hash_, _ in told}).ok
    assert max(Counter(link.record["sha256"] for link in links).values()) == 1
    assert {(number, sha256) for number, _, sha256 in told} <= {(link.n, link.record["sha256"]) for link in links}
    accepted = {link.record["sha256"] for link in links if link.record["outcome"] == "accepted"}
    assert {path.stem for path in office.bundles_folder.glob("*.zip")} >= accepted
    assert not [path for path in office.bundles_folder.iterdir() if path.suffix == ".tmp"]
