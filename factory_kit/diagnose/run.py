"""The whole diagnosis of an interval: every detector over the same material, findings ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from factory_kit.diagnose.air import air_losses
from factory_kit.diagnose.arrivals import arrival_findings
from factory_kit.diagnose.baseload import base_loads
from factory_kit.diagnose.bottleneck import line_bottleneck
from factory_kit.diagnose.counting import counter_resets, wrong_cycles
from factory_kit.diagnose.drift import drifts
from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.idle import idle_loads
from factory_kit.diagnose.known import NOTHING, Known
from factory_kit.diagnose.levels import Moved, level_findings, moved_levels, told_apart
from factory_kit.diagnose.losses import Made, losses
from factory_kit.diagnose.material import Material, gather
from factory_kit.diagnose.sensors import sensor_health
from factory_kit.diagnose.silence import pauses, silences
from factory_kit.diagnose.states import Told, told_states, with_states
from factory_kit.diagnose.tariff import Tariff
from factory_kit.diagnose.watch import Watched, watch, watch_findings
from factory_kit.errors import UsageError
from factory_kit.kpi.indicators import StoreView, evidence_of
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.timemodel import Segment
from factory_kit.model.evidence import PLANT, Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Site

__all__ = ["NOTHING", "Diagnosis", "Known", "diagnose"]


SENSOR_FAULTS = ("stuck-sensor", "cut-off", "out-of-place")
"""What these say of a point explains a level that moves."""


@dataclass(frozen=True)
class Diagnosis:
    """The findings of an interval, the gravest first, and what they were found in."""

    material: Material
    findings: tuple[Finding, ...]
    evidence: Mapping[str, str]
    """By machine: the id of the OEE record its losses rest on."""
    told: tuple[Told, ...] = ()
    """Machines without a state of their own: what power or current tells, or why it cannot be told."""
    watched: tuple[Watched, ...] = ()
    tariff: Tariff | None = None
    made: Mapping[str, Made] = field(default_factory=dict)
    """By machine: what it made in planned time."""
    moved: tuple[Moved, ...] = ()
    """Machines whose sensors' levels moved for good."""


def diagnose(  # noqa: PLR0913 - what is looked at, and what is known besides
    indicators: Mapping[str, Indicator],
    store: StoreView,
    interval: Interval,
    site: Site,
    now: Callable[[], int],
    *,
    line: Sequence[str] = (),
    known: Known = NOTHING,
    records: Sequence[Evidence] | None = None,
) -> Diagnosis:
    """All findings of *interval*; *line* names machines in series whose bottleneck is looked for, *known* is what people said.

    *records* are the OEE records of the very interval where they exist already; otherwise they are computed.

    ``UsageError`` when a machine of the line tells no state, or a point that was named is not there,
    ``QueryError`` when the SQL of an indicator cannot run, ``StoreDamaged`` when a file is not what it was.
    """
    material = gather(indicators, store, interval, site, site.calendar)
    told = tuple(told_states(material, known.settings, indicators, store, known.folder))
    material = with_states(material, told)
    watches = tuple(watch(material, rule, indicators, store) for rule in known.settings.anomalies)
    for limit in known.settings.limits:
        material.point(limit.point)
    if records is None:
        records = evidence_of([indicators["oee"]], store, interval, site.calendar, now)
    machines = {each.subject: each for each in records if each.subject != PLANT and each.outcome != "not applicable"}
    made = {name: _made(record) for name, record in machines.items()}
    speeds = {name: float(each.ideal_total_s / each.producing_s) for name, each in made.items() if each.producing_s}
    found = [
        *silences(material),
        *pauses(material),
        *sensor_health(material),
        *arrival_findings(store, interval),
        *drifts(material, known.settings.limits),
        *watch_findings(watches),
        *counter_resets(material),
        *wrong_cycles(material, speeds),
        *(idle := list(idle_loads(material, known.tariff))),
        *base_loads(material, idle, known.tariff),
        *air_losses(material, known.tariff),
        *_by_point(losses(material, made), told),
    ]
    faulty = {point for each in found if each.kind in SENSOR_FAULTS for point in each.points}
    found, moved = told_apart(found, tuple(moved_levels(material, known.settings.anomalies, faulty)), interval.start)
    found += level_findings(moved, interval.end)
    if line:
        found += line_bottleneck(_line(material, line), interval.window)
    evidence = {name: record.id for name, record in machines.items()}
    return Diagnosis(material, ranked(found), evidence, told, watches, known.tariff, made, moved)


def _by_point(found: Iterable[Finding], told: Sequence[Told]) -> Iterator[Finding]:
    """Losses of machines whose states were read from a power name that point, not a state that is not there."""
    points = {each.machine: each.point for each in told if each.model is not None}
    for each in found:
        point = points.get(each.subject)
        yield replace(each, points=(point,), extra={**each.extra, "states": "inferred"}) if point else each


def _line(material: Material, names: Sequence[str]) -> dict[str, Sequence[Segment]]:
    for name in names:
        if name not in material.segments:
            raise UsageError(
                "--line: {name!r} tells no state, expected machines such as {known}",
                name=name, known=", ".join(material.segments),
            )  # fmt: skip
    return {name: material.segments[name] for name in names}


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """*findings*, the gravest first."""
    return tuple(sorted(findings, key=lambda each: each.rank))


def _made(record: Evidence) -> Made:
    figures: Any = record.details["figures"]
    names: Sequence[str] = ("producing_s", "ideal_total_s", "ideal_good_s", "total", "good")
    return Made(*(Fraction(figures[name]) for name in names))
