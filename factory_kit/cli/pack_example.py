"""``pack example``: the worked example of a template, from simulated data to the sealed package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.i18n import N_, _

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """The command of this module joins the group ``pack``."""
    group.command(
        "example",
        help=N_(
            "Build the worked example of a template: a workspace with a simulated day, and the package made from it.\n\n"
            "Example: factory-kit pack example injection-moulding moulding-example"
        ),
    )(example)


def example(
    product: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help=N_("Name of the template, such as injection-moulding."))
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("The folder to make."))],
    seed: Annotated[int, typer.Option("--seed", help=N_("Another seed is another day."))] = 1,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, success
    from factory_kit.testing.products import build_example

    made = build_example(product, folder, clock=now, seed=seed)
    success(_("{file}: {rows} rows, sealed.").format(file=made.file, rows=made.rows))
    note(_("Simulated data of a plant that does not exist: to look at, never to list or to sell."))
