"""``store losses``: what a run delivered, what it lost, and why values are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.store.losses import GapReason, Losses, ServerLosses

__all__ = ["join_losses"]


def join_losses(group: typer.Typer) -> None:
    """The command of this module joins the group ``store``."""
    group.command(
        "losses",
        help=N_(
            "Show the loss ledger of a run: what every server delivered, what was lost on the way, and each gap's reason.\n\n"
            "Example: factory-kit store losses"
        ),
    )(show)


def show(
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help=N_("The run, as collect named it; by default the last one."))
    ] = "",
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from dataclasses import asdict

    from factory_kit.cli.console import print_json
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store
    from factory_kit.store.losses import losses

    found = losses(Store(Workspace.at(workspace).store_folder), run)
    if as_json:
        print_json(asdict(found))
    else:
        _tables(found)


def _tables(found: Losses) -> None:
    from factory_kit.cli.console import print_table, results
    from factory_kit.i18n import retold

    columns = (
        _("Server"), _("Points"), _("Delivered"), _("of it bad"), _("Overflows"), _("Missing in sequence"), _("Dropped here"), _("Outages"),
    )  # fmt: skip
    rows = [_cells(each.server, each) for each in found.servers]
    if len(rows) > 1:
        rows.append(_cells(_("Together"), found.together))
    title = _("Loss ledger of {run}").format(run=found.run)
    print_table(columns, rows, title=title, numbers=dict.fromkeys(range(1, len(columns)), True))
    heads = (_("Why values are missing"), _("Points"), _("Gaps"), _("Longest"), _("Together"))
    if found.gaps:
        gaps = [_gap_cells(retold(each.reason), each) for each in found.gaps]
        print_table(heads, gaps, numbers=dict.fromkeys(range(1, len(heads)), True))
    out = results()
    out.print(
        _("{delivered} values were delivered; {lost} are known to be lost, and {gaps} gaps stand in the store with their reasons.").format(
            delivered=f"{found.together.delivered:,}", lost=f"{found.together.lost:,}", gaps=f"{sum(each.gaps for each in found.gaps):,}"
        ),
        markup=False,
    )  # fmt: skip


def _cells(name: str, each: ServerLosses) -> tuple[str, ...]:
    counts = (each.points, each.delivered, each.bad, each.overflows, each.sequence_gaps, each.dropped, each.outages)
    return (name, *(f"{count:,}" for count in counts))


def _gap_cells(reason: str, each: GapReason) -> tuple[str, ...]:
    return (reason, f"{each.points:,}", f"{each.gaps:,}", _length(each.longest_us), _length(each.together_us))


def _length(micros: int) -> str:
    """``1:02:03`` (hours, minutes, seconds); seconds with a decimal below a minute."""
    seconds = micros / 1e6
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
