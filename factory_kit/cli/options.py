"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.i18n import N_

__all__ = ["AsJson", "PublisherKey", "SignerOfPlant", "WorkspaceFolder"]

WorkspaceFolder = Annotated[
    Path,
    typer.Option(
        "--workspace", "-w", metavar="DIR", help=N_("The workspace; by default the current folder."), show_default=False
    ),
]
PublisherKey = Annotated[
    Path | None, typer.Option("--key", metavar="FILE.key", help=N_("Key of the publisher, to sign with."))
]
SignerOfPlant = Annotated[
    str, typer.Option("--signer", metavar="NAME", help=N_("Name to sign as; by default the plant's."))
]
AsJson = Annotated[bool, typer.Option("--json", help=N_("Print JSON that a program can read."))]
