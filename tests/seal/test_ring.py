"""Key rings: trust, roles, validity, revocation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_kit.errors import Altered, KeyRefused
from factory_kit.seal import KeyRing, SecretKey, SignatureState, Signer, end_trust, revocation, take_revocation, trust
from factory_kit.seal.keys import Reason, _from_secret
from factory_kit.seal.signature import name_for

if TYPE_CHECKING:
    from tests.seal.conftest import Party

NOON = 1_790_000_000_000_000

DAY = 86_400_000_000
CONTENT = b"content"


def state(
    ring: Path, party: Party, time: int = NOON, role: str = "provider", received: int | None = None
) -> SignatureState:
    """What the ring holds of a signature of *party*."""
    claim, signature = party.signer(role, time=time).sign(CONTENT, "MANIFEST.json")
    return KeyRing.read(ring).judge(claim, CONTENT, signature, received)


@pytest.fixture
def ring(tmp_path: Path, provider: Party) -> Path:
    """A ring that trusts the provider for ten days around noon."""
    folder = tmp_path / "ring"
    trust(folder, provider.public, "诊断公司", ["provider"], NOON - 5 * DAY, NOON + 5 * DAY)
    return folder


def test_a_trusted_key_is_valid(ring: Path, provider: Party) -> None:
    """Known key, allowed role, allowed time; and the ring says whose it is."""
    assert state(ring, provider) is SignatureState.VALID
    assert KeyRing.read(ring).holder(provider.public.key_id) == "诊断公司"


def test_a_foreign_key_is_unknown(ring: Path, stranger: Party) -> None:
    """Its signature fits, but it is nobody's here."""
    assert state(ring, stranger) is SignatureState.UNKNOWN_KEY
    assert KeyRing.read(ring).holder(stranger.public.key_id) is None


@pytest.mark.parametrize(
    ("role", "time", "expected"),
    [
        ("enterprise", NOON, SignatureState.NOT_ALLOWED),
        ("provider", NOON - 5 * DAY, SignatureState.VALID),
        ("provider", NOON - 5 * DAY - 1_000_000, SignatureState.NOT_ALLOWED),
        ("provider", NOON + 5 * DAY - 1_000_000, SignatureState.VALID),
        ("provider", NOON + 5 * DAY, SignatureState.NOT_ALLOWED),
    ],
)
def test_a_key_counts_in_its_roles_and_its_time(
    ring: Path, provider: Party, role: str, time: int, expected: SignatureState
) -> None:
    """From the first moment until before the last, in no other role."""
    assert state(ring, provider, time, role) is expected


def test_a_changed_content_is_wrong(ring: Path, provider: Party) -> None:
    """The signature of something else does not fit."""
    claim, signature = provider.signer("provider").sign(CONTENT, "MANIFEST.json")
    assert KeyRing.read(ring).judge(claim, CONTENT + b"s", signature) is SignatureState.WRONG


def test_an_impostor_with_the_same_key_id_is_wrong(ring: Path, provider: Party, stranger: Party) -> None:
    """Key ids are short and can be copied; the key in the ring decides."""
    secret = provider.key.secret()[:8] + stranger.key.secret()[8:]
    impostor = Signer(SecretKey(_from_secret(secret)), "provider", "某某", lambda: NOON)
    claim, signature = impostor.sign(CONTENT, "MANIFEST.json")

    assert claim.key.key_id == provider.public.key_id
    assert claim.key.fits(CONTENT, signature)
    assert KeyRing.read(ring).judge(claim, CONTENT, signature) is SignatureState.WRONG


def revoke(ring: Path, party: Party, since: int, reason: Reason) -> None:
    """The party says that its key ended, and the ring is told."""
    statement = ring.parent / "statement"
    statement.write_bytes(revocation(party.key, since, reason, NOON))
    take_revocation(ring, statement)


def test_a_retired_key_counts_for_what_it_signed_before(ring: Path, provider: Party) -> None:
    """Signatures dated before stay, later ones are refused."""
    revoke(ring, provider, NOON, "retired")

    assert state(ring, provider, NOON - 1_000_000) is SignatureState.VALID
    assert state(ring, provider, NOON) is SignatureState.REVOKED
    assert state(ring, provider, NOON + DAY) is SignatureState.REVOKED


def test_after_a_compromise_only_what_had_arrived_counts(ring: Path, provider: Party) -> None:
    """A thief can date a signature back, so the date alone does not help; the receiver's own record does."""
    revoke(ring, provider, NOON, "compromised")

    assert state(ring, provider, NOON - DAY) is SignatureState.REVOKED
    assert state(ring, provider, NOON - DAY, received=NOON) is SignatureState.REVOKED
    assert state(ring, provider, NOON - DAY, received=NOON - 1) is SignatureState.VALID


def test_the_revocation_of_a_key_nobody_trusts_is_kept(ring: Path, stranger: Party) -> None:
    """It is refused even before anybody trusts it by mistake."""
    revoke(ring, stranger, NOON - DAY, "retired")
    assert state(ring, stranger) is SignatureState.REVOKED
    trust(ring, stranger.public, "谁", ["provider"], 0)
    assert state(ring, stranger) is SignatureState.REVOKED


def test_a_lost_key_can_be_ended_by_the_receiver(ring: Path, provider: Party) -> None:
    """Nobody can sign the statement, so the ring notes who said it."""
    end_trust(ring, provider.public.key_id, NOON, "lost", "王科长")

    assert state(ring, provider) is SignatureState.REVOKED
    assert state(ring, provider, NOON - DAY) is SignatureState.VALID


def test_every_byte_of_a_revocation_counts(ring: Path, provider: Party, tmp_path: Path) -> None:
    """No byte of a statement can change without it being refused."""
    data = revocation(provider.key, NOON, "retired", NOON)
    path = tmp_path / "statement"
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(Altered):
            take_revocation(ring, path)
    assert state(ring, provider) is SignatureState.VALID


def test_a_signature_is_no_revocation(ring: Path, provider: Party, tmp_path: Path) -> None:
    """What was signed as a bundle cannot be turned into a statement, nor a statement into a signature."""
    claim, signature = provider.signer("provider").sign(provider.public.to_file(), f"{provider.public.key_id}.pub")
    (tmp_path / "s").write_bytes(signature)
    with pytest.raises(Altered):
        take_revocation(ring, tmp_path / "s")
    assert name_for(claim).startswith("SIGNATURES/provider-")


def test_nobody_can_revoke_the_key_of_another(ring: Path, provider: Party, stranger: Party, tmp_path: Path) -> None:
    """A statement that names another key than the one that signed it is refused."""
    data = revocation(stranger.key, NOON, "retired", NOON)
    forged = data.replace(stranger.public.text.encode(), provider.public.text.encode()).replace(
        stranger.public.key_id.encode(), provider.public.key_id.encode()
    )
    (tmp_path / "s").write_bytes(forged)
    with pytest.raises(Altered):
        take_revocation(ring, tmp_path / "s")


def test_another_key_of_the_same_id_is_refused(ring: Path, provider: Party, stranger: Party) -> None:
    """An entry is not replaced by a key that only bears the same id."""
    path = ring / f"{provider.public.key_id}.json"
    path.rename(ring / f"{stranger.public.key_id}.json")
    with pytest.raises(KeyRefused, match="holds a key of another id"):
        trust(ring, stranger.public, "x", ["provider"], 0)


@pytest.mark.parametrize("roles", [[], ["Provider"], [""]])
def test_entries_without_proper_roles_are_refused(ring: Path, stranger: Party, roles: list[str]) -> None:
    """A key is trusted for something, and the something is an identifier."""
    with pytest.raises(KeyRefused, match="is no entry of a key ring"):
        trust(ring, stranger.public, "x", roles, 0)


@pytest.mark.parametrize(
    "change",
    [
        (b'"form":1', b'"form":2'),
        (b"provider", b"pro vid"),
        (b"2026-09-16T", b"2026-09-31T"),
        (b'"holder"', b'"h"'),
        (b"{", b"{ "),
    ],
)
def test_a_damaged_entry_is_named(ring: Path, provider: Party, change: tuple[bytes, bytes]) -> None:
    """A ring with a file that is no entry is not used at all."""
    path = ring / f"{provider.public.key_id}.json"
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises((KeyRefused, Altered), match=f"{provider.public.key_id}.json: "):
        KeyRing.read(ring)


def test_a_ring_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """Nobody is trusted."""
    assert KeyRing.read(tmp_path / "no") == KeyRing()
