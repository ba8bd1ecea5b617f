"""A district's folder, and bundles of fictional plants made as the generator makes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district.office import Office, begin_office
from factory_kit.district.receive import Receipt, receive
from factory_kit.shipped import search_path
from factory_kit.testing.district import Submission, make_inbox

NOW = 1_790_000_000_000_000
Take = Callable[..., list[Receipt]]


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> list[Submission]:
    """Six bundles: three good, a wrong code, an altered answer, a copy of the first."""
    return make_inbox(tmp_path_factory.mktemp("district") / "inbox", count=6)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a new district's is, to be copied."""
    return begin_office(tmp_path_factory.mktemp("fresh") / "office", search_path("assessments")).path


@pytest.fixture
def office(fresh: Path, tmp_path: Path) -> Office:
    """A new district's folder."""
    shutil.copytree(fresh, tmp_path / "office")
    return Office.at(tmp_path / "office")


@pytest.fixture
def take(office: Office) -> Take:
    """Receive files at a given moment, each score really rebuilt from its bundle."""

    def received(*files: Path, now: int = NOW, rebuild: Any = rebuilt) -> list[Receipt]:
        return list(receive(office, files, rebuild, lambda: now))

    return received


@pytest.fixture
def change(office: Office) -> Callable[[str, str], None]:
    """Replace a piece of ``campaign.yaml``."""

    def changed(before: str, after: str) -> None:
        path = office.path / "campaign.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    return changed
