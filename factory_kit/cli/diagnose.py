"""``diagnose``: what the machines' data say about lost time, wasted energy and failing sensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.cli.sheets import OutFile, save_table
from factory_kit.cli.timerange import FirstDay, LastDay, asked_interval
from factory_kit.i18n import N_, _, language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_kit.diagnose.finding import Finding
    from factory_kit.diagnose.run import Diagnosis
    from factory_kit.kpi.interval import Interval

__all__ = ["register"]

SHOWN = 15
SEVERITIES = {"high": N_("high"), "middle": N_("middle"), "low": N_("low")}
GROUPS = {"fault": N_("fault"), "loss": N_("loss")}


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Find where time, energy and quality are lost and which sensors cannot be trusted, with numbers and what to do.\n\n"
            "Example: factory-kit diagnose --out findings.xlsx"
        )
    )(diagnose)


def diagnose(
    since: FirstDay = "",
    until: LastDay = "",
    line: Annotated[
        str,
        typer.Option(
            "--line",
            metavar="M1,M2,…",
            help=N_("Machines of one line in series, by their order: its bottleneck is looked for."),
        ),
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help=N_("Show every finding, not only the gravest."))] = False,
    out: OutFile = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.diagnose.run import diagnose as look
    from factory_kit.load.indicator import all_indicators
    from factory_kit.load.workspace import Workspace
    from factory_kit.shipped import search_path
    from factory_kit.store import Store

    place = Workspace.at(workspace)
    site, _connectors = place.site()
    store = Store(place.store_folder)
    store.seal()
    interval = asked_interval(store, site.plant.timezone, since, until)
    known = all_indicators([folder / "indicators" for folder in search_path("assessments", place.root)])
    machines = tuple(name.strip() for name in line.split(",") if name.strip())
    found = look(known, store, interval, site, now, line=machines)
    if out is not None:
        save_table(out, _("Findings"), _columns(), [_cells(each, interval) for each in found.findings])
        success(_("{count} findings written to {file}.").format(count=len(found.findings), file=out))
    if as_json:
        print_json([_json(each, found, interval) for each in found.findings])
    elif out is None:
        note(
            _("{first} to {last}, {days} whole days").format(
                first=interval.from_text, last=interval.to_text, days=interval.blocks
            )
        )
        _show(found.findings, interval, most=len(found.findings) if everything else SHOWN)


def _show(findings: Sequence[Finding], interval: Interval, most: int) -> None:
    from factory_kit.cli.console import note, print_table

    if not findings:
        note(_("Nothing was found."))
        return
    rows = [_cells(each, interval) for each in findings[:most]]
    columns = (_("Severity"), _("Of"), _("Finding"), _("What was seen"), _("What to do"))
    print_table(columns, [(row[0], row[2], row[3], row[4], row[5]) for row in rows])
    if len(findings) > most:
        note(_("The gravest {shown} of {count}; all of them: --all").format(shown=most, count=len(findings)))


def _columns() -> tuple[str, ...]:
    return (
        _("Severity"), _("Kind"), _("Of"), _("Finding"), _("What was seen"), _("What to do"), _("First time"),
        _("Hours"), "kWh", _("Points"), _("Assumes"), _("Scene of 2025"),
    )  # fmt: skip


def _cells(finding: Finding, interval: Interval) -> tuple[str, ...]:
    from factory_kit.kpi.calendar import local_iso

    words = language()
    kind = finding.definition
    first = local_iso(finding.when[0].start // 1_000_000 * 1_000_000, interval.zone) if finding.when else ""
    lost, kwh = ("" if number is None else f"{number:.2f}" for number in (finding.hours, finding.kwh))
    assumes = finding.assumes(words)
    return (
        _(SEVERITIES[finding.severity]), _(GROUPS[kind.group]), finding.subject, finding.title(words), finding.says(words),
        finding.to_do(words), first, lost, kwh, " ".join(finding.points), assumes, kind.scene,
    )  # fmt: skip


def _json(finding: Finding, found: Diagnosis, interval: Interval) -> dict[str, object]:
    from factory_kit.kpi.calendar import local_iso

    return {
        "kind": finding.kind,
        "group": finding.definition.group,
        "subject": finding.subject,
        "severity": finding.severity,
        "title": {"zh": finding.title("zh"), "en": finding.title("en")},
        "says": {"zh": finding.says("zh"), "en": finding.says("en")},
        "do": {"zh": finding.to_do("zh"), "en": finding.to_do("en")},
        "assumes": {"zh": finding.assumes("zh"), "en": finding.assumes("en")},
        "scene": finding.definition.scene,
        "numbers": dict(finding.numbers),
        "hours": finding.hours,
        "kwh": finding.kwh,
        "when": [[local_iso(part.start, interval.zone), local_iso(part.end, interval.zone)] for part in finding.when],
        "points": list(finding.points),
        "interval": {"from": interval.from_text, "to": interval.to_text},
        "evidence": found.evidence.get(finding.subject),
        **finding.extra,
    }
