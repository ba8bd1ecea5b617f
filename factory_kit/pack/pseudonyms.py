"""Pseudonyms that stay the same under one key and tell nothing without it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from factory_kit.errors import KeyRefused
from factory_kit.files import write_atomically

__all__ = ["key_fingerprint", "plant_key", "pseudonyms"]

KEY_BYTES = 32
SIGNS = 12


def plant_key(file: Path) -> bytes:
    """The secret key in *file*, made on first use and readable by its owner only; it never leaves the plant.

    ``KeyRefused`` when the file is damaged, or readable by others where the system knows modes.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, secrets.token_hex(KEY_BYTES) + "\n", secret=True)
    if os.name != "nt" and file.stat().st_mode & 0o077:
        raise KeyRefused("{file}: the key of the pseudonyms is readable by others; run chmod 600 on it", file=file)
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (ValueError, UnicodeDecodeError) as error:
        raise KeyRefused("{file}: is no key of pseudonyms, expected 64 hexadecimal digits", file=file) from error
    if len(key) != KEY_BYTES:
        raise KeyRefused("{file}: is no key of pseudonyms, expected 64 hexadecimal digits", file=file)
    return key


def key_fingerprint(key: bytes) -> str:
    """Sixteen signs that name *key* in the papers without telling it."""
    return hmac.new(key, b"factory-kit pseudonym key", hashlib.sha256).hexdigest()[:16]


def pseudonyms(names: Iterable[str], key: bytes, what: str) -> dict[str, str]:
    """A pseudonym for each of *names*: HMAC-SHA256 over ``what|name`` in base 32, 60 bits."""
    return {name: _pseudonym(name, key, what) for name in names}


def _pseudonym(name: str, key: bytes, what: str) -> str:
    digest = hmac.new(key, f"{what}|{name}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii")[:SIGNS].lower()
