"""Names inside sealed things."""

from __future__ import annotations

import pytest

from factory_kit.errors import UnsafeArchive
from factory_kit.seal.paths import check_name, check_names, order


@pytest.mark.parametrize(
    "name",
    [
        "a", "a.json", "evidence/i1-plant-0123456789ab.json", "数据/能耗（小时）.parquet", "[Content_Types].xml", "falcon.json",
        "console/communication.txt", "㵘.txt", "😀.txt", "a b.txt", ".hidden/x", "day=2026-09-01/part-0.parquet", "a..b",
    ],
)  # fmt: skip
def test_ordinary_names_are_taken(name: str) -> None:
    """Letters, digits, dots, Chinese, rare characters and blanks inside are fine."""
    check_name(name, "x")


@pytest.mark.parametrize(
    "name",
    [
        "../a", "a/../../b", "/etc/passwd", "a//b", "a/", "", ".", "a/.", "C:/a", "C:a", "a\\b", "..\\a", "\\\\host\\a", "a\0b",
        "a\nb", "a?b", "a|b", "con", "CON.txt", "con/a", "a/nul.json", "lpt1", "aux .txt", "COM¹", "a.", "a/b /c", " a", "a/ b",
        "e\u0301.txt", "\u202etxt.exe", "a\u200bb", "\ufeffa", "\ud800", "a" * 241, "/".join(["ab"] * 81), "中" * 86,
    ],
)  # fmt: skip
def test_names_that_leave_the_folder_or_differ_by_system_are_refused(name: str) -> None:
    """No way up, no root, no drive, no backslash, no device, nothing unseen, nothing too long, one Unicode form."""
    with pytest.raises(UnsafeArchive, match=r"^x: "):
        check_name(name, "x")


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "A"), ("Straße", "STRASSE"), ("中/É", "中/é"), ("a", "a/b"), ("A/b", "a"), ("ﬁ", "fi"), ("a/B/c", "a/b")],
)
def test_names_that_some_systems_take_for_the_same_are_refused(one: str, other: str) -> None:
    """Capitals, ligatures, and a file where another needs a folder."""
    with pytest.raises(UnsafeArchive, match="would overwrite each other"):
        check_names([one, other], "x")


def test_many_files_in_the_same_folders_are_taken() -> None:
    """Sharing folders is no clash, however deep."""
    check_names(["a/b/c", "a/b/d", "a/e", "f", "A/g"], "x")


def test_content_comes_before_manifest_and_signatures() -> None:
    """The order of files does not depend on how manifest and signatures sort by name."""
    names = ["SIGNATURES/provider-1.minisig", "MANIFEST.json", "A", "z", "中"]

    assert sorted(names, key=order) == ["A", "z", "中", "MANIFEST.json", "SIGNATURES/provider-1.minisig"]
