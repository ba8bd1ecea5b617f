"""``collect``: the only command that reads a plant, with a live screen that says what arrives and what does not."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import RenderableType

    from factory_kit.collect.run import Outcome
    from factory_kit.collect.status import Notice, Observer, ServerStatus, Status

__all__ = ["register"]

DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|m|min|h|d)?")
SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
LOOKS = {"running": "green", "connecting": "yellow", "lost": "red", "refused": "red", "closed": "dim"}
STATES = (N_("running"), N_("connecting"), N_("lost"), N_("refused"), N_("closed"))
"""States of a server, for the catalogue."""


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
    server: Annotated[str, typer.Argument(metavar="SERVER", help=N_("Name of the server in site.yaml."))],
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
    if not accept:
        note(
            _("Compare it at the machine, then: factory-kit trust {server} --accept {fingerprint}").format(
                server=server, fingerprint=found.fingerprint
            )
        )
        return
    trust_server(site, server, found, accept, place.certificates_folder)
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
) -> None:
    from factory_kit.cli.checks import show_timing
    from factory_kit.cli.clock import now
    from factory_kit.cli.timerange import asked_past
    from factory_kit.collect.run import collect_until_stopped
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    place = Workspace.at(workspace)
    site, connectors = place.site()
    seconds = _seconds(duration)
    past = asked_past(site.plant.timezone, first, last, now())
    if dry_run:
        show_timing(place.root, as_json=as_json)
        return
    with _watching(quiet=quiet, as_json=as_json) as observer:
        outcome = collect_until_stopped(
            site,
            connectors,
            Store(place.store_folder),
            now=now,
            seconds=seconds,
            observer=observer,
            certificates=place.certificates_folder,
            past=past,
        )
    _say_outcome(outcome, as_json=as_json)


def _seconds(duration: str) -> float | None:
    from factory_kit.errors import UsageError

    if not duration:
        return None
    found = DURATION.fullmatch(duration.strip().lower())
    if found is None or float(found["number"]) <= 0:
        raise UsageError(
            "{duration!r} is no duration, expected a number with s, m, h or d, such as 30s or 8h", duration=duration
        )
    return float(found["number"]) * SECONDS[found["unit"]]


@contextmanager
def _watching(*, quiet: bool, as_json: bool) -> Iterator[Observer]:
    """The observer that fits where standard error goes: a live screen, lines, or JSON on standard output."""
    from factory_kit.cli.console import stderr

    if as_json:
        yield _Json()
        return
    if quiet or not stderr().is_terminal:
        yield _Lines()
        return
    from rich.live import Live

    with Live(console=stderr(), refresh_per_second=4, transient=False) as live:
        yield _Screen(live.update)


class _Lines:
    """One line when something changes, and one every ten seconds."""

    EVERY_S = 10.0

    def __init__(self) -> None:
        self._told = 0.0

    def status(self, status: Status) -> None:
        """A line now and then."""
        if status.elapsed_s - self._told >= self.EVERY_S:
            self._told = status.elapsed_s
            self._say(_summary(status))

    def notice(self, notice: Notice) -> None:
        """A line at once."""
        self._say(_said(notice))

    @staticmethod
    def _say(text: str) -> None:
        from factory_kit.cli.console import note

        note(text)


class _Json:
    """JSON Lines on standard output, for programs."""

    def status(self, status: Status) -> None:
        """One object a second."""
        from dataclasses import asdict

        self._write({"status": asdict(status)})

    def notice(self, notice: Notice) -> None:
        """One object at once."""
        self._write({"notice": {"server": notice.server, "said": str(notice)}})

    @staticmethod
    def _write(value: object) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class _Screen:
    """A table that lives: per server rate, delivered, bad, errors, reconnects and lag."""

    MOST_NOTICES = 6

    def __init__(self, show: Callable[[RenderableType], None]) -> None:
        self._show = show
        self._notices: list[str] = []
        self._last: Status | None = None

    def status(self, status: Status) -> None:
        """The table anew."""
        self._last = status
        self._show(self._picture(status))

    def notice(self, notice: Notice) -> None:
        """The newest lines stay under the table."""
        self._notices = [*self._notices, _said(notice)][-self.MOST_NOTICES :]
        if self._last is not None:
            self._show(self._picture(self._last))

    def _picture(self, status: Status) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(title=_summary(status), title_justify="left", title_style="bold", header_style="bold")
        for index, name in enumerate(
            (
                _("Server"),
                _("Address"),
                _("State"),
                _("Points"),
                _("Values/s"),
                _("Values"),
                _("Bad"),
                _("Errors"),
                _("Reconnects"),
                _("Lag"),
            )
        ):
            table.add_column(name, justify="left" if index < 3 else "right")
        for server in status.servers:
            table.add_row(*_cells(server))
        return Group(table, *(Text(line, style="yellow") for line in self._notices))


def _cells(server: ServerStatus) -> list[RenderableType]:
    from rich.text import Text

    look = LOOKS[server.state]
    bad = f"{server.bad} ({100 * server.bad / server.delivered:.1f} %)" if server.delivered else "0"
    numbers = (
        str(server.points),
        f"{server.rate:.0f}",
        str(server.delivered),
        bad,
        str(server.errors),
        str(server.reconnects),
        f"{server.lag_ms:.0f} ms",
    )
    return [Text(server.server), Text(server.address), Text(_(server.state), style=look), *numbers]


def _summary(status: Status) -> str:
    minutes, seconds = divmod(int(status.elapsed_s), 60)
    hours, minutes = divmod(minutes, 60)
    text = _("{time}  {rate:.0f} values/s  {delivered} values  {megabytes:.1f} MB on disk  origin: {origin}")
    return text.format(
        time=f"{hours:d}:{minutes:02d}:{seconds:02d}",
        rate=status.rate,
        delivered=status.delivered,
        megabytes=status.bytes_written / 1e6,
        origin=_(status.origin),
    )


def _said(notice: Notice) -> str:
    return f"{notice.server}: {_(notice.message).format(**notice.details)}"


def _say_outcome(outcome: Outcome, *, as_json: bool) -> None:
    from dataclasses import asdict

    from factory_kit.cli.console import success

    if as_json:
        sys.stdout.write(json.dumps({"outcome": asdict(outcome)}, ensure_ascii=False, default=str) + "\n")
        return
    bad = sum(server.bad for server in outcome.servers)
    text = _(
        "{samples} samples ({bad} of bad quality), {gaps} gaps, {dropped} dropped, origin {origin}, {megabytes:.1f} MB; run {run}"
    )
    success(
        text.format(
            samples=outcome.samples,
            bad=bad,
            gaps=outcome.gaps,
            dropped=outcome.dropped,
            origin=_(outcome.origin.value),
            megabytes=outcome.bytes_written / 1e6,
            run=outcome.run,
        )
    )


ORIGINS = (N_("live"), N_("imported"), N_("replayed"), N_("simulated"))
"""Origins of samples, for the catalogue."""
