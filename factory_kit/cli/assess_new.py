"""``assess new``: an assessment begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.assess_arguments import Name
from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from datetime import date

    from factory_kit.model.assessment import AssessmentType

__all__ = ["new"]

TYPES = ("self", "provider", "on-site", "re-assessment")
MODEL = "gbt-39116@2020"
USUAL_DAYS = 30


def new(
    name: Name,
    model: Annotated[str, typer.Option("--model", metavar="ID@EDITION", help=N_("The maturity model."))] = MODEL,
    kind: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="|".join(TYPES),
            help=N_("How it is assessed; by default provider where one is named, otherwise self."),
        ),
    ] = "",
    assessor: Annotated[str, typer.Option("--assessor", metavar="NAME", help=N_("Who answers."))] = "",
    provider: Annotated[str, typer.Option("--provider", metavar="NAME", help=N_("The diagnosis provider."))] = "",
    first: Annotated[
        str,
        typer.Option("--from", metavar="DATE", help=N_("First day the evidence speaks for; by default 30 days ago.")),
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="DATE", help=N_("Last day the evidence speaks for; by default today."))
    ] = "",
    on_site: Annotated[
        list[str] | None, typer.Option("--on-site", metavar="DATE", help=N_("A day in the plant; may be repeated."))
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            "--unit", metavar="CODE", help=N_("Reporting unit of the plant: street, town, park; may be repeated.")
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help=N_("Fill in the example answers of the model; demo workspaces only."))
    ] = False,
    workspace: WorkspaceFolder = Path(),
) -> None:
    import secrets

    from factory_kit.assess.begin import Wish, begin
    from factory_kit.assess.forms import TO_FILL_IN
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import at
    from factory_kit.load.workspace import Workspace

    place = Workspace.at(workspace)
    today = _today(place)
    wish = Wish(
        name=name,
        model=model,
        period=_period(first, last, today),
        type=_type(kind or ("provider" if provider else "self")),
        assessor=assessor or TO_FILL_IN,
        provider=provider,
        units=tuple(unit or ()),
        on_site=tuple(_day(text) for text in on_site or ()),
        example=example,
    )
    folder = begin(place, wish, secrets.token_hex(8))
    success(_("{folder} is ready.").format(folder=folder.path))
    note(
        _("Next: fill in {file}, then run: factory-kit assess score {name}").format(
            file=folder.answers_file, name=at(name, workspace)
        )
    )
    note(_("Or answer in a browser: factory-kit assess serve {name} --open").format(name=at(name, workspace)))
    if wish.type == "self":
        note(
            _(
                "This is a self-assessment, which the enterprise seals; a diagnosis provider begins one with --provider NAME."
            )
        )


def _type(text: str) -> AssessmentType:
    from typing import cast

    from factory_kit.errors import UsageError

    if text not in TYPES:
        raise UsageError(
            "{type!r} is no type of assessment, expected one of {known}", type=text, known=", ".join(TYPES)
        )
    return cast("AssessmentType", text)


def _today(place: object) -> date:
    """Today in the zone of the plant."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from factory_kit.cli.clock import now
    from factory_kit.load.workspace import Workspace

    assert isinstance(place, Workspace)  # noqa: S101 - for the types only
    zone = ZoneInfo(place.site()[0].plant.timezone)
    return datetime.fromtimestamp(now() // 1_000_000, UTC).astimezone(zone).date()


def _period(first: str, last: str, today: date) -> tuple[date, date]:
    from datetime import timedelta

    ends = _day(last) if last else today
    return (_day(first) if first else ends - timedelta(days=USUAL_DAYS)), ends


def _day(text: str) -> date:
    from datetime import date

    from factory_kit.errors import UsageError

    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError("{text!r} is not a date, expected YYYY-MM-DD", text=text) from error
