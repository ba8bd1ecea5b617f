"""Sealing: a folder or contents in memory become one zip file whose every byte counts; more signatures; unpacking."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from factory_kit.errors import SealError
from factory_kit.files import NO_SPACE, atomic_path, sync_folder, write_atomically
from factory_kit.seal.container import Limits, ZipContainer, ZipWriter, files_below, open_container
from factory_kit.seal.keys import Signer
from factory_kit.seal.manifest import Manifest, SealedFile
from factory_kit.seal.paths import MANIFEST, SIGNATURES, check_names, is_content
from factory_kit.seal.signature import name_for
from factory_kit.seal.verify import Sealed, open_sealed

__all__ = ["countersign", "seal_files", "seal_folder", "unpack"]


def seal_folder(
    folder: Path,
    out: Path,
    kind: str,
    about: Mapping[str, object],
    signers: Sequence[Signer] = (),
    expects: Iterable[str] = (),
) -> Manifest:
    """Seal all files below *folder* into the zip file *out* and give the manifest; see ``seal_files``.

    ``UnsafeArchive`` when a name cannot be used on every system, or something is a link.
    """
    if not folder.is_dir():
        raise SealError("{folder}: there is no such folder", folder=folder)
    if out.resolve().is_relative_to(folder.resolve()):
        raise SealError("{out}: lies inside the folder to be sealed; choose another place", out=out)
    return _seal(files_below(folder, Limits()), out, kind, about, signers, expects)


def seal_files(
    files: Mapping[str, Path | bytes],
    out: Path,
    kind: str,
    about: Mapping[str, object],
    signers: Sequence[Signer] = (),
    expects: Iterable[str] = (),
    shared: Callable[[str], bool] | None = None,
) -> Manifest:
    """Seal *files*, name inside → file or content, into the zip file *out*, signed by *signers*, and give the manifest.

    *expects* names roles that are to sign later (``countersign``); those of *signers* are expected anyway. The same files,
    kind and about give the same bytes on every machine (signatures hold their time). *out* is there whole or not at all.
    Contents for whose names *shared* is true are hashed once in a process: they are the same in many sealed things.
    """
    check_names(files, out.name)
    return _seal(files, out, kind, about, signers, expects, shared)


def countersign(path: Path, signer: Signer, out: Path | None = None) -> Sealed:
    """Add the signature of *signer* to the sealed thing at *path*, which is verified first, and give it as it is now.

    A zip file is written anew to *out* (default: in its place), a folder gets one more file. A second signature of the same
    key in the same role takes the place of the first. ``Altered`` when the content is not what was sealed.
    """
    sealed = open_sealed(path)
    name, signature = _sign(sealed.manifest.to_bytes(), signer)
    if path.is_dir():
        try:
            (path / SIGNATURES).mkdir(exist_ok=True)
        except OSError as error:
            raise SealError("{file}: cannot be written ({reason})", file=path, reason=error.strerror) from error
        write_atomically(path / name, signature)
        return open_sealed(path)
    with atomic_path(out or path) as aside, path.open("rb") as source, aside.open("wb") as target:
        container = ZipContainer(source, path.name, Limits())
        kept = {old: b"".join(container.pieces(old)) for old in container.names() if old.startswith(SIGNATURES)}
        writer = ZipWriter(target, container.copy_until(MANIFEST, target))
        _add_signatures(writer, {**kept, name: signature})
    return open_sealed(out or path)


def unpack(path: Path, folder: Path) -> Sealed:
    """The sealed thing at *path*, verified and unpacked to the new *folder*: all of it, or nothing."""
    sealed = open_sealed(path)
    if folder.exists():
        raise SealError("{folder}: is there already; choose a new folder", folder=folder)
    with _folder_aside(folder) as aside:
        _copy(sealed, aside)
        open_sealed(aside)
        aside.chmod(0o755)
        aside.replace(folder)
    sync_folder(folder.parent)
    return replace(sealed, path=folder)


def _seal(
    files: Mapping[str, Path | bytes],
    out: Path,
    kind: str,
    about: Mapping[str, object],
    signers: Sequence[Signer],
    expects: Iterable[str],
    shared: Callable[[str], bool] | None = None,
) -> Manifest:
    for name in files:
        if not is_content(name):
            raise SealError("{out}: {name} is a name of the seal itself; rename the file", out=out.name, name=name)
    roles = tuple(sorted({*expects, *(signer.role for signer in signers)}))
    with atomic_path(out) as aside, aside.open("wb") as target:
        writer = ZipWriter(target)
        sealed = tuple(
            _add(writer, name, files[name], shared=shared is not None and shared(name)) for name in sorted(files)
        )
        manifest = _manifest(kind, sealed, roles, about, out)
        content = manifest.to_bytes()
        writer.add(MANIFEST, content)
        _add_signatures(writer, dict(_sign(content, signer) for signer in signers))
    return manifest


def _copy(sealed: Sealed, folder: Path) -> None:
    with open_container(sealed.path, sealed.limits) as container:
        for name in container.names():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.writelines(container.pieces(name))


@contextmanager
def _folder_aside(folder: Path) -> Iterator[Path]:
    """A new folder beside *folder*, removed on any error."""
    try:
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _not_unpacked(folder, error) from error
    try:
        yield aside
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError):
            raise _not_unpacked(folder, error) from error
        raise


def _not_unpacked(folder: Path, error: OSError) -> SealError:
    if error.errno in NO_SPACE:
        return SealError("{folder}: the disk is full, nothing was unpacked; make room and repeat", folder=folder)
    return SealError("{folder}: cannot be unpacked ({reason})", folder=folder, reason=error.strerror)


def _manifest(
    kind: str, files: tuple[SealedFile, ...], roles: tuple[str, ...], about: Mapping[str, object], out: Path
) -> Manifest:
    try:
        return Manifest(kind=kind, files=files, expects=roles, about=dict(about))
    except ValidationError as error:
        first = error.errors()[0]
        raise SealError(
            "{out}: {path} cannot be sealed ({reason})",
            out=out.name,
            path=".".join(map(str, first["loc"])),
            reason=first["msg"],
        ) from error


def _add(writer: ZipWriter, name: str, source: Path | bytes, *, shared: bool) -> SealedFile:
    if isinstance(source, bytes):
        digest = writer.add(name, source, shared=shared)
    else:
        digest = writer.add_file(name, source, shared=shared)
    return SealedFile(path=name, size=digest.size, sha256=digest.sha256, sm3=digest.sm3)


def _sign(content: bytes, signer: Signer) -> tuple[str, bytes]:
    claim, signature = signer.sign(content, MANIFEST)
    return name_for(claim), signature


def _add_signatures(writer: ZipWriter, signatures: Mapping[str, bytes]) -> None:
    for name in sorted(signatures):
        writer.add(name, signatures[name])
    writer.finish()
