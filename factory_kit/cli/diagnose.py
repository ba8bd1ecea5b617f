"""``diagnose``: what the machines' data say about lost time, wasted energy and failing sensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.asked import asked
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.cli.sheets import OutFile, save_table
from factory_kit.cli.timerange import FirstDay, LastDay
from factory_kit.i18n import N_, _, language
from factory_kit.model.evidence import PLANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_kit.cli.asked import Asked
    from factory_kit.diagnose.finding import Finding
    from factory_kit.diagnose.run import Diagnosis
    from factory_kit.diagnose.states import Told
    from factory_kit.kpi.interval import Interval
    from factory_kit.model.site import Site

__all__ = ["register"]

SHOWN = 15
SEVERITIES = {"high": N_("high"), "middle": N_("middle"), "low": N_("low")}
GROUPS = {"fault": N_("fault"), "loss": N_("loss")}


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Find where time, energy and quality are lost and which sensors cannot be trusted, with numbers and what to do.\n\n"
            "Example: factory-kit diagnose --report findings.html"
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
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help=N_("A report with pictures, by the ending .html, .docx, .xlsx or .pdf.")
        ),
    ] = None,
    states: Annotated[
        bool,
        typer.Option(
            "--states", help=N_("Show which states could be read from power or current, how surely, and why not.")
        ),
    ] = False,
    models: Annotated[
        Path | None,
        typer.Option(
            "--save-models", metavar="DIR", help=N_("Save what was learned (states, normal running) as JSON.")
        ),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import print_json, success

    of = asked(workspace, since, until)
    interval, found = of.interval, _looked(of, line)
    if models is not None:
        success(_("{count} models saved in {folder}.").format(count=_save_models(found, models), folder=models))
    if report is not None:
        _write_report(found, of.site, report)
        success(_("{file} is written.").format(file=report))
    if out is not None:
        save_table(out, _("Findings"), _columns(), [_cells(each, interval) for each in found.findings])
        success(_("{count} findings written to {file}.").format(count=len(found.findings), file=out))
    if states:
        _show_states(found, as_json=as_json)
    elif as_json:
        print_json([_json(each, found, interval) for each in found.findings])
    elif out is None and report is None:
        of.say_days()
        _show(found.findings, interval, most=len(found.findings) if everything else SHOWN)
        _say_untold(found)


def _looked(of: Asked, line: str) -> Diagnosis:
    """What is found in the store, knowing what the people of the workspace said."""
    from factory_kit.cli.clock import now
    from factory_kit.diagnose.known import Known
    from factory_kit.diagnose.run import diagnose as look

    known = Known.of(of.place.root, of.site)
    machines = tuple(name.strip() for name in line.split(",") if name.strip())
    return look(of.indicators, of.store, of.interval, of.site, now, line=machines, known=known)


def _write_report(found: Diagnosis, site: Site, path: Path) -> None:
    from factory_kit import __version__
    from factory_kit.cli.clock import now
    from factory_kit.reports.files import write
    from factory_kit.reports.findings import Told, findings_view
    from factory_kit.reports.shown import moment, short

    words = language()
    names = {each.id: each.name.in_(words) for each in site.equipment} | {PLANT: _("plant")}
    told = Told(found, words, names, lambda finding: short(found.evidence.get(finding.subject, "")))
    made = moment(now(), site.plant.timezone, words)
    write(findings_view(told, site.plant.name.in_(words), f"factory-kit {__version__}", made), path)


def _save_models(found: Diagnosis, folder: Path) -> int:
    """Every learned model in a file of its own; how many there were."""
    from factory_kit.diagnose.models import write_model

    folder.mkdir(parents=True, exist_ok=True)
    states = [(f"{each.machine}.states.json", each.model) for each in found.told if each.model is not None]
    normal = [(f"{each.machine}.normal.json", each.detector) for each in found.watched if each.detector is not None]
    for name, model in states:
        write_model(folder / name, model)
    for name, detector in normal:
        write_model(folder / name, detector)
    return len(states) + len(normal)


def _show_states(found: Diagnosis, *, as_json: bool) -> None:
    """Machines without a state of their own: thresholds, hours, confidence, or why it cannot be told."""
    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.model.connector import MachineState

    if as_json:
        print_json([_told_json(each, found.material.interval) for each in found.told])
        return
    if not found.told:
        note(_("Every machine with a power or a current tells its own state."))
        return
    rows = []
    for each in found.told:
        borders = (
            "" if each.model is None else ", ".join(f"{value:.3g}" for value, _below, _above in each.model.borders)
        )
        hours = ", ".join(f"{state.value} {each.hours(state):.1f} h" for state in MachineState if each.hours(state))
        said = _(each.refused.message).format(**each.refused.details) if each.refused else hours
        rows.append((each.machine, each.point, borders, f"{100 * each.confidence:.1f} %" if each.model else "", said))
    print_table((_("Of"), _("Point"), _("Thresholds"), _("Confidence"), _("What was told")), rows)


def _told_json(told: Told, interval: Interval) -> dict[str, object]:
    from factory_kit.kpi.calendar import local_iso

    return {
        "machine": told.machine,
        "point": told.point,
        "refused": str(told.refused) if told.refused else None,
        "confidence": told.confidence if told.model else None,
        "borders": [[value, below.value, above.value] for value, below, above in told.model.borders]
        if told.model
        else [],
        "states": [
            [
                local_iso(each.start, interval.zone),
                local_iso(each.end, interval.zone),
                each.state.value,
                each.confidence,
            ]
            for each in told.stretches
        ],
        "model": told.model.as_json() if told.model else None,
    }


def _say_untold(found: Diagnosis) -> None:
    """What was asked for, or could be, and cannot be told."""
    from factory_kit.cli.console import note

    for error in [*(each.refused for each in found.told), *(each.refused for each in found.watched)]:
        if error is not None:
            note(_(error.message).format(**error.details))


def _show(findings: Sequence[Finding], interval: Interval, most: int) -> None:
    from factory_kit.cli.console import note, print_table

    if not findings:
        note(_("Nothing was found."))
        return
    rows = [_cells(each, interval) for each in findings[:most]]
    columns = (_("Severity"), _("Of"), _("Finding"), _("What was seen"), _("What to do"))
    shown = zip(findings, rows, strict=False)
    print_table(columns, [(row[0], row[2], row[3], _with_money(each, row[4]), row[5]) for each, row in shown])
    if len(findings) > most:
        note(_("The gravest {shown} of {count}; all of them: --all").format(shown=most, count=len(findings)))


def _with_money(finding: Finding, said: str) -> str:
    return (
        said if finding.yuan is None else _("{said} That is {yuan} yuan.").format(said=said, yuan=f"{finding.yuan:.0f}")
    )


def _columns() -> tuple[str, ...]:
    return (
        _("Severity"), _("Kind"), _("Of"), _("Finding"), _("What was seen"), _("What to do"), _("First time"),
        _("Hours"), "kWh", _("Yuan"), _("Points"), _("Assumes"), _("Scene of 2025"),
    )  # fmt: skip


def _cells(finding: Finding, interval: Interval) -> tuple[str, ...]:
    from factory_kit.kpi.calendar import local_iso

    words = language()
    kind = finding.definition
    subject = _("plant") if finding.subject == PLANT else finding.subject
    first = local_iso(finding.when[0].start // 1_000_000 * 1_000_000, interval.zone) if finding.when else ""
    lost = ("" if number is None else f"{number:.2f}" for number in (finding.hours, finding.kwh, finding.yuan))
    assumes = finding.assumes(words)
    return (
        _(SEVERITIES[finding.severity]), _(GROUPS[kind.group]), subject, finding.title(words), finding.says(words),
        finding.to_do(words), first, *lost, " ".join(finding.points), assumes, finding.scene(words),
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
        "scene": {"zh": finding.scene("zh"), "en": finding.scene("en")},
        "numbers": dict(finding.numbers),
        "hours": finding.hours,
        "kwh": finding.kwh,
        "yuan": finding.yuan,
        "when": [[local_iso(part.start, interval.zone), local_iso(part.end, interval.zone)] for part in finding.when],
        "points": list(finding.points),
        "interval": {"from": interval.from_text, "to": interval.to_text},
        "evidence": found.evidence.get(finding.subject),
        **finding.extra,
    }
