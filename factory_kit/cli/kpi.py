"""``kpi``, ``indicators`` and ``evidence``: figures computed from machine data, and their proof."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.asked import asked, indicators_of
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.cli.sheets import OutFile, save_table
from factory_kit.cli.timerange import FirstDay, LastDay
from factory_kit.i18n import N_, _, language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory_kit.cli.asked import Asked
    from factory_kit.cli.sheets import Cell
    from factory_kit.kpi.plant import KpiFigure
    from factory_kit.kpi.verify import Verification
    from factory_kit.model.evidence import Evidence
    from factory_kit.model.indicator import Indicator

__all__ = ["indicator_table", "register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Show the KPIs of ISO 22400-2 of every machine and the plant over whole days, each with bounds and coverage.\n\n"
            "Example: factory-kit kpi --out kpi.xlsx"
        )
    )(kpi)
    app.command(
        help=N_(
            "Compute the indicators over whole days of the store; with --assessment they become evidence of it.\n\n"
            "Example: factory-kit indicators --assessment 2026-09"
        )
    )(indicators)
    group = typer.Typer(
        help=N_("Evidence records: recompute them from the store's files."), no_args_is_help=True, rich_markup_mode=None
    )
    group.command(
        "verify",
        help=N_(
            "Recompute the records of an assessment from the store and compare every byte.\n\nExample: factory-kit evidence verify 2026-09"
        ),
    )(verify)
    app.add_typer(group, name="evidence")


def kpi(
    since: FirstDay = "",
    until: LastDay = "",
    subject: Annotated[
        str, typer.Option("--of", metavar="EQUIPMENT", help=N_("Show this machine or meter; by default the plant."))
    ] = "plant",
    out: OutFile = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import print_json, success
    from factory_kit.kpi.plant import plant_kpis

    of = asked(workspace, since, until)
    feeds = {each.id: each.feeds for each in of.site.equipment}
    figures = plant_kpis(of.indicators, of.store, of.interval, of.site.calendar, feeds)
    if out is not None:
        rows = [(of.interval.from_text, of.interval.to_text, *_kpi_cells(each)) for each in figures]
        save_table(out, "KPI", (_("From"), _("To"), *_kpi_columns()), rows)
        success(_("{count} figures written to {file}.").format(count=len(figures), file=out))
    if as_json:
        days = {"from": of.interval.from_text, "to": of.interval.to_text}
        print_json([{**days, **_kpi_json(each)} for each in figures])
    elif out is None:
        _kpi_table(figures, subject, of)


def _kpi_table(figures: Sequence[KpiFigure], subject: str, of: Asked) -> None:
    """The figures of *subject* on standard output, each remark once below; ``UsageError`` when there are none."""
    from factory_kit.cli.console import note, print_table, results
    from factory_kit.errors import UsageError

    subjects = sorted({each.subject for each in figures})
    if subject not in subjects:
        raise UsageError("{name!r} has no figures, expected one of {names}", name=subject, names=", ".join(subjects))
    of.say_days()
    remarks: dict[str, str] = {}
    rows = [_kpi_row(each, remarks) for each in figures if each.subject == subject]
    columns = ("KPI", _("Formula"), _("Value"), _("Bounds"), _("Unit"), _("Coverage"), _("Remark"))
    print_table(columns, rows, numbers={2: True, 3: True, 5: True, 6: False})
    for remark, mark in remarks.items():
        results().print(f"{mark} {remark}", markup=False)
    note(_("Others: --of {names}").format(names=", ".join(each for each in subjects if each != subject)))


def _kpi_row(figure: KpiFigure, remarks: dict[str, str]) -> tuple[str, ...]:
    """The cells of *figure*; its remark joins *remarks*, and its mark there stands in the row."""
    _subject, label, formula, value, lower, upper, coverage, unit, remark = _kpi_cells(figure)
    bounds = "" if lower is None and upper is None else f"{_decimals(lower)} – {_decimals(upper)}"
    mark = remarks.setdefault(str(remark), f"{len(remarks) + 1})") if remark else ""
    return str(label), str(formula), _decimals(value), bounds, str(unit), _decimals(coverage), mark


def _kpi_columns() -> tuple[str, ...]:
    return _("Of"), "KPI", _("Formula"), _("Value"), _("At least"), _("At most"), _("Coverage"), _("Unit"), _("Remark")


def _kpi_cells(figure: KpiFigure) -> tuple[str | Fraction | None, ...]:
    from factory_kit.kpi.catalogue import known_kpis

    definition, _source = known_kpis()[figure.id]
    subject = _("plant") if figure.subject == "plant" else figure.subject
    value = figure.kpi
    return (
        subject, definition.label.in_(language()), definition.formula.in_(language()),
        value.value, value.lower, value.upper, value.coverage,
        definition.unit, _(figure.reason) if figure.reason else "",
    )  # fmt: skip


def _kpi_json(figure: KpiFigure) -> dict[str, str | None]:
    from factory_kit.kpi.catalogue import known_kpis

    definition, source = known_kpis()[figure.id]
    value = figure.kpi
    numbers = {"value": value.value, "lower": value.lower, "upper": value.upper, "coverage": value.coverage}
    return {
        "kpi": figure.id,
        "subject": figure.subject,
        **{name: None if number is None else f"{float(number):.6f}" for name, number in numbers.items()},
        "unit": definition.unit,
        "formula": definition.formula.en,
        "source": f"{source.title} {source.version}".strip(),
        "reason": figure.reason or None,
    }


def _decimals(number: Fraction | str | None) -> str:
    return "" if number is None else f"{float(number):.4f}"


def _not_for(name: str) -> str:
    """``--for`` means how long, everywhere; ``UsageError`` says what was called so here once."""
    from factory_kit.errors import UsageError

    if name:
        raise UsageError("--for says how long; the assessment is named with --assessment {name}", name=name)
    return name


def indicators(
    name: Annotated[
        str,
        typer.Option("--assessment", metavar="NAME", help=N_("Write the records as evidence of this assessment.")),
    ] = "",
    since: FirstDay = "",
    until: LastDay = "",
    everything: Annotated[
        bool, typer.Option("--all", help=N_("Show every record, not only those of the plant and OEE."))
    ] = False,
    out: OutFile = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
    renamed: Annotated[str, typer.Option("--for", hidden=True, callback=_not_for)] = "",
) -> None:
    del renamed
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import print_json, success
    from factory_kit.files import write_atomically
    from factory_kit.kpi.indicators import evidence_of

    of = asked(workspace, since, until)
    records = evidence_of(of.indicators.values(), of.store, of.interval, of.site.calendar, now)
    if out is not None:
        _save_records(records, of.indicators, out)
        success(_("{count} records written to {file}.").format(count=len(records), file=out))
    if as_json:
        print_json([record.as_json() for record in records])
    elif out is None:
        of.say_days()
        indicator_table(records, of.indicators, everything=everything)
    if name:
        folder = AssessmentFolder.of(of.place, name)
        folder.evidence_folder.mkdir(exist_ok=True)
        for record in records:
            write_atomically(folder.evidence_folder / record.file_name, record.canonical())
        success(
            _("{count} evidence records written to {folder}.").format(count=len(records), folder=folder.evidence_folder)
        )


def _save_records(records: Sequence[Evidence], known: Mapping[str, Indicator], out: Path) -> None:
    """Every record as a line of a table, figures as numbers, with the whole id that finds it again."""
    columns = (
        _("From"), _("To"), _("Indicator"), _("Revision"), _("Of"), _("Outcome"), _("Value"), _("At least"), _("At most"),
        _("Numerator"), _("Denominator"), _("Unit"), _("Coverage"), _("Points"), _("Files"), _("Remark"), _("Evidence"),
    )  # fmt: skip
    save_table(out, _("Indicators"), columns, [_record_cells(record, known) for record in records])


def _record_cells(record: Evidence, known: Mapping[str, Indicator]) -> tuple[Cell, ...]:
    figures = (record.value, record.lower, record.upper, record.numerator, record.denominator)
    value, lower, upper, numerator, denominator = (None if text is None else Fraction(text) for text in figures)
    coverage = None if record.coverage is None else Fraction(record.coverage)
    return (
        record.start, record.end, known[record.indicator.id].definition.label.in_(language()), record.indicator.rev,
        _("plant") if record.subject == "plant" else record.subject, _(record.outcome), value, lower, upper,
        numerator, denominator, record.unit, coverage, len(record.points), len(record.files),
        _(record.reason) if record.reason else "", record.id,
    )  # fmt: skip


def indicator_table(records: Sequence[Evidence], known: Mapping[str, Indicator], *, everything: bool = True) -> None:
    """The records as a table on standard output; without *everything* those of the plant, and OEE by machine in short."""
    from factory_kit.cli.console import print_table

    if not everything:
        _plant_table([record for record in records if record.subject == "plant"], known)
        _machine_table(records)
        return
    columns = (_("Indicator"), _("Of"), _("Value"), _("Bounds"), _("Coverage"), _("Points"), _("Evidence"))
    rows = [_row(record, known) for record in records]
    print_table(columns, rows, numbers={2: True, 3: True, 4: True, 5: True, 6: False})


def _plant_table(records: Sequence[Evidence], known: Mapping[str, Indicator]) -> None:
    """The figures of the plant, and in a sentence each what has none and why."""
    from factory_kit.cli.console import print_table, results

    columns = (_("Indicator"), _("Value"), _("Bounds"), _("Coverage"), _("Points"), _("Evidence"))
    rows = []
    without: dict[str, list[str]] = {}
    for record in records:
        label, _of, *cells = _row(record, known)
        if record.value is None:
            without.setdefault(record.outcome, []).append(label)
        else:
            rows.append((label, *cells))
    numbers = {1: True, 2: True, 3: True, 4: True, 5: False}
    print_table(columns, rows, title=_("The whole plant"), numbers=numbers)
    for outcome, labels in without.items():
        results().print(_("{name}: {value}").format(name=_(outcome), value="; ".join(labels)), markup=False)


def _machine_table(records: Sequence[Evidence]) -> None:
    """Availability and OEE of every machine, a line each."""
    from factory_kit.cli.console import note, print_table

    found = {(record.indicator.id, record.subject): record for record in records}
    machines = [subject for name, subject in found if name == "oee" and subject != "plant"]
    rows = [(subject, *_oee_cells(found.get(("availability", subject)), found["oee", subject])) for subject in machines]
    columns = (_("Machine"), _("Availability"), "OEE", _("Bounds"), _("Coverage"), _("Evidence"))
    print_table(columns, rows, title=_("Machine by machine"), numbers={**dict.fromkeys(range(1, 5), True), 5: False})
    note(_("All {count} records: --all").format(count=len(records)))


def _oee_cells(availability: Evidence | None, oee: Evidence) -> tuple[str, ...]:
    bounds = f"{_short(oee.lower)} – {_short(oee.upper)}" if oee.lower is not None else ""
    value = _short(oee.value) if oee.value is not None else _(oee.outcome)
    return (_short(availability.value) if availability else "", value, bounds, _short(oee.coverage), oee.id[:12])


def _row(record: Evidence, known: Mapping[str, Indicator]) -> tuple[str, ...]:
    label = known[record.indicator.id].definition.label.in_(language())
    value = _(record.outcome) if record.value is None else f"{_short(record.value)} {record.unit}".removesuffix(" 1")
    bounds = f"{_short(record.lower)} – {_short(record.upper)}" if record.lower is not None else ""
    subject = _("plant") if record.subject == "plant" else record.subject
    return (
        label,
        subject,
        value,
        bounds,
        _short(record.coverage),
        str(len(record.points)),
        record.id[:12],
    )


def _short(text: str | None) -> str:
    """A figure cut to four decimals; the record keeps all of them."""
    if text is None:
        return ""
    whole, point, decimals = text.partition(".")
    return f"{whole}.{decimals[:4]}" if point and whole.lstrip("-").isdigit() else text


def verify(
    name: Annotated[str, typer.Argument(metavar="ASSESSMENT", help=N_("The assessment."))],
    out: OutFile = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.assess.evidence import frozen_indicators, read_evidence
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.cli.console import fail, print_json, success
    from factory_kit.kpi.verify import verify_records
    from factory_kit.load.workspace import Workspace
    from factory_kit.model.securityrecord import SECURITY
    from factory_kit.store import Store

    place = Workspace.at(workspace)
    folder = AssessmentFolder.of(place, name)
    records = read_evidence(folder, folder.assessment())
    known = [*indicators_of(place).values(), *frozen_indicators(folder).values()]
    own = {record.id: record for record in records if record.indicator.id == SECURITY}
    sampled = verify_records([each for each in records if each.id not in own], known, Store(place.store_folder))
    checks = [*sampled, *(_from_itself(record) for record in own.values())]
    if as_json:
        print_json([{"id": check.id, "same": check.same, "said": check.said} for check in checks])
    if out is not None:
        columns = (_("Indicator"), _("Of"), _("Evidence"), _("Result"), _("Remark"))
        save_table(out, _("Evidence"), columns, [_check_cells(check) for check in checks])
    differing = [check for check in checks if not check.same]
    for check in differing if not as_json else ():
        fail(f"{check.id[:12]}: {check.said}")
    if differing:
        raise typer.Exit(1)
    if not as_json:
        merged = sum(bool(check.said) for check in sampled)
        success(
            _("{count} records recomputed from the store: every byte is the same.").format(count=len(sampled))
            if not merged
            else _(
                "{count} records recomputed from the store: every figure is the same; of {merged} the files were merged since, or others came beside them."
            ).format(count=len(sampled), merged=merged)
        )
    if own and not as_json:
        success(_("{count} records of security computed again from what the servers said.").format(count=len(own)))


def _from_itself(record: Evidence) -> Verification:
    """A record about the security of a server, computed again from the endpoints that it holds."""
    from factory_kit.collect.securityrecord import computed_again
    from factory_kit.kpi.verify import Verification

    if computed_again(record):
        return Verification(record.id, record, same=True)
    said = _("{subject}: what the server said gives another record by the rules of today; discover it again")
    return Verification(record.id, record, same=False, said=said.format(subject=record.subject))


def _check_cells(check: Verification) -> tuple[str, ...]:
    record = check.record
    result = _("differs") if not check.same else _("same figures, other files") if check.said else _("same bytes")
    subject = _("plant") if record.subject == "plant" else record.subject
    return record.indicator.id, subject, check.id, result, check.said


OUTCOMES = (N_("value"), N_("inconclusive"), N_("not applicable"))
"""Outcomes as they are told, for the catalogue."""
