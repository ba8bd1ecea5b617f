"""The whole diagnosis of an interval: every detector over the same material, findings ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from factory_kit.diagnose.bottleneck import line_bottleneck
from factory_kit.diagnose.counting import counter_resets, wrong_cycles
from factory_kit.diagnose.drift import drifts
from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.idle import idle_loads
from factory_kit.diagnose.losses import Made, losses
from factory_kit.diagnose.material import Material, gather
from factory_kit.diagnose.sensors import sensor_health
from factory_kit.diagnose.silence import silences
from factory_kit.errors import UsageError
from factory_kit.kpi.indicators import StoreView, evidence_of
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.timemodel import Segment
from factory_kit.model.evidence import PLANT, Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Site

__all__ = ["Diagnosis", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """The findings of an interval, the gravest first, and what they were found in."""

    material: Material
    findings: tuple[Finding, ...]
    evidence: Mapping[str, str]
    """By machine: the id of the OEE record its losses rest on."""


def diagnose(
    indicators: Mapping[str, Indicator],
    store: StoreView,
    interval: Interval,
    site: Site,
    now: Callable[[], int],
    *,
    line: Sequence[str] = (),
) -> Diagnosis:
    """All findings of *interval*; *line* names machines in series whose bottleneck is looked for.

    ``UsageError`` when a machine of the line tells no state,
    ``QueryError`` when the SQL of an indicator cannot run, ``StoreDamaged`` when a file is not what it was.
    """
    material = gather(indicators, store, interval, site, site.calendar)
    records = evidence_of([indicators["oee"]], store, interval, site.calendar, now)
    machines = {each.subject: each for each in records if each.subject != PLANT and each.outcome != "not applicable"}
    made = {name: _made(record) for name, record in machines.items()}
    speeds = {name: float(each.ideal_total_s / each.producing_s) for name, each in made.items() if each.producing_s}
    found = [
        *silences(material),
        *sensor_health(material),
        *drifts(material),
        *counter_resets(material),
        *wrong_cycles(material, speeds),
        *idle_loads(material),
        *losses(material, made),
    ]
    if line:
        found += line_bottleneck(_line(material, line), interval.window)
    evidence = {name: record.id for name, record in machines.items()}
    return Diagnosis(material, ranked(found), evidence)


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
