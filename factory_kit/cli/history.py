"""``import`` and ``replay``: exports of a historian become samples of the workspace, or are served as if they happened now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.model.history import HistoryMap
    from factory_kit.model.site import Site
    from factory_kit.testing.replay import Replay

__all__ = ["register"]

START_S = 3.0
"""What a collection needs to connect, and the servers to see that it has."""


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        "import",
        help=N_(
            "Import a historian's export (CSV) by a map.\n\n"
            "Example: factory-kit import export.csv --propose > map.yaml, correct map.yaml, then factory-kit import export.csv --map map.yaml"
        ),
    )(import_)
    app.command(
        help=N_(
            "Serve a recording (CSV) over OPC UA and Modbus on this computer, so that collect can be tried on it.\n\n"
            "Every value has the time of the recording and the origin replayed; the columns become the points that import makes of them. "
            "OPC UA serves all columns, a bad value with status Bad; a client must ask for the trigger StatusValueTimestamp to get repeated values. "
            "Modbus serves the columns of numbers as float32 in one block of holding registers: row number (uint32), time (uint64, µs UTC), "
            "values; a bad or missing value is NaN.\n\n"
            "Example: factory-kit replay export.csv --opcua 4840 --modbus 5020 --speed 20 --out replayed, then factory-kit collect -w replayed --for 70s"
        )
    )(replay)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=N_("The export."))],
    mapping: Annotated[Path | None, typer.Option("--map", metavar="map.yaml", help=N_("How the file is read."))] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help=N_("Print a map proposed from the file, to be corrected."))
    ] = False,
    zone: Annotated[
        str, typer.Option("--timezone", help=N_("Zone of the file's clock, for --propose; by default the plant's."))
    ] = "",
    equipment: Annotated[
        str, typer.Option("--equipment", help=N_("Equipment the columns belong to, for --propose."))
    ] = "equipment",
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help=N_("Leave broken rows out and count them."))
    ] = False,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.collect.history import import_history
    from factory_kit.collect.history_map import proposed_map
    from factory_kit.errors import UsageError
    from factory_kit.load.checked import yaml_file
    from factory_kit.load.workspace import Workspace
    from factory_kit.model.history import HistoryMap
    from factory_kit.store import Store

    if propose:
        typer.echo(proposed_map(file, zone or _zone_of(workspace), equipment), nl=False)
        return
    if mapping is None:
        raise UsageError("give --map map.yaml, or --propose to get a first one")
    place = Workspace.at(workspace)
    site, connectors = place.site()
    store = Store(place.store_folder)
    how = yaml_file(mapping, HistoryMap)
    done = import_history(file, how, store, kind=site.kind, clock=now, skip_broken=skip_broken)
    store.describe(site.equipment, connectors, site.operations)  # who never collects has a ledger too
    if as_json:
        counts = {"rows": done.rows, "left_out": done.left_out, "samples": done.samples, "overruled": done.overruled}
        print_json({"run": done.run, **counts, "not_in_ledger": _unknown(how, site)})
        return
    success(
        _("{file}: {rows} rows, {samples} samples, {left_out} rows left out.").format(
            file=file.name, rows=done.rows, samples=done.samples, left_out=done.left_out
        )
    )
    if done.overruled:
        note(
            f"! {file.name}: "
            + _(
                "{count} samples have the time of a later, different one of the same point; only the last stands"
            ).format(count=done.overruled)
        )
    for name in _unknown(how, site):
        note(f"! {mapping.name}: " + _("{id!r} is not in the ledger").format(id=name))


def _unknown(mapping: HistoryMap, site: Site) -> list[str]:
    """The equipment of *mapping* that *site* does not have: no figure counts its points."""
    return sorted({point.equipment for point in mapping.points} - {machine.id for machine in site.equipment})


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=N_("The recording."))],
    opcua: Annotated[
        int | None, typer.Option("--opcua", metavar="PORT", help=N_("Port for OPC UA; 0 for any free one."))
    ] = None,
    modbus: Annotated[
        int | None, typer.Option("--modbus", metavar="PORT", help=N_("Port for Modbus TCP; 0 for any free one."))
    ] = None,
    speed: Annotated[float, typer.Option("--speed", metavar="N", help=N_("Rows a second, at most 1000."))] = 1.0,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="map.yaml", help=N_("How the file is read; otherwise as proposed."))
    ] = None,
    zone: Annotated[
        str, typer.Option("--timezone", help=N_("Zone of the file's clock, where no map is given."))
    ] = "Asia/Shanghai",
    equipment: Annotated[
        str, typer.Option("--equipment", help=N_("Equipment the columns belong to, where no map is given."))
    ] = "equipment",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help=N_("Also make a workspace there that collects from the replay.")),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help=N_("Begin when a client reads over every protocol served."))
    ] = True,
    hold: Annotated[
        bool,
        typer.Option("--hold", help=N_("Keep every row until it was read over Modbus: a busy computer misses none.")),
    ] = False,
    linger: Annotated[
        float, typer.Option("--linger", metavar="SECONDS", help=N_("How long the last row is still served."))
    ] = 10.0,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help=N_("Leave broken rows out."))] = False,
    as_json: AsJson = False,
) -> None:
    import asyncio

    from factory_kit.cli.clock import now
    from factory_kit.testing.replay import Replay, Stage, serve
    from factory_kit.testing.replay_recording import map_for, recording
    from factory_kit.testing.replay_workspace import check_new, write_workspace

    if out is not None:
        check_new(out)
    how, text = map_for(file, mapping, zone, equipment)
    played = Replay(
        recording(file, how, skip_broken=skip_broken), now, opcua=opcua, modbus=modbus, speed=speed, hold=hold
    )

    def tell(stage: Stage) -> None:
        if stage == "ready" and out is not None:
            write_workspace(out, played, text)
        if as_json:
            _print_stage(stage, played)
        else:
            _say_stage(stage, played, out, wait=wait, linger=linger)

    asyncio.run(serve(played, tell, wait=wait, linger_s=linger))


def _print_stage(stage: str, played: Replay) -> None:
    """One line of JSON a stage, for programs."""
    import json

    places = {
        "opcua": played.opcua and played.opcua.url,
        "modbus": played.modbus and f"127.0.0.1:{played.modbus.port}",
    }
    typer.echo(json.dumps({"stage": stage, "rows": len(played.recording), **places}))


def _say_stage(stage: str, played: Replay, out: Path | None, *, wait: bool, linger: float) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import pasted

    rows = played.recording
    if stage == "begun":
        note(_("Begun: {speed:g} rows a second.").format(speed=played.speed))
    elif stage == "served":
        success(
            _("All {rows} rows were served; the last one stays for {linger:g} s.").format(rows=len(rows), linger=linger)
        )
    else:
        note(_("{file}: {rows} rows, {points} points").format(file=rows.file, rows=len(rows), points=len(rows.columns)))
        for column in rows.empty:
            note(_("{column}: has no values and is not served").format(column=column))
        for line in _places(played):
            note(line)
        if out is not None:
            # Until the last row has come, and not so long that the end of the servers is taken for a fault.
            duration = f"{played.seconds + START_S + linger / 2:.0f}s"
            success(_("{folder} is ready.").format(folder=out))
            note(_("In a second window:"))
            pasted("factory-kit", "collect", "-w", out, "--for", duration)
        if wait:
            note(_("Waiting until a client reads over every protocol served."))


def _places(played: Replay) -> Iterator[str]:
    """Where the servers answer, and what."""
    if played.opcua is not None:
        yield f"OPC UA: {played.opcua.url}"
    if played.modbus is not None:
        texts = [column.point.column for column in played.recording.columns if column.text is not None]
        for unit in played.modbus.units:
            yield f"Modbus: 127.0.0.1:{played.modbus.port}, unit {unit.number}: {unit.equipment}"
        for column in texts:
            yield _("{column}: is text and not served over Modbus").format(column=column)


def _zone_of(folder: Path) -> str:
    from factory_kit.load.workspace import Workspace

    if not (folder / "site.yaml").is_file():
        return "Asia/Shanghai"
    return Workspace.at(folder).site()[0].plant.timezone
