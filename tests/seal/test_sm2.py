"""SM2 signatures beside sealed files, made and checked by the OpenSSL of the machine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_kit.errors import Altered, KeyRefused, SealError
from factory_kit.seal import seal_files, verify
from factory_kit.seal.sm2 import sign_sm2, verify_sm2

NOW = 1_790_000_000_000_000
SIGNER = '某某机械 "甲" & <1>'


@pytest.fixture
def keys(system_tool: Callable[[str], str], tmp_path: Path) -> Path:
    """A folder with an SM2 key, the same under a passphrase, another one, and a key of another curve; ``.pub`` are public."""
    openssl = system_tool("openssl")
    for name, curve in (("sm2", "SM2"), ("other", "SM2"), ("p256", "P-256")):
        made = ("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", f"{name}.pem")
        for arguments in (made, ("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")):
            subprocess.run([openssl, *arguments], cwd=tmp_path, check=True, capture_output=True)
    locked = ("pkey", "-in", "sm2.pem", "-aes-256-cbc", "-passout", "pass:correct horse", "-out", "locked.pem")
    subprocess.run([openssl, *locked], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A sealed file."""
    out = tmp_path / "plant.zip"
    seal_files({"a.txt": "内容".encode()}, out, "assessment-bundle", {"plant": "p"})
    return out


def test_a_signature_is_checked_by_whoever_has_the_file(keys: Path, bundle: Path) -> None:
    """It says who signed and when, fits with and without the known key, and leaves the sealed file as it was."""
    before = bundle.read_bytes()

    made = sign_sm2(bundle, keys / "sm2.pem", SIGNER, NOW)
    said = verify_sm2(bundle, made, keys / "sm2.pub")

    assert made.name == "plant.zip.sm2"
    assert (said.signer, said.time, said.algorithm) == (SIGNER, "2026-09-21T14:13:20Z", "SM2-SM3")
    assert verify_sm2(bundle, made) == said
    assert bundle.read_bytes() == before
    assert verify(bundle).ok


def test_a_key_under_a_passphrase_opens_with_it_only(keys: Path, bundle: Path) -> None:
    """A wrong passphrase leaves no signature behind, the right one makes one."""
    with pytest.raises(KeyRefused, match=r"locked\.pem: is no SM2 key that OpenSSL can open"):
        sign_sm2(bundle, keys / "locked.pem", SIGNER, NOW, "wrong")
    assert not bundle.with_name("plant.zip.sm2").exists()

    made = sign_sm2(bundle, keys / "locked.pem", SIGNER, NOW, "correct horse")

    assert verify_sm2(bundle, made, keys / "sm2.pub").signer == SIGNER


def test_another_key_is_told(keys: Path, bundle: Path) -> None:
    """A signature that fits is still not the one of the person it should be of."""
    made = sign_sm2(bundle, keys / "other.pem", SIGNER, NOW)

    with pytest.raises(Altered, match=r"plant\.zip\.sm2: was signed by another key than sm2\.pub"):
        verify_sm2(bundle, made, keys / "sm2.pub")


@pytest.mark.parametrize("name", ["p256.pem", "sm2.pub", "plant.zip", "missing.pem"])
def test_what_is_no_sm2_key_is_refused(keys: Path, bundle: Path, name: str) -> None:
    """A key of another curve, a public key, another file and none at all."""
    with pytest.raises(KeyRefused, match="is no SM2 key that OpenSSL can open"):
        sign_sm2(bundle, keys / name, SIGNER, NOW)


@pytest.mark.parametrize("field", ["signature", "key", "algorithm", "form"])
def test_a_changed_signature_file_does_not_fit(keys: Path, bundle: Path, field: str) -> None:
    """Each part that counts, changed in canonical form, is noticed."""
    made = sign_sm2(bundle, keys / "sm2.pem", SIGNER, NOW)
    said = json.loads(made.read_bytes())
    changed = {"form": 2, "algorithm": "SM2-SHA256"}.get(field)
    said[field] = changed or said[field][:40] + ("B" if said[field][40] == "A" else "A") + said[field][41:]
    made.write_text(
        json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8"
    )

    with pytest.raises(Altered):
        verify_sm2(bundle, made)


def test_another_content_does_not_fit(keys: Path, bundle: Path) -> None:
    """The signature of one sealed file beside another."""
    made = sign_sm2(bundle, keys / "sm2.pem", SIGNER, NOW)
    seal_files({"a.txt": b"other"}, bundle, "assessment-bundle", {"plant": "p"})

    with pytest.raises(Altered, match=r"the SM2 signature does not fit plant\.zip: one of them was altered"):
        verify_sm2(bundle, made)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "OpenSSL 1.1.1w  11 Sep 2023",
            "OpenSSL 1.1.1w  11 Sep 2023 makes no SM2 signatures; install OpenSSL 3.0 or newer",
        ),
        ("LibreSSL 3.3.6", "LibreSSL 3.3.6 makes no SM2 signatures"),
        (None, "openssl is not installed; SM2 signatures need the command of OpenSSL 3.0 or newer"),
    ],
)
def test_an_old_or_missing_openssl_is_told(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, message: str
) -> None:
    """One line that says what to install; nothing is written."""
    place = tmp_path / "bin"
    place.mkdir()
    if said is not None:
        script = place / "openssl"
        script.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(place))

    with pytest.raises(SealError, match=message):
        sign_sm2(bundle, tmp_path / "sm2.pem", SIGNER, NOW)
    assert not bundle.with_name("plant.zip.sm2").exists()
