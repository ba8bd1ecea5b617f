"""The folder of a workspace: room, kind of file system, and whether what the store does can be done there (it is tried)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from factory_kit.doctor.finding import Finding, State
from factory_kit.errors import FactoryKitError
from factory_kit.files import write_atomically
from factory_kit.i18n import _
from factory_kit.store.lock import Lock

__all__ = ["Volume", "mounted", "place_findings", "volume_of"]

GIB = 1 << 30
ROOM_NEEDED, ROOM_GOOD = 1 * GIB, 10 * GIB
"""Our own thresholds: below the first DuckDB and reports run out of room, the second bears weeks of a plant."""
BELOW = 180
"""Signs that the longest path below a workspace may have: names of the demonstration take 80, ids may be longer."""
NETWORK = ("nfs", "cifs", "smb", "9p", "afp", "webdav", "fuse.sshfs", "davfs", "ncpfs", "ceph", "gluster", "drvfs")
NO_JOURNAL = ("vfat", "fat", "exfat", "msdos")
FLEETING = ("tmpfs", "ramfs")
CLOUD = ("onedrive", "dropbox", "icloud", "坚果云", "nutstore", "百度网盘", "baidunetdisk", "wps云盘", "google drive")
CLOCK_TOLERANCE_US = 3_000_000
"""FAT keeps times to two seconds."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The volume a folder lies on: its file system in lower case, whether it is reached over a network, whether it can be taken out."""

    kind: str
    network: bool = False
    removable: bool = False


def place_findings(folder: Path, now: int) -> Iterator[Finding]:
    """What can be done in *folder*, which need not exist yet; *now* is the clock's time in µs UTC."""
    place = _nearest(folder)
    yield _room(place)
    yield _volume(volume_of(place), folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".factory-kit-doctor-", dir=place) as name:
            yield from _tried(Path(name), now)
    except OSError as error:
        yield _not_writable(place, error.strerror or str(error))


def _nearest(folder: Path) -> Path:
    """*folder* itself, or the nearest folder above it that exists."""
    whole = folder.resolve()
    return next(each for each in (whole, *whole.parents) if each.is_dir())


def _room(place: Path) -> Finding:
    usage = shutil.disk_usage(place)
    said = _("{free:.1f} of {total:.1f} GiB are free").format(free=usage.free / GIB, total=usage.total / GIB)
    title = _("Room on the disk")
    if usage.free >= ROOM_GOOD:
        return Finding("room", title, "ok", said)
    state: State = "limited" if usage.free >= ROOM_NEEDED else "missing"
    off = _("long collections: they stop without loss when the disk is full")
    return Finding("room", title, state, said, off, _("make room, or put the workspace on another disk"))


def volume_of(place: Path) -> Volume:
    """The volume of *place*; its kind is empty where this system does not tell."""
    if os.name == "nt":
        return _windows_volume(place)
    table = Path("/proc/self/mountinfo")
    if table.is_file():
        return mounted(table.read_text(encoding="utf-8", errors="replace"), place)
    return Volume("")


def mounted(table: str, place: Path) -> Volume:
    """The volume of *place* by *table*, which is written as ``/proc/self/mountinfo`` is (proc(5))."""
    best, kind = Path("/"), ""
    for line in table.splitlines():
        fields, _dash, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        point = Path(_unescaped(words[4]))
        if place.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, rest.split(" ")[0].lower()
    return Volume(kind, network=kind.startswith(NETWORK))


def _unescaped(text: str) -> str:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text


if sys.platform == "win32":

    def _windows_volume(place: Path) -> Volume:
        import ctypes  # noqa: PLC0415 - Windows only

        root = os.path.splitdrive(str(place))[0] + "\\"
        name = ctypes.create_unicode_buffer(64)
        kernel = ctypes.windll.kernel32
        kind = kernel.GetDriveTypeW(root)
        known = kernel.GetVolumeInformationW(root, None, 0, None, None, None, name, len(name))
        return Volume(name.value.lower() if known else "", network=kind == 4, removable=kind == 2)

else:

    def _windows_volume(place: Path) -> Volume:
        """Nothing is known that way here."""
        del place
        return Volume("")


def _volume(volume: Volume, folder: Path) -> Finding:
    title = _("File system")
    said = volume.kind or _("this system does not tell")
    whole = str(folder.resolve()).lower()
    cloud = next((each for each in CLOUD if each in whole), "")
    elsewhere = _("put the workspace on a disk of this computer")
    if cloud:
        off = _("safety of the store: a program that copies files to a cloud may lock or replace them, and data leaves")
        return Finding("volume", title, "limited", f"{said}, {cloud}", off, elsewhere)
    if volume.network:
        said = _("{kind}, over a network").format(kind=said)
        off = _("safety of the store: locks and flushes of network file systems are not to be relied on")
        return Finding("volume", title, "limited", said, off, elsewhere)
    if volume.kind.startswith(NO_JOURNAL) or volume.removable:
        off = _("safety when power fails or a stick is pulled out: this file system has no journal")
        return Finding("volume", title, "limited", said, off, elsewhere)
    if volume.kind in FLEETING:
        off = _("keeping anything: this file system lies in memory and is empty after a restart")
        return Finding("volume", title, "limited", said, off, elsewhere)
    return Finding("volume", title, "ok" if volume.kind else "note", said)


def _tried(place: Path, now: int) -> Iterator[Finding]:
    """What the store does, done in the empty folder *place*."""
    file = place / "试写 try.bin"
    title = _("Writing there")
    begun = time.perf_counter()
    try:
        write_atomically(file, b"x" * 4096)
    except (OSError, FactoryKitError) as error:
        yield _not_writable(place, str(getattr(error, "strerror", None) or error))
        return
    took = (time.perf_counter() - begun) * 1000
    text = _("written, flushed to the disk and renamed in {took:.0f} ms, under a Chinese name with a blank")
    yield Finding("writing", title, "ok", text.format(took=took))
    yield _locking(place)
    yield _file_time(file, now)
    yield _long_path(place)


def _not_writable(place: Path, reason: str) -> Finding:
    return Finding(
        "writing", _("Writing there"), "missing", reason, _("everything that writes: collecting, assessing, reports"),
        _("name a folder of your own with -w, or get the right to write to {place}").format(place=place),
    )  # fmt: skip


def _locking(place: Path) -> Finding:
    title = _("One writer at a time")
    first, second = Lock(place / "lock"), Lock(place / "lock")
    try:
        first.acquire()
        held = second.holder() is not None and _refused(second)
    except (OSError, FactoryKitError) as error:
        held, said = False, str(error)
    else:
        said = _("a lock keeps a second writer out") if held else _("a second writer is not kept out")
    finally:
        first.release()
        second.release()
    if held:
        return Finding("locking", title, "ok", said)
    off = _("safety of the store when two programs write to it")
    return Finding("locking", title, "limited", said, off, _("put the workspace on a disk of this computer"))


def _refused(second: Lock) -> bool:
    try:
        second.acquire()
    except FactoryKitError:
        return True
    return False


def _file_time(file: Path, now: int) -> Finding:
    """Whether files get the time that the clock tells."""
    title = _("Times of files")
    apart = file.stat().st_mtime_ns // 1000 - now
    if abs(apart) <= CLOCK_TOLERANCE_US:
        return Finding("file-times", title, "ok", _("as the clock tells"))
    said = _("{seconds:.0f} s from the clock of this computer").format(seconds=apart / 1e6)
    off = _("noticing that a file was changed: it goes by size and time")
    return Finding("file-times", title, "limited", said, off, _("put the workspace on a disk of this computer"))


def _long_path(place: Path) -> Finding:
    """Whether the longest path can be made that a workspace may need in the folder above *place*."""
    title = _("Long paths")
    wanted = len(str(place.parent)) + BELOW
    folder = place
    while len(str(folder)) + 60 < wanted:
        folder /= "long-path-" * 3
    file = folder / ("x" * max(1, wanted - len(str(folder)) - 1))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    except OSError as error:
        said = _("a path of {signs} signs cannot be made ({reason})")
        off = _("some files of evidence, packages and bundles, which have long names")
        do = _("use a shorter folder such as C:\\fk, or let an administrator set LongPathsEnabled to 1")
        said = said.format(signs=wanted, reason=error.strerror or error)
        return Finding("long-paths", title, "limited", said, off, do)
    return Finding("long-paths", title, "ok", _("{signs} signs are possible").format(signs=wanted))
