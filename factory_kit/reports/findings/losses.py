"""Where planned time went: the waterfall of OEE and Pareto's list of stops, of all machines together."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from factory_kit.diagnose.losses import NO_REASON, STATES, stops
from factory_kit.model.connector import MachineState
from factory_kit.render.charts import Bar, Pareto, Step, Waterfall
from factory_kit.render.document import Figure

if TYPE_CHECKING:
    from factory_kit.reports.findings.parts import Told

__all__ = ["oee_waterfall", "stops_pareto"]

HOUR = 3600 * 1_000_000
MOST_REASONS = 8
TAKEN = (
    ("breakdowns", (MachineState.DOWN,)),
    ("changeovers", (MachineState.SETUP,)),
    ("waiting", (MachineState.IDLE, MachineState.OFF)),
    ("maintenance", (MachineState.MAINTENANCE,)),
)


def oee_waterfall(told: Told) -> Figure | None:
    """From planned time to time worth its good pieces; machines without a believable ideal cycle are left out, and said."""
    material, t = told.diagnosis.material, told.t
    made = {
        name: each
        for name, each in told.diagnosis.made.items()
        if name in material.segments and 0 < each.ideal_total_s <= each.producing_s
    }
    hours: dict[MachineState, float] = defaultdict(float)
    for name in made:
        for each in material.segments[name]:
            hours[each.state] += each.length / HOUR if each.planned else 0.0
    planned = sum(hours.values())
    if not made or not planned:
        return None
    ideal, good = (
        float(sum(getattr(each, name) for each in made.values())) / 3600 for name in ("ideal_total_s", "ideal_good_s")
    )
    running = hours[MachineState.PRODUCING]
    share = 100 * good / (planned - hours[MachineState.UNKNOWN])
    steps = [_whole(t("waterfall.planned"), planned)]
    steps += [_taken(t(f"waterfall.{name}"), sum(hours[each] for each in states)) for name, states in TAKEN]
    steps.append(
        Step(t("waterfall.unknown"), hours[MachineState.UNKNOWN], f"{hours[MachineState.UNKNOWN]:.1f} h", hue="void")
    )
    steps += [
        _whole(t("waterfall.running"), running),
        _taken(t("waterfall.slow"), max(0.0, running - ideal)),
        _taken(t("waterfall.scrap"), max(0.0, ideal - good)),
        Step(t("waterfall.good"), good, f"{good:.1f} h · {share:.1f}%", whole=True),
    ]
    shown = tuple(step for step in steps if step.whole or step.value > 0)
    alt = t("waterfall.alt", planned=f"{planned:.1f}", running=f"{running:.1f}", good=f"{good:.1f}", count=len(made))
    note = t("waterfall.note", count=len(made))
    return Figure("figure-waterfall", t("waterfall.caption"), alt, Waterfall(shown), note=note, width=720)


def _whole(label: str, hours: float) -> Step:
    return Step(label, hours, f"{hours:.1f} h", whole=True)


def _taken(label: str, hours: float) -> Step:
    return Step(label, hours, f"{hours:.1f} h")


def stops_pareto(told: Told) -> Figure | None:
    """Stops in planned time by kind and alarm, the longest first; the smallest are one bar."""
    material, t = told.diagnosis.material, told.t
    time: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for name, segments in material.segments.items():
        alarms = [material.column(point) for point in material.of(name, "alarm")]
        for stop in stops(segments, alarms[0] if len(alarms) == 1 else None):
            kind = t(f"waterfall.{STATES[stop.state]}")
            label = kind if stop.reason == NO_REASON else t("pareto.alarm", kind=kind, alarm=stop.reason)
            time[label] += stop.length / HOUR
            count[label] += 1
    if not time:
        return None
    ordered = sorted(time, key=lambda label: (-time[label], label))
    bars = [_bar(told, label, time[label], count[label]) for label in ordered[:MOST_REASONS]]
    rest = ordered[MOST_REASONS:]
    if rest:
        bars.append(
            _bar(
                told,
                t("pareto.rest", count=len(rest)),
                sum(time[each] for each in rest),
                sum(count[each] for each in rest),
            )
        )
    whole = sum(time.values())
    alt = t("pareto.alt", first=ordered[0], hours=f"{time[ordered[0]]:.1f}", whole=f"{whole:.1f}")
    return Figure(
        "figure-pareto", t("pareto.caption"), alt, Pareto(tuple(bars), whole), note=t("pareto.note"), width=720
    )


def _bar(told: Told, label: str, hours: float, count: int) -> Bar:
    return Bar(label, hours, told.t("pareto.text", hours=f"{hours:.1f}", count=count))
