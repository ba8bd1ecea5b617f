"""``simulate``: the simulated plant as a plant to practise on, with a workspace that reads it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from datetime import datetime

    from factory_kit.testing.simulated import SimulatedPlant

__all__ = ["simulate"]

ZONE = "Asia/Shanghai"
OPCUA, MODBUS = 48400, 15020
"""Ports of the example's site file."""
SUNDAY = 6
DAY_S = 86_400
LOOK_S = 0.2

HELP = N_(
    "Run a simulated plant on this computer to practise on: eight machines over OPC UA, four meters and a compressor over Modbus, "
    "with faults on purpose.\n\n"
    "It runs until Ctrl-C; collect, discover and trust are typed in a second window. Nothing of it is real, and every sample says so.\n\n"
    "Example: factory-kit simulate practice, then in a second window factory-kit collect -w practice"
)


def simulate(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help=N_("Also make a workspace there that reads the plant."))
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", metavar="N", min=1, max=7200, help=N_("Seconds of the plant in one second."))
    ] = 60.0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help=N_("Another seed is another plant."))] = 1,
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help=N_("Whether things go wrong on purpose."))
    ] = True,
    opcua: Annotated[
        int,
        typer.Option("--opcua", metavar="PORT", min=0, max=65535, help=N_("Port for OPC UA; 0 for any free one.")),
    ] = OPCUA,
    modbus: Annotated[
        int,
        typer.Option("--modbus", metavar="PORT", min=0, max=65535, help=N_("Port for Modbus TCP; 0 for any free one.")),
    ] = MODBUS,
    duration: Annotated[
        str,
        typer.Option(
            "--for", metavar="DURATION", help=N_("How long, such as 30s, 10m, 8h, 7d; by default until Ctrl-C.")
        ),
    ] = "",
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note
    from factory_kit.cli.timerange import seconds_of
    from factory_kit.testing.replay_workspace import check_new
    from factory_kit.testing.simulated import SimulatedPlant

    if folder is not None:
        check_new(folder)
    seconds = seconds_of(duration)
    plant = SimulatedPlant(
        seed=seed, speed=speed, start=_midnight(now()), faults=faults, opcua_port=opcua, modbus_port=modbus
    )
    note(_("The simulated plant starts; it takes some seconds."))
    with plant, suppress(KeyboardInterrupt):
        if folder is not None:
            _write_workspace(folder, plant)
        _say(plant, folder)
        _wait(plant, seconds)
    note(_("The simulated plant has ended."))


def _midnight(now: int) -> datetime:
    """When the last working day before *now* began: so a whole day lies before the plant that is in the past."""
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    day = datetime.fromtimestamp(now / 1e6, ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    day -= timedelta(days=1)
    return day - timedelta(days=1) if day.weekday() == SUNDAY else day


def _write_workspace(folder: Path, plant: SimulatedPlant) -> None:
    """The example's site file with the addresses at which *plant* answers, and its tariff."""
    from factory_kit.cli.workspace import FOLDERS
    from factory_kit.files import write_atomically
    from factory_kit.shipped import data_dir

    example = data_dir("examples") / "demo-plant"
    address = plant.opcua_url.removeprefix("opc.tcp://").partition("/")[0]
    text = (example / "site.yaml").read_text(encoding="utf-8").replace(f"127.0.0.1:{OPCUA}", address)
    text = text.replace(f"127.0.0.1:{MODBUS}", f"127.0.0.1:{plant.modbus_port}")
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "tariff.yaml", (example / "tariff.yaml").read_bytes())
    write_atomically(folder / "site.yaml", text.replace(f"port: {MODBUS}", f"port: {plant.modbus_port}"))


def _say(plant: SimulatedPlant, folder: Path | None) -> None:
    """Where it answers, how fast its time goes, what will go wrong, and what to type now."""
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import pasted

    success(_("The simulated plant answers."))
    note(f"OPC UA  {plant.opcua_url}")
    note(f"Modbus  127.0.0.1:{plant.modbus_port}")
    note(
        _("A day of the plant takes {minutes:.1f} minutes; it began on {start}.").format(
            minutes=DAY_S / plant.speed / 60, start=_clock(plant.start)
        )
    )
    _say_faults(plant)
    if folder is None:
        note(_("A workspace that reads it: end this with Ctrl-C, and give a folder: factory-kit simulate practice"))
    else:
        note(_("In a second window:"))
        pasted("factory-kit", "check", folder, "--timing")
        pasted("factory-kit", "collect", "-w", folder)
    note(_("Ctrl-C ends the plant."))


def _say_faults(plant: SimulatedPlant) -> None:
    from factory_kit.cli.console import print_table

    rows = [
        (_clock(fault.start), _wait_for((fault.start - plant.start) / 1e6 / plant.speed), _(fault.says))
        for fault in sorted(plant.planted_faults, key=lambda fault: fault.start)
    ]
    if rows:
        print_table((_("Plant time"), _("From now"), _("What goes wrong")), rows)


def _clock(time: int) -> str:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    return f"{datetime.fromtimestamp(time // 1_000_000, UTC).astimezone(ZoneInfo(ZONE)):%Y-%m-%d %H:%M}"


def _wait_for(seconds: float) -> str:
    if seconds <= 0:
        return _("already there")
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _wait(plant: SimulatedPlant, seconds: float | None) -> None:
    """Until *seconds* have passed; ``DeviceUnavailable`` when the plant ends by itself."""
    from factory_kit.errors import DeviceUnavailable

    ends = None if seconds is None else time.monotonic() + seconds
    while ends is None or time.monotonic() < ends:
        time.sleep(LOOK_S)
        if not plant.running:
            raise DeviceUnavailable("simulated plant: it ended by itself; start it once more")
