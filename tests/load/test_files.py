"""Files by name, on the disk and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.document import text_in
from factory_kit.load.files import Files, FolderFiles, MemoryFiles
from factory_kit.load.maturity import maturity_model
from factory_kit.shipped import data_dir

CONTENTS = {"a.txt": "一".encode(), "in/b.txt": b"b", "in/deep/c.txt": b"", "in-other/d.txt": b"d"}


@pytest.fixture(params=["disk", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """The same files in both places."""
    if request.param == "memory":
        return MemoryFiles(CONTENTS)
    for name, data in CONTENTS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return FolderFiles(tmp_path)


def test_both_places_hold_the_same(files: Files) -> None:
    """Names, folders and contents are told alike, and a folder is no file."""
    inside = files.below("in")

    assert files.names() == ("a.txt", "in", "in-other")
    assert inside.names() == ("b.txt", "deep")
    assert (inside.has("b.txt"), inside.has("deep"), inside.has("d.txt")) == (True, False, False)
    assert (inside.read("b.txt"), inside.size("b.txt"), files.read("in/b.txt")) == (b"b", 1, b"b")
    assert inside.below("deep").parts[-2:] == ("in", "deep")
    assert files.below("nothing").names() == ()


def test_a_missing_file_is_told_alike(files: Files) -> None:
    """What is not there is named in the words of definitions."""
    with pytest.raises(DefinitionError, match=r"shown\.yaml: does not exist; check the path"):
        text_in(files, "none.yaml", "shown.yaml")


def test_a_model_in_memory_is_the_model_on_the_disk() -> None:
    """Read from bytes it has the same content hash; under the name of another edition it is refused."""
    folder = data_dir("assessments") / "models" / "gbt-39116" / "2020"
    names = ("model.yaml", "text.zh.yaml", "text.en.yaml")
    contents = {f"m/gbt-39116/{edition}/{name}": (folder / name).read_bytes() for name in names for edition in "ab"}
    contents |= {f"m/gbt-39116/2020/{name}": (folder / name).read_bytes() for name in names}
    held = MemoryFiles(contents)

    assert maturity_model(held.below("m", "gbt-39116", "2020")).sha256 == maturity_model(folder).sha256
    with pytest.raises(DefinitionError, match="must stand in a folder gbt-39116/2020"):
        maturity_model(held.below("m", "gbt-39116", "a"), "m")
