"""What is imported is declared, and what is declared is imported."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
IMPORT = re.compile(r"^\s*(?:from|import) ([A-Za-z]\w*)", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9._-]+")
NOT_IMPORTED = {"tzdata"}
"""The zones of the plant where the system has none: ``zoneinfo`` reads it."""
OTHERS = {"chdb", "polars", "tsfile"}
"""Engines that only who has them compares with; nothing of ours needs them."""


@cache
def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _named(requirements: list[str]) -> set[str]:
    found = [NAME.match(each) for each in requirements]
    return {_plain(each[0]) for each in found if each is not None}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _imported() -> frozenset[str]:
    """The packages of others whose modules ours import, as they are called where they are published."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "factory_kit").rglob("*.py"))
    modules = {name for text in texts for name in IMPORT.findall(text)} - {"factory_kit", *sys.stdlib_module_names}
    published = packages_distributions()
    return frozenset(_plain(each) for module in modules - OTHERS for each in published.get(module, ()))


def test_what_is_imported_is_declared() -> None:
    """No package is there only because another one happens to need it."""
    declared = _named(_project()["dependencies"])
    extras = {name for each in _project()["optional-dependencies"].values() for name in _named(each)}

    assert _imported() - declared - extras == set()


def test_what_is_declared_is_imported() -> None:
    """Nobody installs what nothing needs."""
    assert _named(_project()["dependencies"]) - _imported() - NOT_IMPORTED == set()
