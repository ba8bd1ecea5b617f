"""The manual of a product (数据产品说明书) from a Word template of the plant's own."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from docx import Document as WordFile
from docx.oxml.ns import qn

from factory_kit.load.product import product_folder
from factory_kit.pack.build import Built
from factory_kit.pack.check import product_problems
from factory_kit.pack.templates import copy_template
from factory_kit.render.word import word_bytes
from factory_kit.reports.product import manual
from factory_kit.seal.sealing import unpack

from .test_release import run, workspace

__all__ = ["workspace"]

DOCS = Path(__file__).parents[2] / "docs" / "data-products.md"
DAY = ("--from", "2026-01-01", "--to", "2026-01-01")


def word(path: Path, *lines: str) -> Path:
    """A Word file with a heading of the plant and *lines*, written by python-docx."""
    made = WordFile()
    made.core_properties.author = "王小明"
    made.sections[0].header.paragraphs[0].add_run("本厂格式")
    for line in lines:
        made.add_paragraph(line)
    made.save(str(path))
    return path


def lines_of(path: Path) -> list[str]:
    """The paragraphs of a Word file, those of tables among them."""
    body = WordFile(str(path)).element.body
    return ["".join(text.text or "" for text in each.iter(qn("w:t"))) for each in body.iter(qn("w:p"))]


def product(workspace: Path) -> Path:
    """A product of the plant's own in *workspace*."""
    return copy_template("cnc-spindle", "our-spindle", workspace / "datasets")


def build(workspace: Path, out: Path) -> int:
    """The exit code of the command."""
    return run("pack", "build", "our-spindle", "-w", workspace, "--out", out, "--graded-by", "张三", *DAY)


def test_a_template_beside_the_product_makes_its_manual(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Chinese manual is the plant's, the English one the shipped; its hash is told, a copy looks alike, and another template needs another build."""
    lines = ("名称：{{ fact.basic.name }}", "更新：{{ fact.physical.update }}", "{%p for row in table.output.rows %}")
    own = word(
        product(workspace) / "manual.docx", *lines, "字段 {{ row.name }}", "{%p endfor %}", "{{ section.quality }}"
    )
    package, copy = tmp_path / "spindle.zip", tmp_path / "copy.zip"
    assert build(workspace, package) == 0
    assert run("pack", "release", package, "-w", workspace, "--to", "甲公司", "--out", copy) == 0

    for place, file in (("built", package), ("copied", copy)):
        unpack(file, tmp_path / place)
        papers = tmp_path / place / "papers"
        told = lines_of(papers / "数据产品说明书.docx")
        assert told[0] == f"名称：{product_folder(own.parent).product.listing.name}"
        assert [line for line in told if line.startswith("字段")][:2] == ["字段 time (主键)", "字段 machine (主键)"]
        assert "本厂格式" not in "".join(lines_of(papers / "manual.docx"))
        assert WordFile(str(papers / "数据产品说明书.docx")).core_properties.author == "Factory Kit"
        provenance = json.loads((papers / "provenance.json").read_text("utf-8"))
        assert provenance["manual_templates"] == {"zh": hashlib.sha256(own.read_bytes()).hexdigest()}

    word(own, "{{ body }}", "其他")
    capsys.readouterr()
    assert run("pack", "release", package, "-w", workspace, "--to", "乙公司", "--out", tmp_path / "no.zip") == 2
    assert "the Word templates of the manual are not those of the package; build it again" in capsys.readouterr().err
    assert not (tmp_path / "no.zip").exists()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{{ ''.__class__ }}", "the template uses the name __class__"),
        ("{{ title.upper() }}", "the template uses a call with ( )"),
        ("{{ name_of_nothing }}", "there is no field name_of_nothing"),
        ("{{ fact.basic.nothing }}", "there is no field nothing"),
        ("设备 cnc-01 的数据", "would tell a name of this plant"),
    ],
)
def test_a_wrong_template_is_one_line_and_nothing_is_built(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, what: str
) -> None:
    """Code, fields that no manual has, and a name of the plant's machines in the template itself."""
    word(product(workspace) / "manual.docx", line)
    capsys.readouterr()

    assert build(workspace, tmp_path / "spindle.zip") != 0

    said = capsys.readouterr().err.strip()
    assert what in said
    assert "\n" not in said
    assert list(tmp_path.glob("*.zip")) == []


def test_a_wrong_template_is_found_before_a_sample_is_read(tmp_path: Path) -> None:
    """Pack check tells the mistakes of the templates of both languages; a right one is none."""
    folder = copy_template("cnc-spindle", "our-spindle", tmp_path)
    word(folder / "manual.docx", "{% set x = 1 %}")
    (folder / "manual.en.docx").write_bytes(b"no zip")

    assert [str(problem) for problem in product_problems(folder)] == [
        "our-spindle: manual.en.docx: is no Word document (.docx)",
        "our-spindle: manual.docx: the template uses set; a report template may hold only fields, if and for",
    ]
    word(folder / "manual.docx", "{{ title }}", "{{ fact.basic.name }}", "{{ body }}")
    word(folder / "manual.en.docx", "{% if language == 'en' %}{{ subject }}{% endif %}")
    assert product_problems(folder) == []


def test_the_documented_fields_are_those_of_the_manual(built: Built, tmp_path: Path) -> None:
    """Each name in the table of the documentation can be filled in, and no fact or section is missing there."""
    told = DOCS.read_text(encoding="utf-8").partition("## The manual from your own template")[2].partition("\n## ")[0]
    names = re.findall(r"`\{\{ ((?:fact|section|part)\.[\w.]+) \}\}`", told)
    document = manual(built, "zh")
    facts = {
        f"fact.{part.id}.{key}"
        for section in document.sections
        for part in section.parts
        for key in getattr(part, "keys", ())
    }
    tables = dict(re.findall(r"`table\.(\w+)\.rows`: ((?:`\w+`(?:, )?)+)", told))
    loops = [
        "{%p for row in table."
        + name
        + ".rows %}"
        + "".join("{{ row." + key + " }}" for key in re.findall(r"`(\w+)`", keys))
        for name, keys in tables.items()
    ]

    assert {name for name in names if name.startswith("fact.")} == facts
    assert {name for name in names if name.startswith("section.")} == {
        f"section.{each.id}" for each in document.sections
    }
    lines = [line for loop in loops for line in (*loop.replace(" %}", " %}\n", 1).split("\n"), "{%p endfor %}")]
    assert word_bytes(document, word(tmp_path / "all.docx", *("{{ " + name + " }}" for name in names), *lines))
    assert {"output", "quality", "impacts", "attachments"} <= tables.keys()
