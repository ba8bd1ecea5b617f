"""Signatures over manifests: minisign files (Ed25519 over BLAKE2b-512) whose signed comment says who signed, as what, when.

Any minisign program verifies them. Beyond minisign, every byte of such a file is fixed by what it says, so no byte of it can
change unnoticed, not even in the comment that minisign leaves unsigned. Key ids are shown as minisign shows them.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote

import minisign

from factory_kit.errors import Altered, KeyRefused
from factory_kit.seal.paths import SIGNATURES
from factory_kit.seal.stamps import SECOND, to_text

__all__ = ["Claim", "PublicKey", "SigningKey", "claim_of", "key_of", "name_for", "sign", "signed_text"]

SUFFIX = ".minisig"
LONGEST = 16 << 10
"""Bytes of a signature file at most."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A minisign public key: 56 characters that start with ``RW``."""

    text: str

    @classmethod
    def parse(cls, data: bytes | str, where: str) -> PublicKey:
        """The key in a ``.pub`` file or in the bare 56 characters; ``KeyRefused`` for anything else."""
        content = data.decode("ascii", errors="replace") if isinstance(data, bytes) else data
        text = content.strip().rsplit("\n", maxsplit=1)[-1].strip()
        try:
            same = minisign.PublicKey.from_base64(text).to_base64().decode() == text
        except (minisign.Error, ValueError):
            same = False
        if not same:
            raise KeyRefused(
                "{file}: is no minisign public key, expected two lines, the second starting with RW", file=where
            )
        return cls(text)

    @property
    def key_id(self) -> str:
        """The 16 hexadecimal digits by which minisign names the key."""
        return base64.b64decode(self.text)[2:10][::-1].hex().upper()

    def to_file(self) -> bytes:
        """The content of a ``.pub`` file."""
        return f"untrusted comment: minisign public key {self.key_id}\n{self.text}\n".encode()

    def fits(self, content: bytes, signature: bytes) -> bool:
        """True when this key made the minisign file *signature* over *content*."""
        try:
            minisign.PublicKey.from_base64(self.text).verify(content, minisign.Signature.from_bytes(signature))
        except (minisign.Error, ValueError):
            return False
        return True


class SigningKey(Protocol):
    """What can sign: a secret key that was opened."""

    @property
    def public(self) -> PublicKey:
        """Its public key."""

    def sign(self, content: bytes, trusted: str, untrusted: str) -> bytes:
        """A minisign file over *content* with both comments."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signature says of itself; true only as far as its key is trusted."""

    file: str
    """Name of the signed file."""
    role: str
    signer: str
    time: int
    """Microseconds since 1970-01-01 UTC, whole seconds, by the signer's clock."""
    key: PublicKey

    def comment(self) -> str:
        """The signed comment."""
        return signed_text(self.time, self.file, role=self.role, signer=self.signer, key=self.key.text)


def sign(content: bytes, key: SigningKey, claim: Claim) -> bytes:
    """The signature file of *key* over *content* that says *claim*."""
    return key.sign(content, claim.comment(), f"signature by key {claim.key.key_id}")


def name_for(claim: Claim) -> str:
    """The name of the signature file inside a sealed thing."""
    return f"{SIGNATURES}{claim.role}-{claim.key.key_id}{SUFFIX}"


def claim_of(data: bytes, where: str) -> Claim:
    """What the signature file *data* says; ``Altered`` unless it is in the one form ``sign`` writes."""
    fields = comment_fields(data, where)
    try:
        file, role, signer = fields["file"], fields["role"], unquote(fields["signer"], errors="strict")
        claim = Claim(file, role, signer, int(fields["timestamp"]) * SECOND, PublicKey.parse(fields["key"], where))
        to_text(claim.time)
    except (KeyError, ValueError, OverflowError, KeyRefused) as error:
        raise not_ours(where) from error
    check_form(data, claim.comment(), claim.key, where)
    return claim


def key_of(data: bytes, where: str) -> PublicKey:
    """The key that the signature file *data* names; ``Altered`` when it names none."""
    try:
        return PublicKey.parse(comment_fields(data, where)["key"], where)
    except (KeyError, KeyRefused) as error:
        raise not_ours(where) from error


def signed_text(time: int, file: str, **fields: str) -> str:
    """A signed comment as minisign writes them: tab between fields, colon after the name, values percent-encoded."""
    shown = "".join(f"\t{name}:{quote(value, safe=' +/=:')}" for name, value in fields.items())
    return f"timestamp:{time // SECOND}\tfile:{file}\thashed{shown}"


def comment_fields(data: bytes, where: str) -> dict[str, str]:
    """The fields of the signed comment of the signature file *data*."""
    try:
        comment: str = minisign.Signature.from_bytes(data).trusted_comment
    except (minisign.Error, ValueError) as error:
        raise not_ours(where) from error
    return dict(field.split(":", 1) for field in comment.split("\t") if ":" in field)


def check_form(data: bytes, comment: str, key: PublicKey, where: str) -> None:
    """``Altered`` unless *data* is the file with *comment* by *key*, the two signatures aside."""
    try:
        lines = data.decode("ascii").split("\n")
        raw = [base64.b64decode(lines[at], validate=True) for at in (1, 3)]
    except (ValueError, IndexError, binascii.Error) as error:
        raise not_ours(where) from error
    expected = [
        f"untrusted comment: signature by key {key.key_id}",
        base64.b64encode(b"ED" + base64.b64decode(key.text)[2:10] + raw[0][10:]).decode(),
        f"trusted comment: {comment}",
        base64.b64encode(raw[1]).decode(),
        "",
    ]
    if lines != expected:
        raise not_ours(where)


def not_ours(where: str) -> Altered:
    """The error for a signature file that is not in the form written here."""
    return Altered("{file}: is no signature in sealed form; it was altered or made by another program", file=where)
