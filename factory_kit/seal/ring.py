"""The key ring: a folder with the public keys a receiver trusts, whose they are, what they may sign, and which were revoked.

``<key id>.json`` trusts a key; ``<key id>.revoked.minisig`` is the key's own statement that it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory_kit.errors import Altered, KeyRefused
from factory_kit.files import write_atomically
from factory_kit.model.definition import Identifier
from factory_kit.seal.canonical import canonical, read_canonical
from factory_kit.seal.keys import Reason, revocation_text
from factory_kit.seal.signature import Claim, PublicKey, check_form, comment_fields, key_of, not_ours
from factory_kit.seal.stamps import SECOND, from_text, to_text

__all__ = ["KeyRing", "Revocation", "SignatureState", "TrustedKey", "end_trust", "take_revocation", "trust"]

REVOKED = ".revoked.minisig"
_CONFIG = ConfigDict(frozen=True, strict=True, extra="forbid")


class SignatureState(StrEnum):
    """What a receiver holds of a signature."""

    VALID = "valid"
    UNKNOWN_KEY = "unknown key"
    """It fits the key it names, but nobody here said whose key that is."""
    NOT_ALLOWED = "not allowed"
    """The key is known, but not for this role, or not at that time."""
    REVOKED = "revoked"
    WRONG = "wrong"
    """It does not fit: something was altered."""
    MISSING = "missing"
    """A role that is to sign has not signed."""


class Revocation(BaseModel):
    """Since when a key is not to be trusted, why, and whether the key said so itself or the owner of this ring did."""

    model_config = _CONFIG
    since: str
    reason: Reason
    by: str = Field(min_length=1)

    def covers(self, signed: int, received: int | None) -> bool:
        """True when a signature of the time *signed* falls under it.

        A thief can write any time into a signature: after a compromise only those count that had arrived before.
        """
        since = from_text(self.since)
        if self.reason == "compromised":
            return received is None or received >= since
        return signed >= since


class TrustedKey(BaseModel):
    """A public key, its holder, the roles it may sign in, and from when until when."""

    model_config = _CONFIG
    form: Literal[1] = 1
    key: str
    holder: str = Field(min_length=1)
    roles: tuple[Identifier, ...] = Field(min_length=1)
    since: str
    until: str | None = None
    revoked: Revocation | None = None

    def allows(self, claim: Claim) -> bool:
        """True when the key may sign in the role and at the time of *claim*."""
        ended = self.until is not None and claim.time >= from_text(self.until)
        return claim.role in self.roles and not ended and claim.time >= from_text(self.since) // SECOND * SECOND


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Trusted keys and revocations, both by key id."""

    keys: Mapping[str, TrustedKey] = field(default_factory=dict)
    revoked: Mapping[str, Revocation] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> KeyRing:
        """The ring in *folder*, empty when there is no such folder; ``KeyRefused`` names a file that is no entry."""
        keys = {path.stem: _read_entry(path) for path in sorted(folder.glob("*.json"))}
        revoked = {
            path.name.removesuffix(REVOKED): _read_revocation(path)[1] for path in sorted(folder.glob(f"*{REVOKED}"))
        }
        return cls(keys, revoked)

    def judge(self, claim: Claim, content: bytes, signature: bytes, received: int | None = None) -> SignatureState:
        """The state of *signature* over *content* that says *claim*; *received* is when it arrived, if that is on record."""
        known = self.keys.get(claim.key.key_id)
        key = PublicKey(known.key) if known else claim.key
        if not key.fits(content, signature):
            return SignatureState.WRONG
        if any(revocation.covers(claim.time, received) for revocation in self._revocations(claim.key.key_id)):
            return SignatureState.REVOKED
        if known is None:
            return SignatureState.UNKNOWN_KEY
        return SignatureState.VALID if known.allows(claim) else SignatureState.NOT_ALLOWED

    def holder(self, key_id: str) -> str | None:
        """Whose key it is, where that is known."""
        known = self.keys.get(key_id)
        return known.holder if known else None

    def _revocations(self, key_id: str) -> list[Revocation]:
        known = self.keys.get(key_id)
        both = (self.revoked.get(key_id), known.revoked if known else None)
        return [revocation for revocation in both if revocation is not None]


def trust(
    folder: Path, key: PublicKey, holder: str, roles: Sequence[str], since: int, until: int | None = None
) -> Path:
    """Trust *key* of *holder* in *roles* from *since* until before *until* (microseconds, UTC); gives the entry's path.

    ``KeyRefused`` when another key of the same id is there, or a role is no identifier.
    """
    path = folder / f"{key.key_id}.json"
    if path.exists() and _read_entry(path).key != key.text:
        raise KeyRefused(
            "{file}: another key of this id is trusted already; ask both holders for their keys", file=path
        )
    try:
        entry = TrustedKey(
            key=key.text, holder=holder, roles=tuple(sorted(set(roles))), since=to_text(since),
            until=None if until is None else to_text(until),
        )  # fmt: skip
    except ValidationError as error:
        raise _no_entry(path, error) from error
    _write_entry(path, entry)
    return path


def end_trust(folder: Path, key_id: str, since: int, reason: Reason, by: str) -> None:
    """Record here that the key is not to be trusted from *since* on, said by *by*: for keys that cannot say so themselves."""
    path = folder / f"{key_id}.json"
    if not path.exists():
        raise KeyRefused("{file}: no key of this id is trusted here", file=path)
    statement = Revocation(since=to_text(since), reason=reason, by=by)
    _write_entry(path, _read_entry(path).model_copy(update={"revoked": statement}))


def take_revocation(folder: Path, statement: Path) -> Revocation:
    """Keep the key's own *statement*, made by ``revocation``, in the ring; ``Altered`` unless the key really said so."""
    key, revocation = _read_revocation(statement)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{key.key_id}{REVOKED}", statement.read_bytes())
    return revocation


def _write_entry(path: Path, entry: TrustedKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, canonical(entry.model_dump(mode="json"), str(path)) + b"\n")


def _read_entry(path: Path) -> TrustedKey:
    data = _bytes_of(path)
    try:
        read_canonical(data.removesuffix(b"\n"), str(path))
        entry = TrustedKey.model_validate_json(data)
        for moment in (entry.since, entry.until, entry.revoked and entry.revoked.since):
            from_text(moment or entry.since)
        misnamed = PublicKey.parse(entry.key, str(path)).key_id != path.stem
    except ValueError as error:  # pydantic's errors are ValueErrors too
        raise _no_entry(path, error) from error
    if misnamed:
        raise KeyRefused("{file}: holds a key of another id; was it renamed?", file=path)
    return entry


def _read_revocation(path: Path) -> tuple[PublicKey, Revocation]:
    data, where = _bytes_of(path), str(path)
    key, fields = key_of(data, where), comment_fields(data, where)
    try:
        statement = Revocation.model_validate({"since": fields["since"], "reason": fields["reason"], "by": "key"})
        text = revocation_text(key, from_text(statement.since), statement.reason, int(fields["timestamp"]) * SECOND)
    except (KeyError, ValueError) as error:
        raise not_ours(where) from error
    check_form(data, text, key, where)
    if not key.fits(key.to_file(), data):
        raise Altered("{file}: the revocation was not signed by the key it names", file=path)
    return key, statement


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyRefused("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error


def _no_entry(path: Path, error: ValueError) -> KeyRefused:
    reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
    return KeyRefused("{file}: is no entry of a key ring ({reason}); trust the key again", file=path, reason=reason)
