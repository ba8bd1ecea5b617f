"""``collect``: the only command that reads a plant, with a live screen that says what arrives and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Read every connected machine of the site into the store; read-only, Ctrl-C ends it without losing anything.\n\n"
            "Example: factory-kit collect -w my-plant --for 8h"
        )
    )(collect)
    app.command(
        help=N_(
            "Show what an OPC UA server offers and its certificate; with --accept its fingerprint is trusted from now on.\n\n"
            "Example: factory-kit trust line-1 -w my-plant"
        )
    )(trust)


def trust(
    server: Annotated[
        str, typer.Argument(metavar="SERVER", help=N_("Name of the server in site.yaml, or opc.tcp://host:port."))
    ],
    accept: Annotated[
        str,
        typer.Option("--accept", metavar="FINGERPRINT", help=N_("The fingerprint as somebody read it at the machine.")),
    ] = "",
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_table, success
    from factory_kit.collect.trust import acquaint, trust_server
    from factory_kit.load.workspace import Workspace

    place = Workspace.at(workspace)
    site, _connectors = place.site()
    found = acquaint(site, server, now=now, request_log=place.root / "requests.jsonl")
    print_table((_("Security policy"), _("Mode")), found.offers, title=found.address)
    note(_("Certificate (SHA-256): {fingerprint}").format(fingerprint=found.fingerprint))
    if found.facts is not None:
        note(
            _("of {subject}, valid from {begins} to {ends}").format(
                subject=found.facts.subject, begins=found.facts.begins.date(), ends=found.facts.ends.date()
            )
        )
    for finding in found.findings:
        note("! " + _(finding.message).format(**finding.details))
    if not accept:
        note(
            _("Compare it at the machine, then: factory-kit trust {server} --accept {fingerprint}").format(
                server=server, fingerprint=found.fingerprint
            )
        )
        return
    trust_server(found, accept, place.certificates_folder)
    success(
        _("{address} is trusted with this certificate; any other stops the collection.").format(address=found.address)
    )


def collect(
    workspace: WorkspaceFolder = Path(),
    duration: Annotated[
        str,
        typer.Option(
            "--for", metavar="DURATION", help=N_("How long, such as 30s, 10m, 8h, 7d; by default until Ctrl-C.")
        ),
    ] = "",
    first: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help=N_(
                "Read the histories of the OPC UA servers instead, from this day or time on (YYYY-MM-DD or YYYY-MM-DDTHH:MM,"
                " in the plant's zone); what the store has already is left out."
            ),
        ),
    ] = "",
    last: Annotated[
        str,
        typer.Option(
            "--to", metavar="TIME", help=N_("With --from: up to this day, included, or time; by default now.")
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=N_("Show what would be sent, and send nothing."))] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help=N_("No live screen; only lines about what changes."))] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help=N_("Print one JSON object a second, and the outcome at the end."))
    ] = False,
    install_service: Annotated[
        bool,
        typer.Option(
            "--install-service",
            help=N_(
                "Write the files of a service that collects from boot on and say how to install it; nothing is read."
            ),
        ),
    ] = False,
    service_user: Annotated[
        str,
        typer.Option(
            "--service-user", metavar="USER", help=N_("The user of a service of the whole system; by default your own.")
        ),
    ] = "",
) -> None:
    from factory_kit.collect.heap import one_heap

    one_heap()  # before anything below loads pyarrow

    from factory_kit.cli.checks import show_timing
    from factory_kit.cli.clock import now
    from factory_kit.cli.collected import say_next
    from factory_kit.cli.screen import Surroundings, say_outcome, watching
    from factory_kit.cli.secrets import ask_secrets, secret
    from factory_kit.cli.service import write_service
    from factory_kit.cli.timerange import asked_past, seconds_of
    from factory_kit.collect.run import collect_until_stopped
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    place = Workspace.at(workspace)
    site, connectors = place.site()
    seconds = seconds_of(duration)
    if install_service:
        write_service(place.root, site.plant.id, service_user)
        return
    past = asked_past(site.plant.timezone, first, last, now())
    if dry_run:
        show_timing(place.root, as_json=as_json)
        return
    ask_secrets(site)
    around = Surroundings(place.root, place.certificates_folder, seconds, now, site.plant.timezone)
    with watching(around, quiet=quiet, as_json=as_json) as observer:
        outcome = collect_until_stopped(
            site,
            connectors,
            Store(place.store_folder),
            now=now,
            seconds=seconds,
            observer=observer,
            secret=secret,
            certificates=place.certificates_folder,
            past=past,
        )
    say_outcome(outcome, as_json=as_json)
    if not as_json and outcome.samples:
        say_next(Store(place.store_folder), site.plant.timezone, workspace)
