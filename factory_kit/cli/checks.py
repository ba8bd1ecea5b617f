"""What ``check`` finds out about a path: which kind of definition it is, and whether it keeps its rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory_kit.errors import DefinitionError, Problem, QueryError, UsageError
from factory_kit.i18n import _, language

if TYPE_CHECKING:
    from factory_kit.diagnose.known import Known
    from factory_kit.load.workspace import Workspace
    from factory_kit.model.connector import Connector
    from factory_kit.model.site import Site

__all__ = ["Checked", "check_path", "show_timing"]


@dataclass(frozen=True)
class Checked:
    """What was checked and found right."""

    kind: str
    summary: str


def check_path(path: Path) -> Checked:
    """What is at *path*; ``DefinitionError`` with all its mistakes, ``UsageError`` when it is no definition."""
    folder = path if path.is_dir() else path.parent
    for file, check in CHECKS.items():
        if (path.is_dir() and (path / file).is_file()) or path.name == file:
            return check(folder)
    raise UsageError(
        "{path}: holds none of {files}; name a workspace or the folder of a definition",
        path=path,
        files=", ".join(CHECKS),
    )


def _workspace(folder: Path) -> Checked:
    from factory_kit.collect.plan import plan_site
    from factory_kit.load.workspace import Workspace

    site, connectors, known = _read(Workspace.at(folder))
    plan = plan_site(site, connectors)
    connected = sum(item.connected for item in site.equipment)
    points = sum(len(server.points) for server in plan.servers)
    text = _(
        "site of {plant}: {equipment} pieces of equipment, {connected} connected, {points} points on {servers} servers"
    )
    return Checked(
        "site",
        text.format(
            plant=site.plant.name.in_(language()),
            equipment=len(site.equipment),
            connected=connected,
            points=points,
            servers=len(plan.servers),
        )
        + _beside(known),
    )


def _read(place: Workspace) -> tuple[Site, dict[str, Connector], Known]:
    """The files that people wrote in a workspace; ``DefinitionError`` with the mistakes of all of them."""
    from factory_kit.diagnose.known import NOTHING, known_of

    problems: list[Problem] = []
    connectors: dict[str, Connector] = {}
    site, known, ledger = None, NOTHING, None
    try:
        site, connectors = place.site()
        ledger = {each.id for each in site.equipment}
    except DefinitionError as error:
        problems += error.problems
    try:
        known = known_of(place.root, ledger)
    except DefinitionError as error:
        problems += error.problems
    if problems or site is None:
        raise DefinitionError(problems)
    return site, connectors, known


def _beside(known: Known) -> str:
    """What the files beside the site hold, after a semicolon; empty where there are none."""
    found = []
    if known.tariff is not None:
        name, seasons = known.tariff.name.in_(language()), len(known.tariff.seasons)
        found.append(_("tariff {name}, {count} seasons").format(name=name, count=seasons))
    settings = known.settings
    if settings.limits or settings.states or settings.anomalies:
        text = _(
            "diagnosis.yaml: {limits} limits, {states} machines whose state is read from power, {anomalies} watched"
        )
        found.append(
            text.format(limits=len(settings.limits), states=len(settings.states), anomalies=len(settings.anomalies))
        )
    return "".join(f"; {each}" for each in found)


def _connector(folder: Path) -> Checked:
    from factory_kit.collect.samples import sample_problems
    from factory_kit.load.checked import yaml_file
    from factory_kit.load.connector import connector_folder
    from factory_kit.model.samples import ConnectorSamples

    connector = connector_folder(folder, folder.name)
    problems = _driver_problems(connector)
    samples = yaml_file(folder / "samples.yaml", ConnectorSamples, f"{folder.name}/samples.yaml")
    problems += sample_problems(connector, samples, f"{folder.name}/samples.yaml")
    if not (folder / "README.md").is_file():
        problems.append(Problem(f"{folder.name}/README.md", 0, "", _("is missing")))
    if problems:
        raise DefinitionError(problems)
    text = _("connector {name} {version}: {points} points, {samples} samples decode, grade {grade}")
    return Checked(
        "connector",
        text.format(
            name=connector.connector,
            version=connector.version,
            points=len(connector.points),
            samples=len(samples.root),
            grade=connector.quality.grade,
        ),
    )


def _driver_problems(connector: Connector) -> list[Problem]:
    """What the driver of *connector* has against its points; our own are asked without loading their protocols."""
    from factory_kit.drivers import driver
    from factory_kit.drivers.check import modbus_problems, opcua_problems

    own = {"modbus": modbus_problems, "opcua": opcua_problems}
    return list((own.get(connector.driver) or driver(connector.driver).validate)(connector))


def _model(folder: Path) -> Checked:
    from factory_kit.load.maturity import maturity_cases, maturity_model
    from factory_kit.score.cases import case_failures

    model = maturity_model(folder, f"{folder.parent.name}/{folder.name}")
    cases = maturity_cases(folder, model, f"{folder.parent.name}/{folder.name}")
    _hold(f"{folder.name}/cases.yaml", [failure for case in cases.cases for failure in case_failures(model, case)])
    text = _("model {id}: {criteria} criteria, {cases} cases hold; {status}")
    return Checked(
        "model",
        text.format(
            id=model.id, criteria=len(model.criteria), cases=len(cases.cases), status=_(model.structure.status)
        ),
    )


def _ladder(folder: Path) -> Checked:
    from factory_kit.load.ladder import ladder, ladder_cases
    from factory_kit.score.ladder_cases import ladder_case_failures

    shown = f"{folder.parent.name}/{folder.name}"
    found = ladder(folder, shown)
    cases = ladder_cases(folder, found, shown)
    _hold(f"{shown}/cases.yaml", [failure for case in cases.cases for failure in ladder_case_failures(found, case)])
    text = _("ladder {id}: {items} items, {rungs} levels, {cases} cases hold; {status}")
    return Checked(
        "ladder",
        text.format(
            id=found.id, items=len(found.items), rungs=len(found.content.rungs), cases=len(cases.cases),
            status=_(found.content.status),
        ),
    )  # fmt: skip


def _hold(name: str, failures: Sequence[object]) -> None:
    """``DefinitionError`` with the worked examples that do not hold."""
    if failures:
        raise DefinitionError(
            [Problem(name, 0, "", str(failure).replace("{", "{{").replace("}", "}}")) for failure in failures]
        )


def _indicator(folder: Path) -> Checked:
    from factory_kit.kpi.trial import tried
    from factory_kit.load.indicator import indicator_folder

    indicator = indicator_folder(folder, folder.name)
    try:
        tried(indicator)
    except QueryError as error:
        raise DefinitionError([Problem(f"{folder.name}/query.sql", 0, "", error.message, error.details)]) from error
    return Checked(
        "indicator", _("indicator {id}, revision {rev}").format(id=indicator.id, rev=indicator.definition.rev)
    )


def _product(folder: Path) -> Checked:
    from factory_kit.load.product import product_folder

    template = product_folder(folder)
    text = _("data product {name} {version}: {fields} fields, {rules} rules")
    return Checked(
        "product",
        text.format(
            name=template.product.product,
            version=template.product.version,
            fields=len(template.product.fields),
            rules=len(template.checks.rules),
        ),
    )


def _district(folder: Path) -> Checked:
    from factory_kit.district.office import Office

    office = Office.at(folder)
    problems = list(office.problems())
    if problems:
        raise DefinitionError(problems)
    campaign = office.campaign()
    text = _("campaign {name} ({kind}) until {deadline}: {models} models; {units} reporting units, {targets} targets")
    return Checked(
        "district",
        text.format(
            name=campaign.name.in_(language()), kind=_(campaign.kind), deadline=campaign.deadline, models=len(campaign.models),
            units=len(office.units().units), targets=len(office.targets().targets),
        ),
    )  # fmt: skip


CHECKS: dict[str, Callable[[Path], Checked]] = {
    "site.yaml": _workspace,
    "connector.yaml": _connector,
    "model.yaml": _model,
    "ladder.yaml": _ladder,
    "indicator.yaml": _indicator,
    "product.yaml": _product,
    "campaign.yaml": _district,
}


def show_timing(path: Path, *, as_json: bool) -> None:
    """What would be read from each server, how often and in how many requests."""
    from dataclasses import asdict

    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.collect.preview import describe_plan, measured_intervals, overloaded
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    place = Workspace.at(path if path.is_dir() else path.parent)
    site, connectors = place.site()
    measured = measured_intervals(Store(place.store_folder)) if place.store_folder.is_dir() else {}
    rows = describe_plan(site, connectors, measured)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    columns = (
        _("Server"), _("Address"), _("Sends"), _("Requests a cycle"), _("Points"), _("Registers"), _("Interval"), _("Takes"), _("Last run"),
    )  # fmt: skip
    cells = [
        (
            row.server,
            row.address,
            row.what,
            row.requests,
            row.points,
            row.registers or "",
            *("" if span is None else f"{span:g} ms" for span in (row.interval_ms, row.takes_ms, row.measured_ms)),
        )
        for row in rows
    ]
    print_table(columns, cells, title=_("What would be sent"), numbers=dict.fromkeys(range(3, 9), True))
    for server, load in overloaded(rows).items():
        text = _(
            "{server}: needs {load:.1f} times the time there is; raise its intervals, or allow gaps and longer requests"
        )
        note(text.format(server=server, load=load))
