"""What stands in blocks of code in the documentation is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory_kit.cli.main import command
from factory_kit.diagnose.settings import settings_file
from factory_kit.diagnose.tariff import tariff_file
from factory_kit.errors import DefinitionError
from factory_kit.load.site import site_file
from factory_kit.shipped import data_dir, search_path
from tests.docs.blocks import DOCS, ROOT, RUN, Block, all_blocks, blocks_of, words_of

FOLLOWED = "contributing-"
"""Pages that ``tests/contributing`` follows in a way of its own."""
MOST_SKIPPED = 8
OURS = [block for block in all_blocks() if not block.page.startswith(FOLLOWED)]
CHECKED = [block for block in OURS if block.verb == "check"]


def test_every_block_is_run_or_says_why_not() -> None:
    """A block of commands, YAML, SQL or Python belongs to a story, is checked on its own, or gives a reason; these are few."""
    idle = [str(block) for block in OURS if block.language in RUN and not _somebody_runs(block)]
    skipped = [block for block in OURS if block.verb == "skip"]

    assert idle == []
    assert len(skipped) <= MOST_SKIPPED, [str(block) for block in skipped]
    assert all(len(block.word) > 20 for block in skipped), "each says why"


def _somebody_runs(block: Block) -> bool:
    if block.page.startswith("tutorials/") or block.language == "sql":
        return True
    return (block.language, block.verb) in {("yaml", "check"), ("python", "run")} or block.verb == "skip"


def _site(block: Block, folder: Path) -> None:
    """A part of ``site.yaml``: it takes the place of the same part in the example's file."""
    content = yaml.safe_load((data_dir("examples") / "demo-plant" / "site.yaml").read_text(encoding="utf-8"))
    part = yaml.safe_load(block.text)
    content |= part
    content["equipment"] = [{"id": "machine-01", "name": {"zh": "一号", "en": "One"}}]
    content.pop("operations", None)
    servers = part.get("servers", {}).values()
    content["authorisation"]["addresses"] = [
        each.get("serial") or f"{each['host']}:{each.get('port', 502)}" for each in servers
    ]
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    site, _connectors = site_file(path, search_path("connectors"))
    assert set(site.servers) == set(part["servers"])


def _written(block: Block, folder: Path) -> Path:
    path = folder / "part.yaml"
    path.write_text(block.text, encoding="utf-8")
    return path


CHECKS: dict[str, Callable[[Block, Path], object]] = {
    "site": _site,
    "tariff": lambda block, folder: tariff_file(_written(block, folder)),
    "diagnosis": lambda block, folder: settings_file(_written(block, folder), None),
}


@pytest.mark.parametrize("block", CHECKED, ids=str)
def test_parts_of_files_fit_their_definitions(block: Block, tmp_path: Path) -> None:
    """YAML shown by itself is taken by the loader of the file it belongs to."""
    CHECKS[block.word](block, tmp_path)


@pytest.mark.parametrize(
    ("word", "right", "wrong"),
    [
        ("site", "retries: 1", "retrys: 1"),
        ("tariff", 'until: "06:00"', 'until: "05:00"'),
        ("diagnosis", "above: ", "abov: "),
    ],
)
def test_a_part_that_does_not_fit_is_noticed(word: str, right: str, wrong: str, tmp_path: Path) -> None:
    """The test above can fail: a misspelt key, or an hour without a price."""
    block = next(each for each in CHECKED if each.word == word and right in each.text)

    with pytest.raises(DefinitionError):
        CHECKS[word](replace(block, text=block.text.replace(right, wrong, 1)), tmp_path)


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every line that calls us, in any block of any page, the readmes' too."""
    beside = (
        block for name in ("README.md", "README.zh.md", "CONTRIBUTING.md") for block in blocks_of(ROOT / name, ROOT)
    )
    for block in (*all_blocks(), *beside):
        if block.language in {"bash", "console", "text", ""}:
            for line in block.lines:
                typed = line.removeprefix("$ ").replace("…", "")
                if typed.startswith("factory-kit "):
                    yield f"{block}: {line}", words_of(typed)[1:]


def _unknown(tree: Any, words: list[str]) -> str:
    """The first word of a command that does not exist; empty when all do."""
    node, rest = tree, list(words)
    while getattr(node, "commands", None):
        if not rest or rest[0] not in node.commands:
            return f"no command {rest[:1]}"
        node = node.commands[rest.pop(0)]
    known = {"--help", "-h", "--lang", *(name for each in node.params for name in (*each.opts, *each.secondary_opts))}
    return next((word for word in rest if word.startswith("-") and word.partition("=")[0] not in known), "")


def test_commands_in_all_pages_exist_with_their_options() -> None:
    """Also those that are only shown: no page names a command or an option that is not there."""
    tree = command()
    wrong = {place: unknown for place, words in _commands() if (unknown := _unknown(tree, words))}

    assert wrong == {}
    assert len(list(_commands())) > 80


def test_a_command_that_does_not_exist_is_noticed() -> None:
    """The test above can fail."""
    tree = command()

    assert _unknown(tree, ["store", "vanish"]) == "no command ['vanish']"
    assert _unknown(tree, ["collect", "--for", "8h", "--forever"]) == "--forever"


def test_the_pages_are_there() -> None:
    """Three tutorials in two languages, and at least ten pages beside them."""
    names = {path.name for path in (DOCS / "tutorials").glob("*.md")}

    assert names == {f"{who}.{lang}.md" for who in ("provider", "officer", "enterprise") for lang in ("en", "zh")}
    assert len(list(DOCS.glob("*.md"))) >= 10
