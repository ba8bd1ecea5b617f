"""Help that fits the window in both languages."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from factory_kit.cli.broken_lines import definitions, paragraphs

from .conftest import Command

LONG = "把按分钟汇总的数据（以及要求时的原始样本）发送到对象存储（S3）或文件夹。凭据取自环境变量：AWS_ACCESS_KEY_ID、AWS_REGION。"


@pytest.mark.parametrize("width", range(20, 60))
def test_no_line_is_too_wide_and_no_word_is_broken(width: int) -> None:
    """Chinese is broken at any sign but before a closing and behind an opening one; a name in Latin letters stays whole."""
    lines = paragraphs(LONG, width)
    assert "".join(lines) == LONG
    assert max(map(cell_len, lines)) <= width
    assert any("AWS_ACCESS_KEY_ID" in line for line in lines)
    assert not [line for line in lines if line[0] in "，。、）：" or line[-1] == "（"]


def test_paragraphs_stay_apart_and_blanks_are_where_lines_end() -> None:
    """English ends its lines at blanks, not inside factory-kit; lines of one paragraph are joined."""
    text = "Run factory-kit collect\nin the plant.\n\nExample: one"
    assert paragraphs(text, 12) == ["Run", "factory-kit", "collect in", "the plant.", "", "Example: one"]
    assert paragraphs("", 12) == []
    assert paragraphs("abcdefghij klm", 4) == ["abcd", "efgh", "ij", "klm"]


def test_a_list_has_two_columns() -> None:
    """Names stand beside what they mean; one that is too long stands above it."""
    rows = [("-a", "甲乙丙丁"), ("--" + "b" * 40, "x"), ("c", "")]
    assert definitions(rows, 40) == ["-a" + " " * 30 + "甲乙丙丁", "--" + "b" * 40, " " * 32 + "x", "c"]
    assert definitions([("名", "甲"), ("ab", "乙")], 40) == ["名  甲", "ab  乙"]
    assert definitions([], 40) == []


@pytest.mark.parametrize("words", ["", "store", "collect", "assess new", "pack release", "simulate"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_of_help_fits_eighty_cells(
    factory_kit: Command, words: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the language, the help is no wider than the usual window."""
    monkeypatch.setenv("COLUMNS", "80")
    said = factory_kit("--lang", language, *words.split(), "--help")
    assert said.code == 0
    wide = [line for line in said.out.splitlines() if cell_len(line) > 80]
    assert wide == []
