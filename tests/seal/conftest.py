"""Keys, content and bundles that the tests of sealing share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from factory_kit.seal import NewKey, PublicKey, SecretKey, Signer, new_key, open_key, seal_files

PASSPHRASE = "打开 the door"
NOON = 1_790_000_000_000_000
"""2026-09-21T14:13:20Z in microseconds."""


@dataclass(frozen=True)
class Party:
    """Somebody with a key: its file, what was handed over when it was made, and the opened key."""

    path: Path
    made: NewKey
    key: SecretKey

    @property
    def public(self) -> PublicKey:
        return self.made.public

    def signer(self, role: str, name: str = "某某", time: int = NOON) -> Signer:
        return Signer(self.key, role, name, lambda: time)


@pytest.fixture(scope="session")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Party]]:
    """A provider, an enterprise and a stranger; their keys are opened once, which takes a third of a second each."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("provider", "enterprise", "stranger"):
        path = folder / f"{name}.key"
        handed_over = new_key(path, PASSPHRASE)
        made[name] = Party(path, handed_over, open_key(path, PASSPHRASE))
    yield made
    for party in made.values():
        with party.key:
            pass


@pytest.fixture(scope="session")
def provider(parties: dict[str, Party]) -> Party:
    """The provider of a diagnosis."""
    return parties["provider"]


@pytest.fixture(scope="session")
def enterprise(parties: dict[str, Party]) -> Party:
    """The plant that was looked at."""
    return parties["enterprise"]


@pytest.fixture(scope="session")
def stranger(parties: dict[str, Party]) -> Party:
    """Somebody nobody knows."""
    return parties["stranger"]


SMALL = {"answers.json": b'{"c001":"0.8"}', "evidence/\u72b6\u6001.json": b'{"value":"0.708333"}', "empty": b""}


@pytest.fixture
def small() -> dict[str, bytes]:
    """Three small files, one with a Chinese name, one empty."""
    return dict(SMALL)


@pytest.fixture
def sealed(tmp_path: Path, provider: Party, enterprise: Party) -> Path:
    """The three small files, sealed and signed by both."""
    path = tmp_path / "bundle.zip"
    signers = [provider.signer("provider", "诊断 <服务> 商"), enterprise.signer("enterprise")]
    seal_files(SMALL, path, "assessment-bundle", {"plant": "p1"}, signers)
    return path


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    """The three small files, sealed and signed by nobody."""
    path = tmp_path / "unsigned.zip"
    seal_files(SMALL, path, "assessment-bundle", {"plant": "p1"})
    return path


@pytest.fixture
def altered() -> Callable[[Path, int, int], None]:
    """Changes one byte of a file: path, position, what it is xored with."""

    def change(path: Path, at: int, mask: int = 1) -> None:
        data = bytearray(path.read_bytes())
        data[at] ^= mask
        path.write_bytes(data)

    return change
