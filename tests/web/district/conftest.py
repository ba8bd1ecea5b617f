"""A district with users of every role, its real server, and people without and with a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from factory_kit.district.office import Office, begin_office
from factory_kit.shipped import search_path
from factory_kit.testing.district import Submission, make_inbox
from factory_kit.web.district.users import User, Users, hashed

from ..client import Answered, Client  # noqa: TID252 - tests are no package that has a name

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery"
PEOPLE: dict[str, tuple[Any, str]] = {
    "jia": ("provider", "示例诊断甲"), "yi": ("provider", "示例诊断乙"), "li": ("officer", ""), "wang": ("reader", ""),
}  # fmt: skip
"""Users by name: their role, and whom they speak for."""


class Person(Client):
    """Somebody in a browser, who keeps its cookie."""

    def get(self, path: str) -> Answered:
        """A page, as a browser asks for it."""
        return self.ask("GET", path, Accept="text/html")

    def post(self, path: str, **fields: object) -> Answered:
        """The answer to a form as a page sends it."""
        body = urlencode({"csrf": self.csrf, **fields}).encode()
        return self.ask("POST", path, body, Content_Type="application/x-www-form-urlencoded", Accept="text/html")

    def send(self, path: Path, name: str = "") -> Answered:
        """The answer to an upload as the page sends it."""
        query = urlencode({"name": name or path.name})
        return self.ask("POST", f"/uploads?{query}", path.read_bytes(), Content_Type="application/octet-stream")

    def log_in(self, password: str = PASSWORD, following: str = "/") -> Answered:
        """The answer to a log-in by the form."""
        page = self.ask("GET", "/login")
        self.keep(page)
        self.csrf = re.findall(r'name="csrf" content="([0-9a-f]+)"', page.text)[0]
        answered = self.post("/login", name=self.name, password=password, next=following)
        if answered.status == 303:
            self.keep(answered)
            inside = self.get("/login")
            self.csrf = re.findall(r'name="csrf" content="([0-9a-f]+)"', inside.text)[0]
        return answered

    def keep(self, answered: Answered) -> None:
        """The cookie that came along, if one did."""
        if "set-cookie" in answered.headers:
            self.cookie = answered.headers["set-cookie"].partition(";")[0]


@dataclass
class Served:
    """One running server of a district."""

    office: Office
    port: int
    process: subprocess.Popen[str]

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def person(self, name: str, **extra: str) -> Person:
        """Somebody who logged in."""
        person = Person(self.port, name, extra=extra)
        assert person.log_in().status == 303
        return person


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of everybody's password, computed once."""
    return hashed(PASSWORD)


@pytest.fixture(scope="session")
def new_office(password_hash: str) -> Callable[[Path], Office]:
    """Make a district with one user of each role, and a second provider's."""

    def made(folder: Path) -> Office:
        office = begin_office(folder, search_path("assessments"))
        users = Users(folder)
        for name, (role, provider) in PEOPLE.items():
            users.add(User(name, role, password_hash, provider))
        return office

    return made


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Submission]:
    """Seven good bundles of three providers in turn, then a wrong code, an altered one, a copy."""
    return make_inbox(tmp_path_factory.mktemp("bundles") / "inbox", count=10)


@pytest.fixture(scope="session")
def rejected_bundle(bundles: list[Submission]) -> Path:
    """The bundle that was altered after sealing."""
    return bundles[8].path


@contextmanager
def serving() -> Iterator[Callable[..., Served]]:
    """Start servers of districts, and end them all."""
    running: list[subprocess.Popen[str]] = []

    def start(office: Office, *words: str) -> Served:
        command = [sys.executable, "-m", "factory_kit", "district", "serve", "-d", str(office.path), *words]
        environment = {**os.environ, "FACTORY_KIT_LANG": "en", "PYTHONPATH": str(ROOT), "FACTORY_KIT_TRACEBACK": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, encoding="utf-8")
        running.append(process)
        assert process.stdout
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"https?://.+/", url), url
        port = re.findall(r"http://127\.0\.0\.1:(\d+)/", url)
        return Served(office, int(port[0] if port else words[words.index("--port") + 1]), process)

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


@pytest.fixture(scope="module")
def district_server() -> Iterator[Callable[..., Served]]:
    """Start servers for the tests of a file."""
    with serving() as start:
        yield start


@pytest.fixture(scope="module")
def district(
    tmp_path_factory: pytest.TempPathFactory,
    new_office: Callable[[Path], Office],
    district_server: Callable[..., Served],
) -> Served:
    """One district with its server for all tests of a file."""
    return district_server(new_office(tmp_path_factory.mktemp("served") / "office"))


@pytest.fixture(scope="session")
def copied() -> Callable[[Path, Path], Path]:
    """A file under another name."""

    def copy(source: Path, target: Path) -> Path:
        shutil.copyfile(source, target)
        return target

    return copy
