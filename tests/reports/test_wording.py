"""The fixed texts of documents: both languages say the same things, and nothing is left over."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import factory_kit.reports
from factory_kit.reports.wording import Wording, wording

FOLDER = Path(factory_kit.reports.__file__).parent
DOCUMENTS = {"assessment": FOLDER / "assessment"}
KEY = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def literals(folder: Path) -> Iterator[str]:
    """Every text literal of the modules in *folder*; of an f-string the part before its first value, with ``*`` after it."""
    for path in folder.rglob("*.py"):
        inside: set[int] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                inside.update(id(part) for part in node.values)
                first = node.values[0]
                if isinstance(first, ast.Constant):
                    yield f"{first.value}*"
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                yield node.value


def fields(text: str) -> set[str]:
    """What a text asks to be filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", sorted({path.name.split(".")[0] for path in (FOLDER / "texts").glob("*.yaml")}))
def test_both_languages_have_the_same_texts(name: str) -> None:
    """Chinese and English have the same keys, and each pair asks for the same details."""
    zh, en = wording(name, "zh").texts, wording(name, "en").texts

    assert zh.keys() == en.keys()
    assert {key: fields(text) for key, text in zh.items()} == {key: fields(text) for key, text in en.items()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_text_is_unused(name: str) -> None:
    """Every key stands in the code, or begins as an f-string of the code does."""
    used = set(literals(DOCUMENTS[name]))
    prefixes = tuple(literal[:-1] for literal in used if literal.endswith(".*"))

    assert [key for key in wording(name, "zh").texts if key not in used and not key.startswith(prefixes)] == []


def test_chinese_texts_are_chinese() -> None:
    """Nothing English stands in the Chinese file by mistake, but names and signs."""
    foreign = [key for key, text in wording("assessment", "zh").texts.items() if not re.search("[\u4e00-\u9fff]", text)]

    assert foreign == ["word.colon", "word.semicolon", "cover.person", "why.join", "why.end"]


def test_a_text_is_filled_in_once() -> None:
    """Braces in data are data."""
    texts = Wording("en", {"greeting": "hello {name}"})

    assert texts("greeting", name="{name} {0}") == "hello {name} {0}"


@pytest.mark.parametrize(
    ("language", "names", "expected"),
    [
        ("zh", ["一", "二", "三"], "一、二、三"),
        ("en", ["a", "b", "c"], "a, b and c"),
        ("en", ["a"], "a"),
        ("en", [], ""),
    ],
)
def test_names_are_listed_as_a_reader_expects(language: str, names: list[str], expected: str) -> None:
    """Chinese lists use the enumeration comma, English ones a final and."""
    assert Wording(language, {}).listed(names) == expected  # type: ignore[arg-type]  # the two languages
