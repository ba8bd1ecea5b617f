"""``init`` and ``check``."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Command


def test_a_new_workspace_is_right_as_it_stands(factory_kit: Command, tmp_path: Path) -> None:
    """What init writes passes check, also in a folder with Chinese letters and blanks."""
    folder = tmp_path / "我的 工厂"

    assert factory_kit("init", folder).code == 0
    assert factory_kit("check", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "assessments",
        "connectors",
        "datasets",
        "site.yaml",
        "store",
    ]


def test_init_overwrites_nothing(factory_kit: Command, tmp_path: Path) -> None:
    """A second init leaves the site file as it is."""
    factory_kit("init", tmp_path / "a")
    (tmp_path / "a" / "site.yaml").write_text("mine", encoding="utf-8")

    said = factory_kit("init", tmp_path / "a")

    assert said.code == 2
    assert (tmp_path / "a" / "site.yaml").read_text(encoding="utf-8") == "mine"


def test_check_tells_a_program_what_it_found(factory_kit: Command, tmp_path: Path) -> None:
    """--json gives kind and summary."""
    factory_kit("init", tmp_path / "a")

    assert json.loads(factory_kit("check", tmp_path / "a", "--json").out)["kind"] == "site"


def test_check_counts_the_mistakes(factory_kit: Command, tmp_path: Path) -> None:
    """Every mistake is a line, and the last line counts them."""
    factory_kit("init", tmp_path / "a")
    site = tmp_path / "a" / "site.yaml"
    site.write_text(
        site.read_text(encoding="utf-8")
        .replace("type: discrete", "type: discreet")
        .replace("kind: real", "kind: reel"),
        encoding="utf-8",
    )

    said = factory_kit("check", tmp_path / "a")

    assert said.code == 2
    assert said.err.splitlines()[-1] == "2 mistakes found; nothing was changed."


def test_check_of_something_else_says_what_it_knows(factory_kit: Command, tmp_path: Path) -> None:
    """A folder without any definition is wrong use."""
    said = factory_kit("check", tmp_path)

    assert said.code == 2
    assert "holds none of site.yaml, connector.yaml" in said.err
