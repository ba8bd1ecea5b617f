"""Options that several commands share, spelled once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from factory_kit.i18n import N_

if TYPE_CHECKING:
    from factory_kit.i18n import Language
    from factory_kit.store.formats import CsvFor as CsvReader

__all__ = [
    "AsJson",
    "CsvFor",
    "PublisherKey",
    "SignerOfPlant",
    "WorkspaceFolder",
    "asked_languages",
    "csv_reader",
    "format_of",
]

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
CsvFor = Annotated[
    str,
    typer.Option(
        "--csv-for",
        metavar="excel|programs",
        help=N_(
            "excel (of files the default): with a byte order mark, times to the millisecond, an apostrophe before texts that Excel would run; "
            "programs: every value as it is."
        ),
    ),
]


def format_of(asked: str, file: Path, forms: Sequence[str]) -> str:
    """The format that was *asked* for, or that *file* ends in; ``UsageError`` when it is none of *forms*."""
    from factory_kit.errors import UsageError

    form = asked or file.suffix.lower().removeprefix(".")
    if form not in forms:
        raise UsageError(
            "{form!r} is no format for this, expected one of {forms}; say it with --format or the name of the file",
            form=form,
            forms=", ".join(forms),
        )
    return form


def csv_reader(asked: str, otherwise: CsvReader) -> CsvReader:
    """Who reads the CSV: what was *asked* for, else *otherwise*; ``UsageError`` for anything else."""
    from factory_kit.errors import UsageError

    if asked in {"excel", "programs"}:
        return cast("CsvReader", asked)
    if asked:
        raise UsageError("{asked!r} is no reader of CSV, expected excel or programs", asked=asked)
    return otherwise


def asked_languages(text: str) -> tuple[Language, ...]:
    """The languages that ``--in`` names; ``UsageError`` for anything but zh, en and both."""
    from factory_kit.errors import UsageError
    from factory_kit.i18n import LANGUAGES

    found = tuple(each for each in LANGUAGES if text in {each, "both"})
    if not found:
        raise UsageError("{text!r} is no language of reports, expected zh, en or both", text=text)
    return found
