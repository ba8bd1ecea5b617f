"""Evidence about the security of a server: what its endpoints offered at one moment, and the weaknesses that follow from it.

A record of its own kind beside those of ``factory_kit.model.evidence``: it holds no figure and comes from no samples. It is
canonical JSON (RFC 8785) too, and the sha256 of its bytes is its id. It proves what the server said to us, not how it is set up.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

import rfc8785

from factory_kit.errors import AssessmentError
from factory_kit.model.evidence import Json

__all__ = ["SecurityRecord"]


@dataclass(frozen=True, slots=True)
class SecurityRecord:
    """What the server at *subject* (``host:port``) offered at *received* (ISO 8601, UTC), asked with the permission *authorisation*."""

    subject: str
    received: str
    authorisation: str
    origin: str
    software: str
    endpoints: tuple[dict[str, Json], ...]
    """Policy, mode, users and the certificate's SHA-256 of each endpoint."""
    findings: tuple[dict[str, Json], ...]
    """Kind and English sentence of each weakness; none means that none shows without a login."""
    form: int = 1
    kind: Literal["security"] = "security"
    grade: Literal["A"] = "A"

    def as_json(self) -> dict[str, Json]:
        """The record as JSON values."""
        return {
            "form": self.form,
            "kind": self.kind,
            "grade": self.grade,
            "subject": self.subject,
            "received": self.received,
            "authorisation": self.authorisation,
            "origin": self.origin,
            "software": self.software,
            "endpoints": list(self.endpoints),
            "findings": list(self.findings),
        }

    def canonical(self) -> bytes:
        """The bytes of the record; its id is their sha256."""
        return rfc8785.dumps(self.as_json())

    @property
    def id(self) -> str:
        """The sha256 of the canonical bytes, in hexadecimal digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @property
    def file_name(self) -> str:
        """``opcua-security-<subject>-<first 12 digits of the id>.json``."""
        place = "".join(sign if sign.isalnum() or sign in ".-" else "_" for sign in self.subject)
        return f"opcua-security-{place}-{self.id[:12]}.json"

    @classmethod
    def read(cls, data: bytes, where: str) -> SecurityRecord:
        """The record whose canonical bytes *data* are; ``AssessmentError`` naming *where* for anything else."""
        try:
            content: dict[str, Any] = dict(json.loads(data.decode("utf-8")))
            if (content.get("form"), content.get("kind"), content.get("grade")) != (1, "security", "A"):
                raise ValueError("form, kind and grade are not those of a security record")  # noqa: TRY301
            for name in ("endpoints", "findings"):
                content[name] = tuple(content[name])
            record = cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AssessmentError(
                "{file}: is no security record of form 1 ({reason}); discover the server again",
                file=where,
                reason=f"{type(error).__name__}: {error}",
            ) from error
        if record.canonical() != data:
            raise AssessmentError(
                "{file}: is not written as evidence records are (RFC 8785), so it was changed afterwards; compute it again",
                file=where,
            )
        return record
