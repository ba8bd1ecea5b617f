"""``discover``: what a device exposes, asked gently and only with permission; what comes out is a draft for people to correct."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli import discover_modbus
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _, language

if TYPE_CHECKING:
    from factory_kit.collect.discover import Discovery, Wish

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(
        help=N_("Ask a device what it exposes, gently and with permission, and draft a connector from the answer."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(
        "opcua",
        help=N_(
            "Look at an OPC UA server: endpoints, limits, clock and its tree of nodes; writes a draft connector and site fragment.\n\n"
            "Without --go it only shows what would be sent.\n\n"
            "Example: factory-kit discover opcua opc.tcp://192.0.2.10:4840 -w my-plant, then the same with --go"
        ),
    )(opcua)
    group.command("modbus", help=discover_modbus.HELP)(discover_modbus.modbus)
    app.add_typer(group, name="discover")


def opcua(
    server: Annotated[
        str, typer.Argument(metavar="URL", help=N_("opc.tcp://host:port, or the name of a server of site.yaml."))
    ],
    workspace: WorkspaceFolder = Path(),
    go: Annotated[bool, typer.Option("--go", help=N_("Send what the dry run showed."))] = False,
    under: Annotated[
        str, typer.Option("--under", metavar="NODE", help=N_("Begin at this node, such as nsu=urn:x;s=Line1."))
    ] = "",
    match: Annotated[
        str,
        typer.Option(
            "--match", metavar="PATTERN", help=N_("Draft only points whose path matches, such as */Press*/*.")
        ),
    ] = "",
    nodes: Annotated[int, typer.Option("--nodes", min=1, help=N_("Look at so many nodes at most."))] = 10_000,
    children: Annotated[int, typer.Option("--children", min=1, help=N_("And at so many below one node."))] = 2_000,
    depth: Annotated[int, typer.Option("--depth", min=1, max=100, help=N_("And so many steps down."))] = 20,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help=N_("And so long at most."))] = 300.0,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=100, help=N_("Requests a second at most."))] = 5.0,
    resume: Annotated[bool, typer.Option("--resume", help=N_("Go on where the last discovery ended."))] = False,
    in_the_open: Annotated[
        bool, typer.Option("--in-the-open", help=N_("Speak without encryption; the record of the discovery says so."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.drafted import asking, say_next
    from factory_kit.cli.secrets import secret
    from factory_kit.collect.discover import Bounds, Wish, discover_opcua, plan_of
    from factory_kit.collect.rehearsal import discovery_folder, rehearse
    from factory_kit.load.workspace import Workspace

    place = Workspace.at(workspace)
    site, _connectors = place.site()
    bounds = Bounds(nodes, seconds, rate, depth, children)
    wish = Wish.of(site, server, bounds, under=under, match=match, resume=resume, in_the_open=in_the_open)
    folder = discovery_folder(place.root, wish.server.address)
    if not go:
        plan = plan_of(site, wish, now())
        _show_plan(plan, as_json=as_json)
        rehearse(folder, plan)
        return
    with asking(wish.bounds.seconds) as tell:
        found = discover_opcua(
            site,
            wish,
            folder,
            now=now,
            secret=secret,
            certificates=place.certificates_folder,
            request_log=place.root / "requests.jsonl",
            tell=tell,
        )
    _show(found, wish, as_json=as_json)
    if not as_json:
        say_next(found.folder, workspace)
    if found.interrupted:
        raise KeyboardInterrupt


def _show_plan(plan: dict[str, object], *, as_json: bool) -> None:
    from factory_kit.cli.drafted import show_sends

    limits = _(
        "At most {rate} requests a second, {seconds} s, {nodes} nodes; one connection, nothing is written."
    ).format(rate=plan["requests_per_s"], seconds=plan["seconds"], nodes=plan["nodes"])
    show_sends(plan, [limits], as_json=as_json)


def _show(found: Discovery, wish: Wish, *, as_json: bool) -> None:
    from factory_kit.cli.console import note, print_json, print_table, success
    from factory_kit.collect.ending import INTERRUPTED

    if as_json:
        print_json(found.as_json())
        return
    print_table((_("What"), _("Value")), [(_(name), value) for name, value in found.rows()], title=wish.server.address)
    _show_checks(found)
    for finding in found.findings:
        note("! " + _(finding.message).format(**finding.details))
    for remark in found.tree.remarks:
        note("- " + _(remark.message).format(**remark.details))
    if found.tree.unsaid:
        note(_("- and {count} more remarks").format(count=found.tree.unsaid))
    if found.interrupted:
        note("! " + _("Ended early: {reason}").format(reason=_(INTERRUPTED)))
    if found.tree.ended and found.tree.nodes:
        note(
            _("This is a part of the server ({count} nodes are still to be looked at); go on with --resume.").format(
                count=len(found.tree.open)
            )
        )
    if found.record is not None:
        said = _("{file} is evidence; an assessment takes it in when it lies in its folder evidence.")
        note(said.format(file=found.record))
    success(
        _("{machines} machines, {points} points drafted in {folder}; every role is a guess to be checked.").format(
            machines=len(found.draft.machines) if found.draft else 0, points=found.points, folder=found.folder
        )
    )


def _show_checks(found: Discovery) -> None:
    """What the endpoints prove about the security, as an assessment takes it."""
    from factory_kit.cli.console import print_table

    said = {Fraction(0): _("does not hold"), Fraction(1, 2): _("holds in part"), Fraction(1): _("holds")}
    rows = [
        (label.in_(language()), said[score], f"{model} {criterion}")
        for label, score, model, criterion in found.checks()
    ]
    if rows:
        print_table((_("Security"), _("Outcome"), _("Speaks for")), rows)
