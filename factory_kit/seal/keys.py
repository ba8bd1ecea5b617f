"""Secret keys: making, opening, backing up on paper and restoring; always encrypted on disk, readable by their owner only."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import minisign
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from factory_kit.errors import KeyRefused
from factory_kit.files import NO_SPACE, sync_folder, write_atomically
from factory_kit.i18n import _
from factory_kit.seal.signature import Claim, PublicKey, SigningKey, sign, signed_text
from factory_kit.seal.stamps import to_text

__all__ = [
    "NewKey",
    "Reason",
    "SecretKey",
    "Signer",
    "backup_sheet",
    "new_key",
    "open_key",
    "read_public",
    "restore_key",
    "revocation",
]

OPSLIMIT, MEMLIMIT = 1 << 22, 1 << 27
"""scrypt with N = 2^17, r = 8, p = 1 (128 MiB, about 0.3 s); minisign's own 1 GiB is too much for an old laptop."""
SHORTEST = 8
OWNER_ONLY = 0o077
LINE = 16
CHECK = 4
SHEET_LINE = re.compile(r"^\s*([1-5])[.:)]?((?:\s+[A-Z0-9]{4}){5})\s*$", re.IGNORECASE)
SECRET_AT = 6 + 32 + 16
"""Bytes before the key id in a minisign secret key: three algorithms, salt, two limits."""

ROLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LONGEST_NAME = 200

Reason = Literal["retired", "lost", "compromised"]
"""Why a key ends: not used any more, nobody has it, or others may have it."""


class SecretKey:
    """A secret key that was opened with its passphrase; use it in a ``with`` block, which wipes it from memory."""

    def __init__(self, opened: minisign.SecretKey) -> None:
        self._opened = opened
        self.public = PublicKey(opened.get_public_key().to_base64().decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.wipe()

    def __repr__(self) -> str:
        return f"SecretKey({self.public.key_id})"

    def sign(self, content: bytes, trusted: str, untrusted: str) -> bytes:
        """A minisign file over *content* with both comments."""
        return (
            bytes(self._opened.sign(content, prehash=True, trusted_comment=trusted, untrusted_comment=untrusted))
            + b"\n"
        )

    def secret(self) -> bytes:
        """Key id (8 bytes) and Ed25519 seed (32 bytes), unprotected."""
        return base64.b64decode(self._opened.to_base64())[SECRET_AT : SECRET_AT + 40]


@dataclass(frozen=True, slots=True)
class NewKey:
    """What ``key new`` hands over: the public key, and the recovery sheet to print and lock away."""

    public: PublicKey
    sheet: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: an opened key, the role, the name as it is to be read, and the clock (microseconds since 1970-01-01 UTC)."""

    key: SigningKey
    role: str
    name: str
    now: Callable[[], int]

    def __post_init__(self) -> None:
        """``KeyRefused`` for a role that is no identifier or a name that cannot be read."""
        if not ROLE.fullmatch(self.role):
            raise KeyRefused("{role!r} is no role, expected lower-case letters, digits and . _ -", role=self.role)
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > LONGEST_NAME:
            raise KeyRefused(
                "{name!r} cannot be a signer's name, expected 1 to 200 printable characters", name=self.name
            )

    def sign(self, content: bytes, file: str) -> tuple[Claim, bytes]:
        """The claim and the signature file over *content*, which is the content of *file*."""
        claim = Claim(file, self.role, self.name, self.now() // 1_000_000 * 1_000_000, self.key.public)
        return claim, sign(content, self.key, claim)


def new_key(path: Path, passphrase: str) -> NewKey:
    """A new key: the encrypted secret at *path*, the public key beside it as ``.pub``.

    ``KeyRefused`` when there is a key already, or the passphrase is shorter than 8 characters.
    """
    return _save(minisign.KeyPair.generate().secret_key, path, passphrase)


def open_key(path: Path, passphrase: str) -> SecretKey:
    """The secret key at *path*; ``KeyRefused`` when others can read the file, it is no key, or the passphrase is wrong."""
    key = _read_secret(path)
    if not key.is_encrypted():
        raise KeyRefused(
            "{file}: is not protected by a passphrase; make a new key, or restore this one from its sheet", file=path
        )
    try:
        key.decrypt(passphrase)
    except minisign.Error as error:
        raise KeyRefused("{file}: wrong passphrase", file=path) from error
    return SecretKey(key)


def read_public(path: Path) -> PublicKey:
    """The public key in the ``.pub`` file *path*, or beside the secret key *path*."""
    beside = path.with_suffix(".pub") if path.suffix == ".key" else path
    try:
        return PublicKey.parse(beside.read_bytes(), str(beside))
    except OSError as error:
        raise KeyRefused("{file}: cannot be read ({reason})", file=beside, reason=error.strerror) from error


def backup_sheet(key: SecretKey) -> str:
    """The key itself as five lines to print; whoever reads them can sign, no passphrase needed.

    40 bytes (key id, seed) and the first 10 of their sha256, in base32 (RFC 4648), 16 characters to a line, each line with
    4 check characters of its own, so that a misread line is named.
    """
    secret = key.secret()
    text = base64.b32encode(secret + hashlib.sha256(secret).digest()[:10]).decode()
    lines = [text[at : at + LINE] for at in range(0, len(text), LINE)]
    shown = [f"{number}  {_in_fours(line + _check_of(number, line))}" for number, line in enumerate(lines, start=1)]
    title = _(
        "Factory Kit key {key_id}: recovery sheet. Whoever has these lines can sign in your name: lock them away."
    )
    return "\n".join((title.format(key_id=key.public.key_id), *shown, ""))


def restore_key(sheet: str, path: Path, passphrase: str) -> NewKey:
    """The key of a recovery sheet, saved at *path* under a new passphrase; ``KeyRefused`` names the line that was misread."""
    lines = {int(match[1]): _unconfused(match[2]) for line in sheet.splitlines() if (match := SHEET_LINE.match(line))}
    for number in range(1, 6):
        line = lines.get(number, "")
        if line[LINE:] != _check_of(number, line[:LINE]):
            raise KeyRefused(
                "recovery sheet: line {number} is missing or mistyped; compare it with the paper", number=number
            )
    raw = base64.b32decode("".join(lines[number][:LINE] for number in range(1, 6)))
    secret = raw[:40]
    if raw[40:] != hashlib.sha256(secret).digest()[:10]:
        raise KeyRefused("recovery sheet: the lines are of different keys; compare them with the paper")
    return _save(_from_secret(secret), path, passphrase)


def revocation(key: SecretKey, since: int, reason: Reason, now: int) -> bytes:
    """The statement, signed by the key itself, that it is not to be trusted from *since* on (times in microseconds, UTC).

    It is a minisign file over the key's ``.pub`` file, to be given to everybody who trusts the key.
    """
    public = key.public
    text = revocation_text(public, since, reason, now)
    return key.sign(public.to_file(), text, f"signature by key {public.key_id}")


def revocation_text(public: PublicKey, since: int, reason: str, now: int) -> str:
    """The signed comment of a revocation."""
    return signed_text(
        now, f"{public.key_id}.pub", revokes=public.key_id, since=to_text(since), reason=reason, key=public.text
    )


def _save(key: minisign.SecretKey, path: Path, passphrase: str) -> NewKey:
    if len(passphrase) < SHORTEST:
        raise KeyRefused(
            "the passphrase has {length} characters, expected at least {least}", length=len(passphrase), least=SHORTEST
        )
    beside = path.with_suffix(".pub")
    with SecretKey(key) as opened:
        made = NewKey(opened.public, backup_sheet(opened))
        if beside == path or (beside.exists() and read_public(beside) != made.public):
            raise KeyRefused("{file}: is the place of another public key; choose another name", file=beside)
        key.encrypt(passphrase, opslimit=OPSLIMIT, memlimit=MEMLIMIT)
        key.untrusted_comment = f"factory-kit encrypted secret key {made.public.key_id}"
        _write_secret(path, bytes(key) + b"\n")
    try:
        write_atomically(beside, made.public.to_file())
    except BaseException:
        path.unlink()  # nobody has seen the recovery sheet yet
        raise
    return made


def _write_secret(path: Path, data: bytes) -> None:
    """The file is made for its owner only from its first moment on, and never over another key."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyRefused(
            "{file}: there is a key already; choose another name, keys are never overwritten", file=path
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> KeyRefused:
    if error.errno in NO_SPACE:
        return KeyRefused("{file}: the disk is full, no key was made; make room and repeat", file=path)
    return KeyRefused("{file}: the key cannot be written ({reason})", file=path, reason=error.strerror)


def _read_secret(path: Path) -> minisign.SecretKey:
    try:
        mode = path.stat().st_mode & 0o777
        data = path.read_bytes()
    except OSError as error:
        raise KeyRefused("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error
    if os.name != "nt" and mode & OWNER_ONLY:
        raise KeyRefused(
            "{file}: others can read this secret key (mode {mode}); run: chmod 600 {file}", file=path, mode=f"{mode:o}"
        )
    try:
        return minisign.SecretKey.from_bytes(data)
    except (minisign.Error, ValueError) as error:
        raise KeyRefused("{file}: is no minisign secret key", file=path) from error


def _from_secret(secret: bytes) -> minisign.SecretKey:
    """The unencrypted minisign secret key of *secret*: algorithms, no salt, no limits, then id, seed, public key, checksum."""
    public = Ed25519PrivateKey.from_private_bytes(secret[8:]).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    checksum = hashlib.blake2b(b"Ed" + secret + public, digest_size=32).digest()
    return minisign.SecretKey.from_base64(base64.b64encode(b"Ed\0\0B2" + bytes(48) + secret + public + checksum))


def _check_of(number: int, line: str) -> str:
    return base64.b32encode(hashlib.sha256(f"{number}{line}".encode()).digest())[:CHECK].decode()


def _in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _unconfused(text: str) -> str:
    """Base32 has no 0, 1 and 8, so they can only be misread letters."""
    return "".join(text.split()).upper().translate(str.maketrans("018", "OIB"))
