"""``discover modbus``: units, identification, SunSpec models and guesses about registers of one Modbus device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.collect.discover_modbus import Discovered

__all__ = ["HELP", "modbus"]

HELP = N_(
    "Look at one Modbus device or gateway: units, what they call themselves, SunSpec models, and guesses about registers; writes draft connectors.\n\n"
    "Without --go it only shows what would be sent. Only reading functions are ever sent, one address, never a network.\n\n"
    "Example: factory-kit discover modbus 192.0.2.20 --registers holding:0-99 -w my-plant, then the same with --go"
)


def modbus(
    server: Annotated[
        str, typer.Argument(metavar="HOST", help=N_("host or host:port, or the name of a server of site.yaml."))
    ],
    workspace: WorkspaceFolder = Path(),
    go: Annotated[bool, typer.Option("--go", help=N_("Send what the dry run showed."))] = False,
    units: Annotated[
        str,
        typer.Option(
            "--units",
            metavar="LIST",
            help=N_("Units to ask, such as 1-10,255; by default 1-16, on a serial line none."),
        ),
    ] = "",
    registers: Annotated[
        list[str] | None,
        typer.Option(
            "--registers",
            metavar="RANGE",
            help=N_("Watch these registers, such as holding:0-99; may be given more than once."),
        ),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=2, max=1000, help=N_("Read them so many times."))] = 20,
    every: Annotated[float, typer.Option("--every", min=0.1, max=3600, help=N_("Seconds between two rounds."))] = 2.0,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=50, help=N_("Requests a second at most."))] = 5.0,
    most: Annotated[int, typer.Option("--most", min=1, help=N_("Requests in all at most."))] = 2000,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help=N_("And so long at most."))] = 900.0,
    block: Annotated[int, typer.Option("--block", min=1, max=125, help=N_("Registers in one request at most."))] = 50,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.drafted import asking, say_next
    from factory_kit.collect.discover_modbus import Limits, ModbusWish, discover_modbus, plan_of
    from factory_kit.collect.rehearsal import discovery_folder, rehearse
    from factory_kit.load.workspace import Workspace

    place = Workspace.at(workspace)
    site, _connectors = place.site()
    wish = ModbusWish.of(
        site,
        server,
        units=units,
        registers=registers or (),
        limits=Limits(rate, most, seconds, block),
        rounds=rounds,
        every_s=every,
    )
    folder = discovery_folder(place.root, wish.server.address)
    if not go:
        plan = plan_of(site, wish, now())
        _show_plan(plan, as_json=as_json)
        rehearse(folder, plan)
        return
    with asking(wish.limits.seconds) as tell:
        found = discover_modbus(site, wish, folder, now=now, request_log=place.root / "requests.jsonl", tell=tell)
    _show(found, as_json=as_json)
    if not as_json:
        say_next(found.folder, workspace)
    if found.interrupted:
        raise KeyboardInterrupt


def _show_plan(plan: dict[str, object], *, as_json: bool) -> None:
    from factory_kit.cli.drafted import show_sends

    remarks = [
        _(
            "At most {rate} requests a second, {requests} in all, {seconds} s; one connection, one request at a time; nothing is written. The first sign of trouble ends it."
        ).format(rate=plan["requests_per_s"], requests=plan["requests"], seconds=plan["seconds"])
    ]
    if plan["registers"]:
        remarks.append(
            _(
                "Reading can have effects on some devices (counters cleared on reading): ask the plant about the registers named."
            )
        )
    show_sends(plan, remarks, service=_service, as_json=as_json)


def _service(name: str) -> str:
    """``function 3`` in the reader's language."""
    word, _blank, code = name.partition(" ")
    return _("function {code}").format(code=code) if word == "function" else name


def _show(found: Discovered, *, as_json: bool) -> None:
    from factory_kit.cli.console import note, print_json, print_table, success

    if as_json:
        print_json(found.as_json())
        return
    columns = (_("Modbus unit"), _("Calls itself"), _("SunSpec models"), _("Registers"), _("Clear guesses"))
    print_table(columns, found.rows(), title=found.address, numbers={0: True, 3: True, 4: True})
    for each in found.found:
        for span in each.refused:
            note(_("- unit {unit} refuses {registers}").format(unit=each.unit, registers=span))
    if found.ended is not None:
        note("! " + _("Ended early: {reason}").format(reason=_(found.ended.message).format(**found.ended.details)))
    success(
        _("{requests} requests; {points} points drafted in {folder}; check every one before it is used.").format(
            requests=found.requests, points=found.points, folder=found.folder
        )
    )
