"""Checking sealed things: which files differ from what was sealed, who signed, and whether that counts here."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_kit.errors import Altered, SealError
from factory_kit.i18n import N_
from factory_kit.seal.container import Container, Limits, open_container
from factory_kit.seal.digest import MET, Digest, digest, digest_of
from factory_kit.seal.findings import Finding, What, collected
from factory_kit.seal.manifest import Manifest, SealedFile
from factory_kit.seal.paths import MANIFEST, SIGNATURES
from factory_kit.seal.ring import KeyRing, SignatureState
from factory_kit.seal.signature import LONGEST as LONGEST_SIGNATURE
from factory_kit.seal.signature import claim_of, name_for
from factory_kit.seal.stamps import to_text

__all__ = ["Report", "Sealed", "SignatureCheck", "is_sealed", "open_sealed", "verify"]

NOBODY = KeyRing()


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """One signature of a sealed thing and what is held of it; a missing one has a role and nothing else."""

    role: str
    state: SignatureState
    file: str = ""
    signer: str = ""
    """As the signature says; ``holder`` is what the key ring says."""
    holder: str | None = None
    time: int | None = None
    """Microseconds since 1970-01-01 UTC, by the signer's clock."""
    key_id: str = ""
    key: str = ""

    @property
    def signed(self) -> str:
        """The time as text, empty for a missing signature."""
        return "" if self.time is None else to_text(self.time)


@dataclass(frozen=True)
class Report:
    """What a check found; ``findings`` and wrong signatures say that something was altered, the states who vouches for it."""

    path: Path
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    signatures: tuple[SignatureCheck, ...]
    judged: bool
    """True when a key ring was given, so that a signature of an unknown key counts for nothing."""
    needed: tuple[str, ...] = field(default=())

    @property
    def intact(self) -> bool:
        """True when the content is what was sealed, as far as hashes and signatures can tell."""
        return not self.findings

    @property
    def ok(self) -> bool:
        """True when it is intact and every needed role has a signature that counts.

        With a key ring a signature counts when it is valid, and at least one must; without one it counts when it fits its key.
        """
        counting = (SignatureState.VALID,) if self.judged else (SignatureState.VALID, SignatureState.UNKNOWN_KEY)
        roles = {check.role for check in self.signatures if check.state in counting}
        return self.intact and roles.issuperset(self.needed) and bool(roles or not self.judged)


@dataclass(frozen=True)
class Sealed:
    """A sealed thing whose content was verified; every read verifies again what it gives."""

    path: Path
    manifest: Manifest
    report: Report
    limits: Limits = field(default=Limits(), repr=False)
    kept: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    """Contents that were kept in memory while they were verified."""

    @property
    def about(self) -> dict[str, Any]:
        """What the sealer said about it."""
        return self.manifest.about

    @property
    def names(self) -> tuple[str, ...]:
        """The paths of its files, sorted."""
        return tuple(file.path for file in self.manifest.files)

    def read(self, name: str) -> bytes:
        """The content of one file; ``Altered`` when it is not what was sealed (any more)."""
        if name in self.kept:
            return self.kept[name]
        with open_container(self.path, self.limits) as container:
            return self._read(container, name)

    def read_json(self, name: str) -> Any:
        """The value in one JSON file; ``SealError`` when it is no JSON."""
        try:
            return json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise SealError("{container}: {file} is no JSON", container=self.path.name, file=name) from error

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of all files one after the other, the container opened once."""
        with open_container(self.path, self.limits) as container:
            for name in self.names:
                yield name, self._read(container, name)

    def _read(self, container: Container, name: str) -> bytes:
        sealed = {file.path: file for file in self.manifest.files}.get(name)
        if sealed is None or name not in container.names() or container.size(name) != sealed.size:
            raise _missing(container, name).error()
        content = b"".join(container.pieces(name))
        if not sealed.fits(digest([content])):
            raise _altered(container, name).error()
        return content


def verify(
    path: Path,
    trusted: KeyRing | None = None,
    *,
    require: Sequence[str] = (),
    received: int | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Report:
    """The report on the sealed zip file or unpacked folder at *path*; nothing is unpacked to disk, memory is bounded.

    *trusted* judges the signatures, *require* names roles that must have signed beside those the manifest expects,
    *received* is when it arrived (microseconds, UTC) where that is on record: it matters after a key was compromised.
    ``SealError`` when nothing can be read at *path*; whatever is wrong with the content stands in the report.
    """
    return _verified(path, trusted, require, received, limits, _Kept(None))


def open_sealed(
    path: Path,
    trusted: KeyRing | None = None,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    received: int | None = None,
    keep: Callable[[str], bool] | None = None,
    shared: Callable[[str], bool] | None = None,
) -> Sealed:
    """The sealed thing at *path*, all of it verified; ``Altered`` or ``UnsafeArchive`` with the first finding otherwise.

    Whose signatures it bears is for the caller to judge: ``sealed.report.signatures`` and ``sealed.report.ok``. Contents for
    whose names *keep* is true stay in memory, read and hashed in the one pass; what they may come to is for *limits* to say.
    Of these, contents for whose names *shared* is true are hashed once in a process: they are the same in many sealed things.
    """
    kept = _Kept(keep, shared)
    report = _verified(path, trusted, (), received, limits, kept)
    if report.manifest is None or not report.intact:
        raise report.findings[0].error()
    return Sealed(path, report.manifest, report, limits, kept.contents)


class _Kept:
    """Contents kept while they pass by."""

    def __init__(self, wanted: Callable[[str], bool] | None, shared: Callable[[str], bool] | None = None) -> None:
        self._wanted = wanted
        self._shared = shared
        self.contents: dict[str, bytes] = {}

    def digest(self, file: SealedFile, pieces: Iterator[bytes]) -> Digest:
        """The digest of the *pieces* of *file*, which are kept where they are wanted."""
        if self._wanted is None or not self._wanted(file.path):
            return digest(pieces)
        content = self.contents[file.path] = b"".join(pieces)
        if self._shared is not None and self._shared(file.path):
            return MET.digest(content, file.sha256)
        return digest_of(content)


def _verified(
    path: Path,
    trusted: KeyRing | None,
    require: Sequence[str],
    received: int | None,
    limits: Limits,
    kept: _Kept,
) -> Report:
    with open_container(path, limits) as container:
        findings = list(container.findings)
        content = _small(container, MANIFEST, limits.manifest_bytes, findings)
        manifest = _manifest(container, content, findings)
        if manifest:
            _check_files(container, manifest, limits, findings, kept)
        signatures = _check_signatures(container, content, trusted or NOBODY, limits, received, findings)
    needed = tuple(sorted({*require, *(manifest.expects if manifest else ())}))
    present = {check.role for check in signatures}
    signatures += [SignatureCheck(role, SignatureState.MISSING) for role in needed if role not in present]
    return Report(path, manifest, tuple(findings), tuple(signatures), trusted is not None, needed)


def is_sealed(path: Path) -> bool:
    """True when *path* looks like a sealed thing: a folder with a manifest, or a zip file."""
    if path.is_dir():
        return (path / MANIFEST).is_file()
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\3\4"
    except OSError:
        return False


def _small(container: Container, name: str, limit: int, findings: list[Finding]) -> bytes | None:
    """The whole content of the manifest or a signature; a finding and None when it is missing, too large or damaged."""
    if name not in container.names():
        if not container.findings:
            findings.append(_missing(container, name))
        return None
    if container.size(name) > limit:
        message = N_("{container}: {file} is larger than {limit} bytes; it is not to be trusted")
        findings.append(
            Finding(name, What.UNSAFE, message, {"container": container.label, "file": name, "limit": limit})
        )
        return None
    with collected(findings, name, What.ALTERED):
        content = b"".join(container.pieces(name))
        if container.crc32(name) not in {None, zlib.crc32(content)}:
            raise _altered(container, name).error()
        return content
    return None


def _manifest(container: Container, content: bytes | None, findings: list[Finding]) -> Manifest | None:
    if content is None:
        return None
    with collected(findings, MANIFEST, What.ALTERED):
        return Manifest.from_bytes(content, container.label)
    return None


def _check_files(
    container: Container, manifest: Manifest, limits: Limits, findings: list[Finding], kept: _Kept
) -> None:
    if sum(file.size for file in manifest.files) > limits.total_bytes:
        message = N_("{container}: holds more than {limit} bytes; ask for a smaller one or raise the limit")
        findings.append(
            Finding(MANIFEST, What.UNSAFE, message, {"container": container.label, "limit": limits.total_bytes})
        )
        return
    present = set(container.names())
    for file in manifest.files:
        if file.path not in present:
            findings.append(_missing(container, file.path))
        elif not _is_sealed_content(container, file, findings, kept):
            findings.append(_altered(container, file.path))
    sealed = {file.path for file in manifest.files} | {MANIFEST}
    for name in container.names():
        if name not in sealed and not name.startswith(SIGNATURES):
            message = N_("{container}: {file} was not sealed; remove it")
            findings.append(Finding(name, What.EXTRA, message, {"container": container.label, "file": name}))


def _is_sealed_content(container: Container, file: SealedFile, findings: list[Finding], kept: _Kept) -> bool:
    found: Digest | None = None
    with collected(findings, file.path, What.ALTERED):
        if container.size(file.path) != file.size:
            return False
        found = kept.digest(file, container.pieces(file.path))
    return found is None or (file.fits(found) and container.crc32(file.path) in {None, found.crc32})


def _check_signatures(
    container: Container,
    content: bytes | None,
    ring: KeyRing,
    limits: Limits,
    received: int | None,
    findings: list[Finding],
) -> list[SignatureCheck]:
    names = [name for name in container.names() if name.startswith(SIGNATURES)]
    if len(names) > limits.signatures:
        message = N_("{container}: has more than {limit} signatures")
        findings.append(
            Finding(SIGNATURES, What.UNSAFE, message, {"container": container.label, "limit": limits.signatures})
        )
        return []
    checks = []
    for name in names:
        signature = _small(container, name, LONGEST_SIGNATURE, findings)
        if signature is not None:
            with collected(findings, name, What.ALTERED):
                checks.append(_check_signature(f"{container.label}: {name}", name, content, signature, ring, received))
    for check in checks:
        if check.state is SignatureState.WRONG and content is not None:
            message = N_("{container}: {file} does not fit {manifest}: one of them was altered")
            findings.append(
                Finding(
                    check.file,
                    What.ALTERED,
                    message,
                    {"container": container.label, "file": check.file, "manifest": MANIFEST},
                )
            )
    return checks


def _check_signature(
    where: str, name: str, content: bytes | None, signature: bytes, ring: KeyRing, received: int | None
) -> SignatureCheck:
    claim = claim_of(signature, where)
    if name != name_for(claim) or claim.file != MANIFEST:
        raise Altered("{file}: belongs to another file or has another name than its signer gave it", file=where)
    state = SignatureState.WRONG if content is None else ring.judge(claim, content, signature, received)
    key_id = claim.key.key_id
    return SignatureCheck(
        claim.role, state, name, claim.signer, ring.holder(key_id), claim.time, key_id, claim.key.text
    )


def _missing(container: Container, name: str) -> Finding:
    message = N_("{container}: {file} is missing; get the whole of it again")
    return Finding(name, What.MISSING, message, {"container": container.label, "file": name})


def _altered(container: Container, name: str) -> Finding:
    message = N_("{container}: {file} was altered after it was sealed; get it again from who sealed it")
    return Finding(name, What.ALTERED, message, {"container": container.label, "file": name})
