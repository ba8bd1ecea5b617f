"""What is said when a collection has ended: how long nobody collected before it, and what to type next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from factory_kit.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_kit.kpi.timemodel import Stretch
    from factory_kit.store import Store

__all__ = ["days_to_name", "pause_before_last", "say_next"]

LEAST = 15 * 60 * 1_000_000
"""A shorter pause is a collection begun once more (µs)."""
MINUTE = 60_000_000


def say_next(store: Store, zone: str, workspace: Path) -> None:
    """The pause before the last run of *store* and the commands that show what was collected; nothing where it holds nothing."""
    from factory_kit.cli.console import note
    from factory_kit.cli.pasted import of_workspace, pasted
    from factory_kit.kpi.interval import run_spans

    with store.connect() as con:
        spans = run_spans(con)
    if not spans:
        return
    pause = pause_before_last(spans)
    if pause is not None:
        _say_pause(pause, zone)
    where = of_workspace(workspace)
    days = days_to_name(spans, zone)
    note(_("Next: what was lost on the way, the figures, and what they tell:"))
    pasted("factory-kit", "store", "losses", *where)
    pasted("factory-kit", "kpi", *days, *where)
    pasted("factory-kit", "diagnose", *days, *where)


def pause_before_last(spans: Sequence[Stretch]) -> Stretch | None:
    """From the end of all runs before the last of *spans* to its beginning; None where that is short, or it is the only one."""
    *before, last = spans
    ended = max((each.end for each in before), default=last.start)
    from factory_kit.kpi.timemodel import Stretch

    return Stretch(ended, last.start) if last.start - ended >= LEAST else None


def days_to_name(spans: Sequence[Stretch], zone: str) -> tuple[str, ...]:
    """``--from DAY --to DAY`` where the runs hold no whole day and the days must be named; else nothing."""
    from factory_kit.errors import Inconclusive
    from factory_kit.kpi.calendar import local_date
    from factory_kit.kpi.interval import whole_days
    from factory_kit.kpi.timemodel import Stretch

    data = Stretch(min(each.start for each in spans), max(each.end for each in spans))
    try:
        whole_days(data, zone)
    except Inconclusive:
        return ("--from", str(local_date(data.start, zone)), "--to", str(local_date(data.end, zone)))
    return ()


def _say_pause(pause: Stretch, zone: str) -> None:
    from factory_kit.cli.console import note
    from factory_kit.kpi.calendar import local_iso

    start, end = (local_iso(time // MINUTE * MINUTE, zone)[:16].replace("T", " ") for time in (pause.start, pause.end))
    text = _(
        "Nobody collected from {start} to {end}, {hours:.1f} hours: that time stays unknown. "
        "Where an OPC UA server keeps histories, collect --from reads them."
    )
    note(text.format(start=start, end=end, hours=pause.length / (60 * MINUTE)))
