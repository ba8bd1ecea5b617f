"""The folder to install from without internet: what it must hold for each target, and what is written beside the wheels."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHOLE = os.environ.get("FACTORY_KIT_WHEELHOUSE", "")


@pytest.fixture(scope="module")
def house() -> ModuleType:
    """The program that makes it."""
    spec = importlib.util.spec_from_file_location("wheelhouse", ROOT / ".ci" / "wheelhouse.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["wheelhouse"] = module
    spec.loader.exec_module(module)
    return module


def package(name: str, version: str, *requires: str, extras: tuple[str, ...] = ()) -> dict[str, Any]:
    """A resolved package as pip reports it."""
    return {"metadata": {"name": name, "version": version, "requires_dist": list(requires)}, "requested_extras": extras}


@pytest.mark.parametrize(
    ("system", "python", "lacking"),
    [
        ("win_amd64", "3.11", ["colorama>=0.4", "late<2"]),
        ("win_amd64", "3.13", ["colorama>=0.4"]),
        ("linux_x86_64", "3.11", ["late<2"]),
        ("linux_aarch64", "3.14", []),
    ],
)
def test_markers_are_read_as_the_target_reads_them(
    house: ModuleType, system: str, python: str, lacking: list[str]
) -> None:
    """What only Windows or only an older Python needs is lacking there and nowhere else; extras count where asked for."""
    resolved = [
        package(
            "One", "1.0", "colorama>=0.4; sys_platform == 'win32'", "late<2; python_version < '3.12'", "Two.Part>=1",
            "never; extra == 'docs'",
        ),
        package("two-part", "1.1"),
    ]  # fmt: skip

    assert sorted(house.lacks(resolved, house.Target(python, house.SYSTEMS[system]))) == lacking


def test_a_version_that_does_not_fit_and_an_extra_are_lacking(house: ModuleType) -> None:
    """A package that is there in another version does not meet the need."""
    target = house.Target("3.12", house.SYSTEMS["linux_x86_64"])
    resolved = [package("one", "1.0", "two>=2", "three; extra == 'x'", extras=("x",)), package("two", "1.9")]

    assert sorted(house.lacks(resolved, target)) == ["three", "two>=2"]


def test_texts_and_sums_lie_beside_the_wheels(house: ModuleType, tmp_path: Path) -> None:
    """INSTALL in both languages, readable in Notepad, nothing left to fill in; the sums are those of the files."""
    (tmp_path / "factory_kit-1.2.3-py3-none-any.whl").write_bytes(b"wheel")
    targets = [house.Target("3.11", house.SYSTEMS["win_amd64"]), house.Target("3.14", house.SYSTEMS["linux_x86_64"])]

    house.write_texts(tmp_path, targets, ["keyring"])
    house.write_sums(tmp_path)

    for name in ("INSTALL.en.txt", "INSTALL.zh.txt"):
        raw = (tmp_path / name).read_bytes()
        text = raw.decode("utf-8-sig")
        assert raw.startswith(b"\xef\xbb\xbf")
        assert text.count("\n") == text.count("\r\n") > 30
        assert "Factory Kit 1.2.3" in text
        assert '--no-index --find-links . "factory-kit[keyring]"' in text
        assert "win_amd64, linux_x86_64" in text
        assert "<" not in text
    sums = dict(reversed(line.split("  ")) for line in (tmp_path / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in tmp_path.iterdir()
        if each.name != "SHA256SUMS"
    }


@pytest.mark.wheel
@pytest.mark.skipif(not WHOLE, reason="loads a gigabyte; set FACTORY_KIT_WHEELHOUSE=1")
def test_a_whole_folder_is_made_and_installed_from(tmp_path: Path) -> None:
    """For this Python and both systems; the program itself installs from it and runs doctor."""
    python = f"3.{sys.version_info[1]}"
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "wheelhouse.py", tmp_path / "wheels 安装", "--python", python],
        capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"installed offline with Python {python}: factory-kit" in done.stdout
