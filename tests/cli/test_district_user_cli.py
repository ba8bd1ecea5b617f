"""Who may log in to a district's pages, at the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit.district.journal import Journal
from factory_kit.district.office import begin_office
from factory_kit.shipped import search_path
from factory_kit.web.district.users import Users

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new district's folder for all tests of this file."""
    return begin_office(tmp_path_factory.mktemp("users") / "office", search_path("assessments")).path


PASSWORD = "correct horse battery"


def user(office: Path, *words: str, password: str = PASSWORD) -> tuple[int, str]:
    """Exit code and all that ``district user`` said."""
    environment = {**os.environ, "FACTORY_KIT_LANG": "en", "PYTHONPATH": str(ROOT), "FACTORY_KIT_PASSPHRASE": password}
    command = [sys.executable, "-m", "factory_kit", "district", "user", *words, "-d", str(office)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_a_user_comes_and_goes_on_record(office: Path) -> None:
    """Added, listed, given another password, disabled; each stands in the journal, no password anywhere."""
    assert user(office, "add", "jia", "--role", "provider", "--provider", "示例诊断甲")[0] == 0
    assert Users(office).logged_in("jia", "correct horse battery")
    assert user(office, "password", "jia", password="another long password")[0] == 0
    assert Users(office).logged_in("jia", "another long password")
    assert user(office, "disable", "jia")[0] == 0

    code, said = user(office, "list")

    assert (code, "jia" in said, "disabled" in said) == (0, True, True)
    assert not Users(office).logged_in("jia", "another long password")
    events = [(link.record["event"], link.record["user"]) for link in Journal(office, lambda: 0).links]
    assert events == [("user added", "jia"), ("password changed", "jia"), ("user disabled", "jia")]
    assert b"password" not in (office / "users.json").read_bytes().replace(b'"password"', b"")
    assert os.name == "nt" or (office / "users.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [
        (("add", "li", "--role", "king"), "correct horse battery", "is no role; provider, officer or reader"),
        (("add", "li", "--role", "officer"), "short", "a password has 12 to 200 signs"),
        (("add", "li", "--role", "provider"), "correct horse battery", "name the provider they speak for"),
        (("add", "Li!", "--role", "officer"), "correct horse battery", "is no name of a user"),
        (("disable", "nobody"), "", "there is no user of this name"),
    ],
)
def test_wrong_use_is_told_in_one_line(office: Path, words: tuple[str, ...], password: str, said: str) -> None:
    """Exit code 2, and nobody was added."""
    before = (office / "users.json").read_bytes() if (office / "users.json").exists() else b""

    code, told = user(office, *words, password=password)

    assert code == 2
    assert said in told
    assert ((office / "users.json").read_bytes() if (office / "users.json").exists() else b"") == before
