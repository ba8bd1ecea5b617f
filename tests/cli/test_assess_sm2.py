"""``assess sign-sm2`` and ``assess verify-sm2``, and OpenSSL itself as the judge of what they wrote."""

from __future__ import annotations

import base64
import json
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from factory_kit.seal import seal_files

from .conftest import Command

SIGNER = "上海某某检测㵘有限公司 & \"SM2\" <'1'>"
PASSPHRASE = "correct horse battery"


@dataclass(frozen=True)
class Place:
    """A folder with a bundle, SM2 keys, one of them under a passphrase, and the OpenSSL that made them."""

    openssl: str
    folder: Path

    @property
    def bundle(self) -> Path:
        """The sealed file."""
        return self.folder / "plant.zip"

    @property
    def signature(self) -> Path:
        """Where the signature stands by default."""
        return self.folder / "plant.zip.sm2"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """What OpenSSL says."""
        return subprocess.run([self.openssl, *arguments], cwd=self.folder, capture_output=True, check=False)


@pytest.fixture
def place(system_tool: Callable[[str], str], tmp_path: Path) -> Place:
    """Everything that is needed, made anew."""
    found = Place(system_tool("openssl"), tmp_path)
    for name in ("provider", "other"):
        made = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", f"{name}.pem")
        public = ("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")
        assert all(found.run(*each).returncode == 0 for each in (made, public))
    locked = ("pkey", "-in", "provider.pem", "-aes-256-cbc", "-passout", f"pass:{PASSPHRASE}", "-out", "locked.pem")
    assert found.run(*locked).returncode == 0
    seal_files({"answers.json": b"{}"}, found.bundle, "assessment-bundle", {"plant": "p"})
    return found


def test_a_bundle_is_signed_and_checked(factory_kit: Command, place: Place) -> None:
    """One line each; the signature stands beside the bundle, which stays as it was; the name is shown as it is."""
    before = place.bundle.read_bytes()

    signed = factory_kit("assess", "sign-sm2", place.bundle, "--key", place.folder / "provider.pem", "--signer", SIGNER)
    checked = factory_kit("assess", "verify-sm2", place.bundle, "--key", place.folder / "provider.pub")

    assert (signed.code, signed.out) == (0, "")
    assert signed.err.strip().endswith("plant.zip.sm2 is written.")
    assert (checked.code, checked.err.strip()) == (0, f"✓ plant.zip: the SM2 signature of {SIGNER} fits.")
    assert place.bundle.read_bytes() == before


def test_openssl_alone_agrees(factory_kit: Command, place: Place) -> None:
    """Who has only OpenSSL checks the same signature over MANIFEST.json, and a changed manifest does not fit it."""
    factory_kit("assess", "sign-sm2", place.bundle, "--key", place.folder / "provider.pem", "--signer", SIGNER)
    said = json.loads(place.signature.read_bytes())
    with zipfile.ZipFile(place.bundle) as archive:
        manifest = archive.read("MANIFEST.json")
    contents = {
        "manifest": manifest, "changed": manifest.replace(b'"plant":"p"', b'"plant":"q"'),
        "signature": base64.b64decode(said["signature"]), "key.der": base64.b64decode(said["key"]),
    }  # fmt: skip
    for name, content in contents.items():
        (place.folder / name).write_bytes(content)

    check = ("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-digest", "sm3",
             "-pkeyopt", f"distid:{said['identity']}", "-sigfile", "signature", "-in")  # fmt: skip
    known = place.run("pkey", "-pubin", "-in", "provider.pub", "-pubout", "-outform", "DER").stdout

    assert b"Signature Verified Successfully" in place.run(*check, "manifest").stdout
    assert place.run(*check, "changed").returncode != 0
    assert known == contents["key.der"]


def test_a_signature_of_openssl_is_taken(factory_kit: Command, place: Place) -> None:
    """The signature may come from another program over the same manifest, as long as its file is in the one form."""
    factory_kit("assess", "sign-sm2", place.bundle, "--key", place.folder / "provider.pem", "--signer", SIGNER)
    said = json.loads(place.signature.read_bytes())
    with zipfile.ZipFile(place.bundle) as archive:
        (place.folder / "manifest").write_bytes(archive.read("MANIFEST.json"))
    sign = ("pkeyutl", "-sign", "-inkey", "provider.pem", "-rawin", "-digest", "sm3", "-pkeyopt",
            f"distid:{said['identity']}", "-in", "manifest", "-out", "own")  # fmt: skip
    assert place.run(*sign).returncode == 0
    said["signature"] = base64.b64encode((place.folder / "own").read_bytes()).decode()
    written = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    place.signature.write_text(written + "\n", encoding="utf-8")

    assert factory_kit("assess", "verify-sm2", place.bundle, "--key", place.folder / "provider.pub").code == 0


def test_without_the_key_it_says_what_it_does_not_know(factory_kit: Command, place: Place) -> None:
    """A signature that fits its own key proves nothing about the person."""
    factory_kit("assess", "sign-sm2", place.bundle, "--key", place.folder / "other.pem", "--signer", SIGNER)

    said = factory_kit("assess", "verify-sm2", place.bundle)
    wrong = factory_kit("assess", "verify-sm2", place.bundle, "--key", place.folder / "provider.pub")

    assert said.code == 0
    assert "Whose key it is, nobody said" in said.err
    assert (wrong.code, wrong.err.strip()) == (1, "plant.zip.sm2: was signed by another key than provider.pub")


def test_the_passphrase_comes_from_the_environment(
    factory_kit: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key under a passphrase opens with it, and without it nothing is written."""
    words = ("assess", "sign-sm2", place.bundle, "--key", place.folder / "locked.pem", "--signer", SIGNER)
    monkeypatch.setenv("FACTORY_KIT_PASSPHRASE", "wrong")
    refused = factory_kit(*words)
    assert refused.code != 0
    assert "is no SM2 key that OpenSSL can open (PEM; is the passphrase right?)" in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not place.signature.exists()

    monkeypatch.setenv("FACTORY_KIT_PASSPHRASE", PASSPHRASE)
    assert factory_kit(*words).code == 0
    assert factory_kit("assess", "verify-sm2", place.bundle, "--key", place.folder / "provider.pub").code == 0


@pytest.mark.parametrize("changed", ["bundle", "signature", "missing"])
def test_what_does_not_fit_is_one_line_and_no_success(factory_kit: Command, place: Place, changed: str) -> None:
    """A changed bundle, a changed signature file and none at all."""
    factory_kit("assess", "sign-sm2", place.bundle, "--key", place.folder / "provider.pem", "--signer", SIGNER)
    if changed == "missing":
        place.signature.unlink()
    elif changed == "bundle":
        place.bundle.write_bytes(place.bundle.read_bytes().replace(b"{}", b"[]", 1))
    else:
        place.signature.write_bytes(place.signature.read_bytes().replace(b'"form":1', b'"form":2'))

    said = factory_kit("assess", "verify-sm2", place.bundle, "--key", place.folder / "provider.pub")

    assert said.code in (1, 2)
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert "plant.zip" in said.err
