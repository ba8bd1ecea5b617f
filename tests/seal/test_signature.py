"""Signatures: the minisign format, and what is fixed beyond it."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from factory_kit.errors import Altered, KeyRefused
from factory_kit.seal import PublicKey
from factory_kit.seal.signature import Claim, claim_of, name_for, sign, signed_text

if TYPE_CHECKING:
    from tests.seal.conftest import Party

NOON = 1_790_000_000_000_000
PASSPHRASE = "打开 the door"


def claim(party: Party, **changes: object) -> Claim:
    """A claim of *party*."""
    fields = {"file": "MANIFEST.json", "role": "provider", "signer": "某某 诊断\t:%", "time": NOON, "key": party.public}
    return Claim(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_signature_is_the_published_algorithm(provider: Party) -> None:
    """Ed25519 over BLAKE2b-512 of the file, and over that signature with the comment: checked with primitives alone."""
    lines = sign(b"content", provider.key, claim(provider)).decode().split("\n")
    first, second = base64.b64decode(lines[1]), base64.b64decode(lines[3])
    public = base64.b64decode(provider.public.text)
    key = Ed25519PublicKey.from_public_bytes(public[10:])

    assert (public[:2], first[:2], first[2:10]) == (b"Ed", b"ED", public[2:10])
    key.verify(first[10:], hashlib.blake2b(b"content").digest())
    key.verify(second, first[10:] + lines[2].removeprefix("trusted comment: ").encode())
    with pytest.raises(InvalidSignature):
        key.verify(first[10:], hashlib.blake2b(b"contents").digest())


def test_a_signature_says_who_signed_as_what_and_when(provider: Party) -> None:
    """Role, signer, time and key come back as they went in, Chinese and tabs included."""
    said = claim(provider)

    assert claim_of(sign(b"content", provider.key, said), "x") == said
    assert name_for(said) == f"SIGNATURES/provider-{provider.public.key_id}.minisig"


def test_the_comment_reads_like_minisigns_own() -> None:
    """Fields with tabs between, ASCII only."""
    text = signed_text(NOON, "MANIFEST.json", role="provider", signer="某 A/B", key="RW+")

    assert text == "timestamp:1790000000\tfile:MANIFEST.json\thashed\trole:provider\tsigner:%E6%9F%90 A/B\tkey:RW+"


def test_every_byte_of_a_signature_file_counts(provider: Party) -> None:
    """Flipping any bit is noticed without knowing the key, in the unsigned comment and in unused base64 bits too."""
    said = claim(provider)
    data = sign(b"content", provider.key, said)
    accepted = []
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            try:
                fits = claim_of(bytes(changed), "x").key.fits(b"content", bytes(changed))
            except Altered:
                continue
            accepted += [(at, bit)] if fits else []

    assert accepted == []


@pytest.mark.parametrize(
    "data", [b"", b"\n" * 4, b"untrusted comment: x\nRUQ=\ntrusted comment: y\nAA==\n", b"\xff" * 300]
)
def test_what_is_no_signature_is_refused_in_one_line(data: bytes) -> None:
    """Other files are refused, never with another exception."""
    with pytest.raises(Altered, match=r"^x: is no signature in sealed form"):
        claim_of(data, "x")


def test_lines_of_other_systems_are_refused(provider: Party) -> None:
    """A signature whose line ends were changed is said to be altered."""
    with pytest.raises(Altered):
        claim_of(sign(b"content", provider.key, claim(provider)).replace(b"\n", b"\r\n"), "x")


def test_public_keys_are_read_from_file_and_from_text(provider: Party) -> None:
    """Both the .pub file, also with the line ends of Windows, and the bare 56 characters give the key."""
    file = provider.public.to_file()

    assert PublicKey.parse(file, "x") == provider.public
    assert PublicKey.parse(file.replace(b"\n", b"\r\n"), "x") == provider.public
    assert PublicKey.parse(provider.public.text, "x") == provider.public


@pytest.mark.parametrize("text", ["", "RW", "RWQ" + "A" * 53 + "=", "中", "untrusted comment: x\n"])
def test_other_text_is_no_public_key(text: str) -> None:
    """Anything else is refused in one line."""
    with pytest.raises(KeyRefused, match="x: is no minisign public key"):
        PublicKey.parse(text, "x")


@pytest.mark.system
def test_minisign_verifies_our_signature(provider: Party, tmp_path: Path, system_tool: Callable[[str], str]) -> None:
    """The reference program accepts file, comment and key, and names the key as we do."""
    minisign = system_tool("minisign")
    (tmp_path / "m").write_bytes(b"content")
    (tmp_path / "s").write_bytes(sign(b"content", provider.key, claim(provider)))
    command = [minisign, "-V", "-m", tmp_path / "m", "-x", tmp_path / "s", "-p", provider.path.with_suffix(".pub")]

    good = subprocess.run(command, capture_output=True, text=True, check=True)
    (tmp_path / "m").write_bytes(b"contents")
    bad = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "Signature and comment signature verified" in good.stdout
    assert "role:provider\tsigner:%E6%9F%90" in good.stdout
    assert bad.returncode == 1


@pytest.mark.system
def test_minisign_signs_with_our_secret_key(provider: Party, tmp_path: Path, system_tool: Callable[[str], str]) -> None:
    """The reference program opens our key file with its passphrase; what it signs fits our public key."""
    (tmp_path / "m").write_bytes(b"content")
    command = [system_tool("minisign"), "-S", "-m", tmp_path / "m", "-x", tmp_path / "s", "-s", provider.path]

    subprocess.run(command, input=PASSPHRASE + "\n", text=True, encoding="utf-8", capture_output=True, check=True)

    assert provider.public.fits(b"content", (tmp_path / "s").read_bytes())
    assert not provider.public.fits(b"contents", (tmp_path / "s").read_bytes())
