"""Secret keys: files, passphrases, recovery sheets."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import minisign
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_kit.errors import FactoryKitError, KeyRefused
from factory_kit.seal import SecretKey, Signer, backup_sheet, keys, new_key, open_key, read_public, restore_key

if TYPE_CHECKING:
    from tests.seal.conftest import Party

NOON = 1_790_000_000_000_000
PASSPHRASE = "打开 the door"

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


def test_the_secret_never_stands_in_the_file(provider: Party) -> None:
    """The key file holds neither the seed nor the key id in the clear, and says in its first line what it is."""
    text = provider.path.read_text(encoding="ascii")
    stored = minisign.SecretKey.from_bytes(text.encode())

    assert text.startswith("untrusted comment: factory-kit encrypted secret key ")
    assert stored.is_encrypted()
    assert SecretKey(stored).secret()[:8] != provider.key.secret()[:8]
    assert SecretKey(stored).secret()[8:] != provider.key.secret()[8:]


@POSIX
def test_only_the_owner_can_read_the_file(provider: Party) -> None:
    """The secret key has mode 600."""
    assert stat.S_IMODE(provider.path.stat().st_mode) == 0o600


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_others_can_read_is_refused(provider: Party, tmp_path: Path, mode: int) -> None:
    """A key file with rights for group or others is not used; the message says how to mend it."""
    path = tmp_path / "k.key"
    path.write_bytes(provider.path.read_bytes())
    path.chmod(mode)
    with pytest.raises(KeyRefused, match=rf"k.key: others can read this secret key \(mode {mode:o}\); run: chmod 600"):
        open_key(path, PASSPHRASE)


def test_a_wrong_passphrase_is_refused(provider: Party) -> None:
    """One line, no more."""
    with pytest.raises(KeyRefused, match=r"provider.key: wrong passphrase$"):
        open_key(provider.path, "a wrong one")


def test_a_short_passphrase_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """Seven characters are too few."""
    with pytest.raises(KeyRefused, match="has 7 characters, expected at least 8"):
        new_key(tmp_path / "k.key", "1234567")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Neither a secret key nor somebody's public key is lost by making a new one."""
    (tmp_path / "a.key").write_text("precious")
    (tmp_path / "b.pub").write_text(f"untrusted comment: x\n{'RWQ' + 'A' * 53}\n")
    with pytest.raises(KeyRefused, match="there is a key already"):
        new_key(tmp_path / "a.key", PASSPHRASE)
    with pytest.raises(KeyRefused, match="another public key"):
        new_key(tmp_path / "b.key", PASSPHRASE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.key", "b.pub"]
    assert (tmp_path / "a.key").read_text() == "precious"


def test_a_key_whose_public_half_cannot_be_kept_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has seen its recovery sheet, so the secret half goes too."""

    def full(path: Path, content: bytes) -> None:
        raise FactoryKitError("{path}: the disk is full ({size})", path=path, size=len(content))

    monkeypatch.setattr(keys, "write_atomically", full)
    with pytest.raises(FactoryKitError, match=r"k.pub: the disk is full"):
        new_key(tmp_path / "k.key", PASSPHRASE)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_said_in_one_line(tmp_path: Path) -> None:
    """What cannot be written is named."""
    with pytest.raises(KeyRefused, match=r"a.key: the key cannot be written \(No such file"):
        new_key(tmp_path / "no" / "a.key", PASSPHRASE)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"untrusted comment: x\n" + b"A" * 212 + b"\n", b"\xff\xff\n\xff\n"]
)
def test_other_files_are_no_secret_keys(tmp_path: Path, content: bytes) -> None:
    """Anything else is refused in one line."""
    (tmp_path / "k.key").write_bytes(content)
    (tmp_path / "k.key").chmod(0o600)
    with pytest.raises(KeyRefused, match=r"k.key: is no minisign secret key"):
        open_key(tmp_path / "k.key", PASSPHRASE)


def test_a_key_without_passphrase_is_refused(tmp_path: Path) -> None:
    """A key that minisign made without a passphrase is not used."""
    (tmp_path / "k.key").write_bytes(bytes(minisign.KeyPair.generate().secret_key))
    (tmp_path / "k.key").chmod(0o600)
    with pytest.raises(KeyRefused, match="is not protected by a passphrase"):
        open_key(tmp_path / "k.key", PASSPHRASE)


def test_the_public_key_stands_beside_the_secret(provider: Party) -> None:
    """Both names lead to it."""
    assert read_public(provider.path) == provider.public
    assert read_public(provider.path.with_suffix(".pub")) == provider.public


def test_a_recovery_sheet_really_restores_the_key(provider: Party, tmp_path: Path) -> None:
    """The restored key signs, byte for byte, as the lost one did, under another passphrase."""
    restored = restore_key(provider.made.sheet, tmp_path / "k.key", "another passphrase")

    with open_key(tmp_path / "k.key", "another passphrase") as key:
        signer = Signer(key, "provider", "某某", lambda: NOON)
        assert signer.sign(b"content", "x") == provider.signer("provider").sign(b"content", "x")
    assert restored.public == provider.public
    assert restored.sheet == provider.made.sheet == backup_sheet(provider.key)


def test_a_sheet_typed_by_hand_restores_the_key(
    provider: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lower case, other blanks, other order, dots, and 0 1 8 for the letters they look like do not matter."""
    monkeypatch.setattr(keys, "OPSLIMIT", 1 << 15)
    monkeypatch.setattr(keys, "MEMLIMIT", 1 << 24)
    lines = provider.made.sheet.splitlines()[1:]
    confused = str.maketrans("OIB", "018")
    typed = "\n".join(
        f" {line[0]}. {line[1:].lower().translate(str.maketrans('oib', '018'))} " for line in reversed(lines)
    )

    assert restore_key(typed, tmp_path / "k.key", PASSPHRASE).public == provider.public
    assert restore_key(typed.upper().translate(confused), tmp_path / "l.key", PASSPHRASE).public == provider.public


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.integers(1, 5), at=st.integers(0, 19), other=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_misread_character_names_its_line(provider: Party, tmp_path: Path, line: int, at: int, other: str) -> None:
    """Any one wrong character is noticed, and nothing is written."""
    lines = provider.made.sheet.splitlines()
    text = lines[line][1:].replace(" ", "")
    wrong = text[:at] + other + text[at + 1 :]
    if wrong == text:
        return
    lines[line] = f"{line} " + " ".join(wrong[start : start + 4] for start in range(0, 20, 4))
    with pytest.raises(KeyRefused, match=f"line {line} is missing or mistyped"):
        restore_key("\n".join(lines), tmp_path / "k.key", PASSPHRASE)
    assert list(tmp_path.iterdir()) == []


def test_lines_of_two_sheets_are_no_key(provider: Party, enterprise: Party, tmp_path: Path) -> None:
    """Each line for itself is right, together they are not."""
    mixed = provider.made.sheet.splitlines()[:3] + enterprise.made.sheet.splitlines()[3:]
    with pytest.raises(KeyRefused, match="the lines are of different keys"):
        restore_key("\n".join(mixed), tmp_path / "k.key", PASSPHRASE)


@pytest.mark.parametrize(
    ("role", "name"), [("Provider", "x"), ("", "x"), ("a/b", "x"), ("a", ""), ("a", "x\ny"), ("a", "x" * 201)]
)
def test_unreadable_signers_are_refused(provider: Party, role: str, name: str) -> None:
    """Roles are identifiers, names can be read."""
    with pytest.raises(KeyRefused, match=r"is no role|cannot be a signer's name"):
        Signer(provider.key, role, name, lambda: NOON)


def test_a_closed_key_signs_no_more(provider: Party) -> None:
    """After the block the secret is gone from memory."""
    with open_key(provider.path, PASSPHRASE) as key:
        secret = key.secret()
    with pytest.raises(minisign.Error, match="wiped"):
        key.sign(b"", "", "")
    assert secret == provider.key.secret()
