"""The machine itself: Python, processor and memory, time, the console, fonts, serial ports, proxies."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from factory_kit.doctor.child import output_of
from factory_kit.doctor.finding import Finding
from factory_kit.doctor.packages import from_wheelhouse
from factory_kit.i18n import _

__all__ = [
    "clock_finding",
    "console_finding",
    "font_finding",
    "java_finding",
    "keyring_finding",
    "port_findings",
    "proxy_finding",
    "python_finding",
    "size_finding",
    "zone_finding",
]

OLDEST, NEWEST = (3, 11), (3, 14)
"""The Pythons this version was tried with."""
WRITTEN_US = 1_793_491_200_000_000
"""2026-11-01 UTC: this version was written later, so a clock that tells an earlier day is wrong."""
FAR_US = 20 * 365 * 86_400 * 1_000_000
LEAP_US = 2_000_000
JAVA = 17
"""What PySpark 4 needs."""


def python_finding() -> Finding:
    """Which Python runs this, and whether it is one that was tried."""
    version, here = platform.python_version(), tuple(sys.version_info[:2])
    bits = struct.calcsize("P") * 8
    said = f"{platform.python_implementation()} {version}, {bits} bit, {platform.machine()}, {platform.platform()}"
    title = "Python"
    if here < OLDEST or bits < 64:  # 32 bit has no wheels of pyarrow and DuckDB
        return Finding("python", title, "missing", said, _("everything"), _("install Python 3.11 or newer, 64 bit"))
    if here > NEWEST:
        return Finding("python", title, "note", said + _("; newer than what Factory Kit was tried with"))
    return Finding("python", title, "ok", said)


def size_finding() -> Finding:
    """Processors and memory."""
    memory = _memory()
    said = _("{count} processors").format(count=os.cpu_count() or 1)
    if memory:
        said += _(", {memory:.1f} GiB of memory").format(memory=memory / (1 << 30))
    return Finding("size", _("Computer"), "note", said)


if sys.platform == "win32":

    def _memory() -> int:
        """Bytes of memory (GlobalMemoryStatusEx); 0 where the system does not tell."""
        import ctypes  # noqa: PLC0415 - Windows only

        status = (
            ctypes.c_ulonglong * 8
        )()  # MEMORYSTATUSEX: its length and the load in the first place, then ullTotalPhys
        ctypes.cast(status, ctypes.POINTER(ctypes.c_ulong))[0] = ctypes.sizeof(status)
        return int(status[1]) if ctypes.windll.kernel32.GlobalMemoryStatusEx(status) else 0

else:

    def _memory() -> int:
        """Bytes of memory; 0 where the system does not tell."""
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return 0


def zone_finding(zone: str = "Asia/Shanghai") -> Finding:
    """Whether the rules of the plant's time zone are there."""
    title = _("Time zones")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        said = _("{zone} is not known").format(zone=zone)
        do = from_wheelhouse() + " tzdata"
        return Finding("zones", title, "missing", said, _("everything that tells a day of the plant"), do)
    source = next((each for each in TZPATH if Path(each, *zone.split("/")).is_file()), "tzdata")
    return Finding("zones", title, "ok", f"{zone} ({source})")


def clock_finding(wall: tuple[int, int], steady: tuple[int, int], newest_us: int) -> Finding:
    """Whether the clock can be right: *wall* and *steady* (monotonic) at the beginning and the end of the look, in µs.

    *newest_us* is when the newest file of the workspace was written, 0 without any.
    """
    title, now = _("Clock"), wall[1]
    set_right = _("set date, time and time zone of this computer, by a clock you trust")
    off = _("everything that tells when: samples of Modbus, certificates of OPC UA, authorisations, signatures")
    leap = (wall[1] - wall[0]) - (steady[1] - steady[0])
    shown = _moment(now)
    if not WRITTEN_US <= now <= WRITTEN_US + FAR_US:
        said = _("{now}: this cannot be, this version was written after {written}")
        return Finding(
            "clock", title, "missing", said.format(now=shown, written=_moment(WRITTEN_US)[:10]), off, set_right
        )
    if newest_us > now + LEAP_US:
        said = _("{now}: a file of the workspace was written later, at {newest}")
        return Finding("clock", title, "limited", said.format(now=shown, newest=_moment(newest_us)), off, set_right)
    if abs(leap) > LEAP_US:
        said = _("{now}: it leapt by {seconds:+.1f} s while this command ran")
        return Finding("clock", title, "limited", said.format(now=shown, seconds=leap / 1e6), off, set_right)
    return Finding("clock", title, "ok", _("{now}; compare it with a clock you trust").format(now=shown))


def _moment(microseconds: int) -> str:
    """A time on this computer's clock, with its zone."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - used here alone

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
        return moment.astimezone().isoformat(" ", "seconds")
    except (OverflowError, OSError, ValueError):
        return f"{microseconds / 1e6:.0f} s"


def console_finding() -> Finding:
    """Whether this console can show Chinese."""
    title = _("Console")
    encoding = sys.stdout.encoding or ""
    said = _("{encoding}, locale {locale}, files {files}").format(
        encoding=encoding or "?", locale=locale.getpreferredencoding(do_setlocale=False), files=sys.getfilesystemencoding()
    )  # fmt: skip
    try:
        "厂".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        off = _("Chinese texts on the screen, shown as question marks; files are not affected")
        do = _("on Windows: chcp 65001; elsewhere a locale with UTF-8; or use --lang en")
        return Finding("console", title, "limited", said, off, do)
    return Finding("console", title, "ok", said)


def font_finding(find: Callable[[], str | None]) -> Finding:
    """Which font writes Chinese into PDF and pictures, as *find* finds it."""
    title = _("Chinese font")
    try:
        found = find()
    except (ImportError, OSError) as error:
        return Finding("font", title, "limited", str(error), _("reports as PDF"), from_wheelhouse())
    if found:
        return Finding("font", title, "ok", found)
    off = _("Chinese reports as PDF, and pictures in Word files; HTML and Excel remain")
    do = _("copy a font such as Noto Sans CJK SC into a folder and name that folder in FACTORY_KIT_FONTS")
    return Finding("font", title, "limited", _("none is installed"), off, do)


def port_findings(wanted: Iterable[str] = ()) -> Iterator[Finding]:
    """The serial ports of this computer, whether they may be opened, and those of the site file that are not there."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 - may be missing

    title = _("Serial ports")
    listed = sorted((port.device, port.description) for port in comports())
    names = [name for name, _description in listed]
    wanted = list(wanted)
    barred = [name for name in names if not may_open(name)]
    if barred:
        off = _("Modbus over these serial ports")
        yield Finding(
            "ports-right", title, "limited", _("{ports}: no right to open").format(ports=", ".join(barred)), off,
            _("sudo usermod -aG {group} $USER, then log in again").format(group=_group(barred[0])),
        )  # fmt: skip
    absent = [name for name in wanted if name not in names and not Path(name).exists()]
    if absent:
        said = _("{ports}: in the site file, not on this computer").format(ports=", ".join(absent))
        do = _("plug the adapter in, install its driver (bring it along), or correct the site file")
        yield Finding("ports-absent", title, "limited", said, _("reading the devices on these lines"), do)
    said = ", ".join(f"{name} ({what})" if what not in {"", "n/a", name} else name for name, what in listed)
    yield Finding(
        "ports", title, "ok" if listed else "note", said or _("none; needed for Modbus over serial lines only")
    )


def may_open(name: str) -> bool:
    """Whether this user may read and write the device *name*; ports of Windows are open to everybody."""
    return os.name == "nt" or os.access(name, os.R_OK | os.W_OK)


if sys.platform == "win32":

    def _group(name: str) -> str:
        """Nobody's: every port is open to everybody."""
        del name
        return ""

else:

    def _group(name: str) -> str:
        """Whose members may open the device *name*."""
        try:
            return Path(name).group()
        except (KeyError, OSError):
            return "dialout"


def keyring_finding() -> Finding:
    """Which keyring of the system keeps passwords; for machines that have the package."""
    title = _("Keyring of the system")
    code, said = output_of("import keyring; b = keyring.get_keyring(); print(type(b).__module__, type(b).__name__)")
    module = said.split(" ")[0]
    if code == 0 and module and not module.endswith((".fail", ".null")):
        return Finding("keyring", title, "ok", said.strip())
    off = _("passwords of OPC UA servers in the system's keyring; the environment and typing remain")
    do = _("start the keyring of your desktop (GNOME Keyring, KWallet), or use FACTORY_KIT_PASSWORD_<SERVER>")
    return Finding("keyring", title, "limited", _("none answers"), off, do)


def java_finding(environment: Mapping[str, str] = os.environ) -> Finding:
    """Whether Spark finds a Java; for machines that have PySpark."""
    title = "Java"
    home = environment.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home) / "bin") if home else environment.get("PATH"))
    if program:
        return Finding(
            "java", title, "note", _("{path}; Spark needs Java {version}").format(path=program, version=JAVA)
        )
    return Finding(
        "java", title, "limited", _("not found"), _("lake kpi with the engine spark; duckdb remains"),
        _("install Java {version} (Debian: openjdk-17-jre-headless), or name it in JAVA_HOME").format(version=JAVA),
    )  # fmt: skip


def proxy_finding(proxies: Mapping[str, str] | None = None) -> Finding:
    """Proxies that are set, without what would log in to them; machines are never read through them."""
    title = _("Proxies")
    found = getproxies() if proxies is None else proxies
    if not found:
        return Finding("proxies", title, "ok", _("none"))
    shown = ", ".join(f"{name}={_without_user(value)}" for name, value in sorted(found.items()) if name.lower() != "no")
    said = _("{proxies}; machines are never read through them, only store push and pull use them").format(proxies=shown)
    return Finding("proxies", title, "note", said)


def _without_user(address: str) -> str:
    parts = urlsplit(address if "//" in address else f"//{address}")
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if parts.scheme else host
