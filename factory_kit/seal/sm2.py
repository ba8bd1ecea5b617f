"""SM2 signatures beside sealed files (GB/T 32918, with SM3 and the identity of GM/T 0009), made and checked by the OpenSSL command.

The sealed file stays as it is; the signature is a file of its own, ``NAME.zip.sm2``, over the bytes of ``MANIFEST.json`` and
so over everything. It is an extra for receivers who ask for commercial cryptography; who signed and who may is still the
matter of the signatures inside.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory_kit.errors import Altered, KeyRefused, SealError
from factory_kit.files import write_atomically
from factory_kit.seal.canonical import canonical, read_canonical
from factory_kit.seal.stamps import to_text
from factory_kit.seal.verify import open_sealed

__all__ = ["SUFFIX", "Sm2Signature", "sign_sm2", "verify_sm2"]

SUFFIX = ".sm2"
IDENTITY = "1234567812345678"
"""The distinguishing identity where the parties agreed on none (GM/T 0009-2012, 10)."""
LEAST = (3, 0)
LONGEST = 16 << 10
PATIENCE_S = 60
PASSPHRASE = "FACTORY_KIT_PASSPHRASE"  # noqa: S105 - the name of a variable
SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")
"""The object identifier 1.2.156.10197.1.301 as a public key holds it."""
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class Sm2Signature(BaseModel):
    """What stands in the signature file."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    form: Literal[1]
    algorithm: Literal["SM2-SM3"]
    identity: Literal["1234567812345678"]
    file: Literal["MANIFEST.json"]
    signer: str = Field(min_length=1, max_length=200)
    time: str
    """By the signer's clock, UTC; it is not covered by the signature."""
    key: Base64
    """The public key as DER (SubjectPublicKeyInfo)."""
    signature: Base64
    """DER, as GM/T 0009 has it."""


@dataclass(frozen=True, slots=True)
class _OpenSsl:
    """The command, found and new enough."""

    path: str

    def run(self, *arguments: str, wrong: SealError, passphrase: str = "") -> bytes:
        """What the command writes; *wrong* where it fails."""
        environment = {**os.environ, PASSPHRASE: passphrase}
        try:
            done = subprocess.run(
                [self.path, *arguments], capture_output=True, env=environment, timeout=PATIENCE_S, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise wrong from error
        if done.returncode != 0:
            raise wrong
        return done.stdout


def sign_sm2(path: Path, key: Path, signer: str, now: int, passphrase: str = "") -> Path:
    """The signature file beside the sealed file *path*, by the SM2 key in the PEM file *key*; gives its path.

    *now* is microseconds since 1970-01-01 UTC. ``Altered`` when *path* is not what was sealed, ``KeyRefused`` for a key that is
    no SM2 key or cannot be opened, ``SealError`` where OpenSSL is missing or too old.
    """
    if not signer.strip() or not signer.isprintable():
        raise KeyRefused("{name!r} cannot be a signer's name, expected 1 to 200 printable characters", name=signer)
    tool = _openssl()
    manifest = open_sealed(path).manifest.to_bytes()
    unusable = KeyRefused("{file}: is no SM2 key that OpenSSL can open (PEM; is the passphrase right?)", file=key)
    opened = ("-passin", f"env:{PASSPHRASE}")
    public = tool.run(
        "pkey", "-in", str(key), "-pubout", "-outform", "DER", *opened, wrong=unusable, passphrase=passphrase
    )
    if SM2_CURVE not in public:
        raise unusable
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside:
        content, made = Path(aside) / "manifest", Path(aside) / "signature"
        content.write_bytes(manifest)
        tool.run(
            "pkeyutl", "-sign", "-inkey", str(key), *opened, *_scheme(), "-in", str(content), "-out", str(made),
            wrong=unusable, passphrase=passphrase,
        )  # fmt: skip
        signature = made.read_bytes()
    said = {
        "form": 1, "algorithm": "SM2-SM3", "identity": IDENTITY, "file": "MANIFEST.json", "signer": signer, "time": to_text(now),
        "key": base64.b64encode(public).decode(), "signature": base64.b64encode(signature).decode(),
    }  # fmt: skip
    out = path.with_name(path.name + SUFFIX)
    write_atomically(out, canonical(said, out.name) + b"\n")
    return out


def verify_sm2(path: Path, signature: Path, key: Path | None = None) -> Sm2Signature:
    """What the *signature* file of the sealed file *path* says, after it was checked; *key* is the signer's public key (PEM), if known.

    ``Altered`` when the sealed file, the signature or the key do not fit, ``SealError`` where OpenSSL is missing or too old.
    """
    tool = _openssl()
    said = _read(signature)
    public = base64.b64decode(said.key)
    if SM2_CURVE not in public:
        raise _no_fit(signature, path)
    if key is not None:
        unreadable = KeyRefused("{file}: is no public key in PEM form", file=key)
        known = tool.run("pkey", "-pubin", "-in", str(key), "-pubout", "-outform", "DER", wrong=unreadable)
        if known != public:
            raise Altered("{file}: was signed by another key than {key}", file=signature.name, key=key.name)
    manifest = open_sealed(path).manifest.to_bytes()
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside:
        content, made, pub = (Path(aside) / name for name in ("manifest", "signature", "key.der"))
        for place, data in ((content, manifest), (made, base64.b64decode(said.signature)), (pub, public)):
            place.write_bytes(data)
        tool.run(
            "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(pub), *_scheme(), "-in", str(content),
            "-sigfile", str(made), wrong=_no_fit(signature, path),
        )  # fmt: skip
    return said


def _scheme() -> tuple[str, ...]:
    return ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{IDENTITY}")


def _openssl() -> _OpenSsl:
    """``SealError`` unless there is an OpenSSL of version 3 or newer."""
    path = shutil.which("openssl")
    if path is None:
        raise SealError("openssl is not installed; SM2 signatures need the command of OpenSSL 3.0 or newer")
    failed = SealError("openssl cannot be run; SM2 signatures need the command of OpenSSL 3.0 or newer")
    said = _OpenSsl(path).run("version", wrong=failed).decode(errors="replace").strip()
    found = re.match(r"OpenSSL (\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < LEAST:
        raise SealError("{found} makes no SM2 signatures; install OpenSSL 3.0 or newer", found=said or "openssl")
    return _OpenSsl(path)


def _read(path: Path) -> Sm2Signature:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST)
        said = Sm2Signature.model_validate(read_canonical(data.removesuffix(b"\n"), path.name))
        base64.b64decode(said.key, validate=True)
        base64.b64decode(said.signature, validate=True)
    except OSError as error:
        raise SealError("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error
    except (ValidationError, ValueError, Altered, binascii.Error) as error:
        raise Altered("{file}: is no SM2 signature file; get it again from who signed", file=path.name) from error
    return said


def _no_fit(signature: Path, path: Path) -> Altered:
    return Altered(
        "{file}: the SM2 signature does not fit {sealed}: one of them was altered",
        file=signature.name,
        sealed=path.name,
    )
