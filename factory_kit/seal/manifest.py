"""The manifest: what a sealed thing is, and size and hashes of every file in it; the signatures are over its bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory_kit.errors import Altered, SealError
from factory_kit.model.definition import Identifier
from factory_kit.seal.canonical import canonical
from factory_kit.seal.digest import Digest
from factory_kit.seal.paths import MANIFEST, check_names, is_content

__all__ = ["FORM", "Manifest", "SealedFile"]

FORM = 1
"""The byte form this version writes; it reads this one and all before."""

Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_CONFIG = ConfigDict(frozen=True, strict=True, extra="forbid")


class SealedFile(BaseModel):
    """One file of a sealed thing: its path, size in bytes, and hashes in hexadecimal digits, in the order of canonical JSON."""

    model_config = _CONFIG
    path: str
    sha256: Hex64
    size: int = Field(ge=0)
    sm3: Hex64

    def fits(self, digest: Digest) -> bool:
        """True when a content with *digest* is the sealed one."""
        return (self.size, self.sha256, self.sm3) == (digest.size, digest.sha256, digest.sm3)


class Manifest(BaseModel):
    """What was sealed: the kind of thing, its files by path, which roles sign it, and whatever the sealer says about it."""

    model_config = _CONFIG
    form: Literal[1] = 1
    kind: Identifier
    files: tuple[SealedFile, ...]
    expects: tuple[Identifier, ...] = ()
    """Roles that are to sign; a thing that lacks one of them is unfinished, or somebody took the signature away."""
    about: dict[str, Any] = {}

    def to_bytes(self) -> bytes:
        """The canonical bytes, which are what is signed; ``SealError`` when ``about`` holds what cannot be sealed."""
        return canonical(
            {
                "about": self.about,
                "expects": self.expects,
                "files": [vars(file) for file in self.files],
                "form": self.form,
                "kind": self.kind,
            },
            MANIFEST,
        )

    @classmethod
    def from_bytes(cls, data: bytes, container: str) -> Manifest:
        """The manifest out of its *data*; ``Altered`` unless they are exactly what ``to_bytes`` writes."""
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            _check_form(data, container)
            first = error.errors()[0]
            raise Altered(
                "{container}: {file}: {path} is not as sealed files have it ({reason}); get it again",
                container=container, file=MANIFEST, path=".".join(map(str, first["loc"])), reason=first["msg"],
            ) from error  # fmt: skip
        manifest.check(container)
        if not manifest.writes(data):
            raise Altered(
                "{container}: {file} is not canonical JSON (RFC 8785), so it was changed after it was written",
                container=container, file=MANIFEST,
            )  # fmt: skip
        return manifest

    def writes(self, data: bytes) -> bool:
        """True when *data* are the bytes of this manifest."""
        try:
            return self.to_bytes() == data
        except SealError:
            return False

    def check(self, container: str) -> None:
        """``SealError`` unless paths are safe, sorted and content, and no role is expected twice."""
        paths = [file.path for file in self.files]
        check_names(paths, container)
        expected = sorted(set(self.expects))
        if paths != sorted(paths) or list(self.expects) != expected or not all(map(is_content, paths)):
            raise Altered("{container}: {file}: its lists are not in sealed order", container=container, file=MANIFEST)


def _check_form(data: bytes, container: str) -> None:
    """A form of the future is no damage, and is said before anything else that is wrong in it."""
    with suppress(ValueError, RecursionError):
        value = json.loads(data)
        form = value.get("form") if isinstance(value, dict) else None
        if isinstance(form, int) and form > FORM:
            raise SealError(
                "{container}: was sealed in form {form}, this version reads up to {newest}; install a newer Factory Kit",
                container=container, form=form, newest=FORM,
            )  # fmt: skip
