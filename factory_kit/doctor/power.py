"""When this computer puts itself to sleep, as far as its settings can be read without rights."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from factory_kit.doctor.finding import Finding
from factory_kit.i18n import _

__all__ = ["gnome_sleep", "logind_settings", "pmset_sleep", "power_finding", "powercfg_sleep"]

SYSTEM = platform.system()
LOGIND = ("/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd")
"""Where systemd reads settings of logind, later ones winning (logind.conf(5)); masked targets stand in the last."""
GNOME = "org.gnome.settings-daemon.plugins.power"


def power_finding() -> Finding:
    """After how long of idleness this computer sleeps while it has mains power."""
    title = _("Sleep")
    seconds, lid = _settings()
    if seconds is None and not lid:
        said = _("no setting can be read; see that it does not sleep while it collects")
        return Finding("sleep", title, "note", said)
    if seconds:
        said = _("sleeps after {minutes:g} minutes without a key pressed").format(minutes=round(seconds / 60, 1))
        off = _("collecting through lunch or the night: what is missed asleep is a gap with its reason")
        return Finding("sleep", title, "limited", said, off, _remedy())
    said = _("does not sleep by itself")
    if lid:
        return Finding("sleep", title, "note", said + _("; closing the lid puts it to sleep"))
    return Finding("sleep", title, "ok", said)


def _remedy() -> str:
    if SYSTEM == "Windows":
        return "powercfg /change standby-timeout-ac 0"
    if SYSTEM == "Darwin":
        return "caffeinate -i factory-kit collect …"
    return "systemd-inhibit --what=sleep:idle:handle-lid-switch factory-kit collect …"


def _settings() -> tuple[int | None, bool]:
    """Seconds until sleep on mains power (0: never, None: unknown), and whether closing the lid sends it to sleep."""
    if SYSTEM == "Windows":
        return powercfg_sleep(_said("powercfg", "/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE")), (
            powercfg_sleep(_said("powercfg", "/query", "SCHEME_CURRENT", "SUB_BUTTONS", "LIDACTION")) or 0
        ) > 0
    if SYSTEM == "Darwin":
        return pmset_sleep(_said("pmset", "-g", "custom")), False
    return _linux()


def _linux() -> tuple[int | None, bool]:
    if not Path("/run/systemd/system").is_dir() or Path("/etc/systemd/system/sleep.target").is_symlink():
        return (0 if Path("/etc/systemd/system/sleep.target").is_symlink() else None), False
    settings = logind_settings(_logind_texts())
    asleep = settings.get("IdleAction", "ignore") in {"suspend", "hibernate", "hybrid-sleep", "suspend-then-hibernate"}
    desktop = gnome_sleep(
        _said("gsettings", "get", GNOME, "sleep-inactive-ac-type"),
        _said("gsettings", "get", GNOME, "sleep-inactive-ac-timeout"),
    )
    waits = _seconds(settings.get("IdleActionSec", "30min")) if asleep else 0
    lid = Path("/proc/acpi/button/lid").is_dir() and settings.get("HandleLidSwitch", "suspend") != "ignore"
    return min((each for each in (waits, desktop) if each), default=0), lid


def _logind_texts() -> Iterator[str]:
    files = [Path(folder) / "logind.conf" for folder in LOGIND]
    dropped = sorted(
        (file for folder in LOGIND for file in Path(folder, "logind.conf.d").glob("*.conf")), key=lambda file: file.name
    )
    for file in (*files, *dropped):
        if file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")


def logind_settings(texts: Iterator[str] | tuple[str, ...]) -> Mapping[str, str]:
    """The settings of ``[Login]`` in files of logind, later ones winning."""
    found: dict[str, str] = {}
    for text in texts:
        found |= dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*(.*?)\s*$", text))
    return found


def _seconds(text: str) -> int:
    """A span as systemd writes it (systemd.time(7)): 30min, 1h 30min, 90."""
    units = {"h": 3600, "hr": 3600, "min": 60, "m": 60, "s": 1, "sec": 1, "": 1}
    return sum(int(number) * units.get(unit, 1) for number, unit in re.findall(r"(\d+)\s*([a-z]*)", text)) or 1800


def gnome_sleep(action: str, seconds: str) -> int:
    """Seconds until a GNOME desktop sleeps on mains power; 0 where it does not or says nothing."""
    span = re.search(r"\d+", seconds)
    return int(span[0]) if span and ("suspend" in action or "hibernate" in action) else 0


def powercfg_sleep(said: str) -> int | None:
    """The setting on mains power out of ``powercfg /query``, whose last two numbers are mains and battery in every language."""
    numbers = re.findall(r"0x([0-9a-fA-F]{8})", said)
    return int(numbers[-2], 16) if len(numbers) >= 2 else None


def pmset_sleep(said: str) -> int | None:
    """Seconds until sleep on mains power out of ``pmset -g custom``."""
    mains = said.partition("AC Power")[2]
    minutes = re.search(r"(?m)^\s*sleep\s+(\d+)", mains)
    return int(minutes[1]) * 60 if minutes else None


def _said(*command: str) -> str:
    """What a program of the system prints; empty where there is none or it fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, check=False, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace") if done.returncode == 0 else ""
