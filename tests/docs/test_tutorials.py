"""Each tutorial is a story that works from its first line to its last, in a folder with nothing but the package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from factory_kit.cli.assess_bundle import _material
from factory_kit.store import Store
from tests.docs.blocks import ROOT, Block, all_blocks
from tests.docs.reader import Reader, story, told

TUTORIALS = ("provider", "officer", "enterprise")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A provider who reads the tutorial in a process of its own, since half of it is waiting for machines; and the folder."""
    folder = tmp_path_factory.mktemp("provider")
    words = [sys.executable, "-m", "tests.docs.reader", "provider", str(folder)]
    with (folder / "said.txt").open("w", encoding="utf-8") as said:
        reading = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=said, stderr=said, text=True)
        yield folder, reading
        reading.terminate()
        reading.communicate()


@pytest.fixture(scope="module")
def provider(begun: tuple[Path, subprocess.Popen[str]]) -> Path:
    """The folder of the provider who came to the end; its store serves the SQL of all pages."""
    folder, reading = begun
    reading.communicate()
    assert reading.returncode == 0, (folder / "said.txt").read_text(encoding="utf-8")[-3000:]
    return folder


@pytest.mark.wire
@pytest.mark.usefixtures("begun")
def test_an_officer_receives_counts_and_publishes(tmp_path: Path) -> None:
    """Every command of the page works, and the pages answer; what may be given out is written."""
    folder = told("officer", tmp_path)

    assert {"data.csv", "public.xlsx", "page.en.html"} <= {path.name for path in (folder / "public").iterdir()}
    assert len(list((folder / "letters").iterdir())) == 4


@pytest.mark.usefixtures("begun")
def test_an_enterprise_makes_a_product_and_traces_a_leak(tmp_path: Path) -> None:
    """Every command of the page works, from the store to the name behind the leaked rows."""
    folder = told("enterprise", tmp_path)

    assert (folder / "look" / "README.md").is_file()
    assert (folder / "record.docx").is_file()


@pytest.mark.wire
def test_a_provider_reads_a_plant_scores_it_and_seals(provider: Path) -> None:
    """Every command of the page works; what it promises to be there is there."""
    assert (provider / "bundle.zip").stat().st_size > 10_000
    assert (provider / "findings.html").is_file()
    assert {path.name for path in (provider / "my-plant/assessments/2026-09/report").iterdir()} == {
        "report.zh.html",
        "report.en.html",
    }


SQL = [block for block in all_blocks() if block.language == "sql" and not block.page.startswith("contributing-")]


@pytest.mark.wire
@pytest.mark.parametrize("block", SQL, ids=str)
def test_the_queries_of_the_pages_answer(block: Block, provider: Path) -> None:
    """Each SQL block is one SELECT that the store of the tutorial answers with rows."""
    answer = Store(provider / "my-plant" / "store").query(block.text)

    assert answer.num_rows > 0


PYTHON = [
    block
    for block in all_blocks()
    if block.language == "python" and block.verb == "run" and not block.page.startswith("contributing-")
]


@pytest.mark.wire
@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_the_python_of_the_pages_runs(
    block: Block, provider: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each Python block runs as it stands; ``run: material`` is given the material of the tutorial's assessment."""
    names = {"material": _material(provider / "my-plant", "2026-09")[1]} if block.word == "material" else {}
    monkeypatch.chdir(tmp_path)

    exec(compile(block.text, str(block), "exec"), {**names, "Path": Path})  # noqa: S102 - our own documentation

    assert block.word in {"here", "material"}
    assert bool(list(tmp_path.iterdir())) is (block.word == "material")


@pytest.mark.parametrize("name", TUTORIALS)
def test_both_languages_tell_the_same_story(name: str) -> None:
    """What is typed and written is the same in Chinese and English, block by block; so following one proves both."""
    english, chinese = ([_typed(block) for block in story(name, lang) if block.verb != "says"] for lang in ("en", "zh"))

    assert chinese == english


def _typed(block: Block) -> tuple[str, str, str, object]:
    what = yaml.safe_load(block.text) if block.language == "yaml" else block.text
    return block.verb, block.word, block.language, what


def test_a_block_that_does_not_work_is_named(tmp_path: Path) -> None:
    """A command with a wrong option, and words that are not said any more, stop the story with page and line."""
    broken = Block("page.md", 7, "bash", "", "", "factory-kit init --nonsense here\n")
    outdated = Block("page.md", 9, "text", "says", "", "something nobody says\n")

    with Reader(tmp_path) as reader:
        with pytest.raises(AssertionError, match=r"page\.md:7: factory-kit init --nonsense here\nended with 2"):
            reader.follow(broken)
        with pytest.raises(AssertionError, match=r"page\.md:9: not said any more: something nobody says"):
            reader.follow(outdated)
