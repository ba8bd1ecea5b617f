"""Everything the command looks at, in the order it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from factory_kit.doctor import machine
from factory_kit.doctor.finding import Finding
from factory_kit.doctor.packages import Standing, extra_findings, needs, package_findings, standing
from factory_kit.doctor.place import place_findings
from factory_kit.doctor.power import power_finding
from factory_kit.errors import FactoryKitError
from factory_kit.i18n import _

__all__ = ["examine"]


class _Plant(NamedTuple):
    """What the site file says of this machine: the plant's zone, the serial ports."""

    zone: str = "Asia/Shanghai"
    ports: tuple[str, ...] = ()


def examine(folder: Path, clock: Callable[[], int]) -> list[Finding]:
    """What is on this machine for a workspace in *folder*, by *clock* (µs UTC); nothing is kept, no connection is opened."""
    wall, steady = clock(), time.monotonic_ns() // 1000
    found = standing(needs())
    plant, about = _site(folder, found)
    rest = [*place_findings(folder, clock()), *_fonts(found), *_ports(found, plant), power_finding()]
    times = (wall, clock()), (steady, time.monotonic_ns() // 1000)
    return [
        machine.python_finding(),
        machine.size_finding(),
        *package_findings(found),
        *about,
        *rest,
        machine.clock_finding(*times, _newest(folder)),
        machine.zone_finding(plant.zone),
        machine.console_finding(),
        machine.proxy_finding(),
        *extra_findings(found),
        *_of_extras(found),
        _not_needed(),
    ]


def _loads(found: list[Standing], *names: str) -> bool:
    """Whether these packages are no hindrance: each loads, or nobody asked for it."""
    return all(not each.broken and each.version for each in found if each.need.name in names)


def _site(folder: Path, found: list[Standing]) -> tuple[_Plant, list[Finding]]:
    """What the site file says, and whether there is one."""
    title = _("Workspace")
    if not (folder / "site.yaml").is_file():
        said = _("{folder} is none yet; make one with factory-kit init").format(folder=folder.resolve())
        return _Plant(), [Finding("workspace", title, "note", said)]
    if not _loads(found, "pydantic", "pyyaml"):
        return _Plant(), []
    from factory_kit.load.workspace import Workspace  # noqa: PLC0415 - needs packages that may be missing
    from factory_kit.model.site import ModbusServer  # noqa: PLC0415 - needs packages that may be missing

    try:
        site, _connectors = Workspace.at(folder).site()
    except FactoryKitError:
        said = _("{folder}: the site file has mistakes").format(folder=folder.resolve())
        do = _("factory-kit check names them all")
        return _Plant(), [Finding("workspace", title, "limited", said, _("everything in this workspace"), do)]
    ports = tuple(each.serial for each in site.servers.values() if isinstance(each, ModbusServer) and each.serial)
    return _Plant(site.plant.timezone, ports), [Finding("workspace", title, "ok", str(folder.resolve()))]


def _fonts(found: list[Standing]) -> Iterator[Finding]:
    if _loads(found, "typst"):
        from factory_kit.render.fonts import chinese_font  # noqa: PLC0415 - needs a package that may be missing

        yield machine.font_finding(chinese_font)


def _ports(found: list[Standing], plant: _Plant) -> Iterator[Finding]:
    if _loads(found, "pyserial"):
        yield from machine.port_findings(plant.ports)


def _of_extras(found: list[Standing]) -> Iterator[Finding]:
    """What extras need of the system, where they are installed."""
    have = {each.need.name for each in found if each.kind == "ok"}
    if "keyring" in have:
        yield machine.keyring_finding()
    if "pyspark" in have:
        yield machine.java_finding()


def _newest(folder: Path) -> int:
    """When the newest file of the store was written, in µs; 0 without any."""
    times = (file.stat().st_mtime_ns // 1000 for file in (folder / "store").rglob("*") if file.is_file())
    return max(times, default=0)


def _not_needed() -> Finding:
    said = _("a browser other than the usual one, Node, LibreOffice, compilers, an administrator, internet")
    return Finding("not-needed", _("Not needed"), "note", said)
