"""``key`` and ``verify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory_kit.seal.keys import Signer, open_key
from factory_kit.seal.sealing import seal_files

from .conftest import Command

PASSPHRASE = "eight or more"


@pytest.fixture
def key(factory_kit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key of a provider."""
    monkeypatch.setenv("FACTORY_KIT_PASSPHRASE", PASSPHRASE)
    factory_kit("key", "new", tmp_path / "provider.key", "--sheet", tmp_path / "sheet.txt")
    return tmp_path / "provider.key"


def sealed(tmp_path: Path, key: Path) -> Path:
    """A small sealed file signed with *key*."""
    out = tmp_path / "thing.zip"
    with open_key(key, PASSPHRASE) as opened:
        seal_files(
            {"a.txt": b"abc"},
            out,
            "thing",
            {},
            [Signer(opened, "provider", "示例诊断公司", lambda: 1_800_000_000_000_000)],
        )
    return out


def test_a_key_comes_back_from_its_sheet(factory_kit: Command, tmp_path: Path, key: Path) -> None:
    """The recovery sheet restores the very key."""
    assert factory_kit("key", "restore", tmp_path / "sheet.txt", tmp_path / "again.key").code == 0
    assert factory_kit("key", "export", tmp_path / "again.key").out == factory_kit("key", "export", key).out


def test_verify_knows_whom_the_ring_trusts(factory_kit: Command, tmp_path: Path, key: Path) -> None:
    """Without a ring the content counts, with an empty one nobody is known, with the key trusted all is well."""
    file, ring = sealed(tmp_path, key), tmp_path / "keys"
    (tmp_path / "empty").mkdir()
    factory_kit(
        "key", "trust", key.with_suffix(".pub"), "--holder", "示例诊断公司", "--role", "provider", "--ring", ring
    )

    assert factory_kit("verify", file).code == 0
    assert factory_kit("verify", file, "--ring", tmp_path / "empty").code == 1
    # the signature of the test lies after the moment of trust
    found = json.loads(factory_kit("verify", file, "--ring", ring, "--json").out)
    assert (found["ok"], [check["state"] for check in found["signatures"]]) == (True, ["valid"])


def test_a_ring_that_is_no_folder_is_wrong_use(factory_kit: Command, tmp_path: Path, key: Path) -> None:
    """A mistyped ring is said, not taken for one that trusts nobody."""
    said = factory_kit("verify", sealed(tmp_path, key), "--ring", tmp_path / "kyes")

    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "is no folder, expected the folder of trusted keys" in said.err


def test_verify_names_what_was_altered(factory_kit: Command, tmp_path: Path, key: Path) -> None:
    """One flipped byte in the content: the file inside is named and the exit code is 1."""
    file = sealed(tmp_path, key)
    content = bytearray(file.read_bytes())
    content[content.index(b"abc")] ^= 1
    file.write_bytes(content)

    said = factory_kit("verify", file)

    assert said.code == 1
    assert "a.txt" in said.err


def test_without_a_terminal_a_passphrase_is_asked_for_in_words(
    factory_kit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can type: the line names the variable."""
    monkeypatch.delenv("FACTORY_KIT_PASSPHRASE", raising=False)

    said = factory_kit("key", "new", tmp_path / "x.key")

    assert said.code == 2
    assert "FACTORY_KIT_PASSPHRASE" in said.err
