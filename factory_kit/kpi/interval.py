"""Intervals of evidence: whole local days, because minutes of one machine are not independent of each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from factory_kit.errors import Inconclusive, UsageError
from factory_kit.kpi.calendar import local_date, local_iso, local_midnight
from factory_kit.kpi.timemodel import Stretch

__all__ = ["SLACK", "Interval", "data_span", "days_between", "run_spans", "whole_days"]

DAY = timedelta(days=1)
SECOND = 1_000_000
SLACK = 15 * 60 * 1_000_000
"""A day that lacks no more than this at either end still counts as whole (µs, about 1 % of a day); what it lacks is unknown time."""


RUN_SPANS = """
SELECT CASE WHEN live AND skew <= $slack THEN started ELSE early END AS begun,
       CASE WHEN live AND skew <= $slack THEN coalesce(ended, sign) ELSE last END AS done
FROM (
    SELECT run,
           epoch_us(quantile_disc(time, 0.001)) AS early,
           epoch_us(max(time)) AS last,
           epoch_us(max(coalesce(received_time, time))) AS sign,
           coalesce(min(abs(epoch_us(received_time) - epoch_us(time))), 0) AS skew
    FROM samples
    GROUP BY run
)
JOIN (SELECT run, origin = 'live' AS live, epoch_us(started) AS started, epoch_us(ended) AS ended FROM runs) USING (run)
ORDER BY begun, done
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """Whole local days: from the first instant of one day to the first instant of another, ``end`` not included."""

    start: int
    end: int
    zone: str
    blocks: int
    """How many days."""

    @property
    def window(self) -> Stretch:
        """The interval as a stretch of UTC."""
        return Stretch(self.start, self.end)

    @property
    def days(self) -> list[date]:
        """The local dates."""
        first = local_date(self.start, self.zone)
        return [first + number * DAY for number in range(self.blocks)]

    @property
    def from_text(self) -> str:
        """The start in ISO 8601 with the plant's offset."""
        return local_iso(self.start, self.zone)

    @property
    def to_text(self) -> str:
        """The end in ISO 8601 with the plant's offset."""
        return local_iso(self.end, self.zone)


def days_between(first: date, last: date, zone: str) -> Interval:
    """The days from *first* to *last*, both included; ``UsageError`` when *last* lies before *first*."""
    if last < first:
        raise UsageError("interval: the last day {last} lies before the first day {first}", first=first, last=last)
    return Interval(local_midnight(first, zone), local_midnight(last + DAY, zone), zone, (last - first).days + 1)


def whole_days(data: Stretch, zone: str) -> Interval:
    """Every local day that lies inside *data* but for ``SLACK`` at either end; ``Inconclusive`` when there is none."""
    first = local_date(data.start, zone)
    if data.start - local_midnight(first, zone) > SLACK:
        first += DAY
    last = local_date(data.end + SLACK, zone) - DAY
    if last < first:
        raise Inconclusive(
            "store: the data from {start} to {end} hold no whole day; collect on, or name the days with --from and --to",
            start=local_iso(data.start - data.start % SECOND, zone), end=local_iso(data.end - data.end % SECOND, zone),
        )  # fmt: skip
    return days_between(first, last, zone)


def data_span(con: Any) -> Stretch:
    """From when to when the runs of a store watched, over the views of the DuckDB connection *con*.

    Not from the oldest to the newest source time: the first values of an OPC UA server may be months old. Where the clock of
    a plant is not that of the collector, its earliest thousandth of samples is left out. ``Inconclusive`` without samples.
    """
    spans = run_spans(con)
    if not spans:
        raise Inconclusive("store: there are no samples yet; collect or import first")
    start = min(each.start for each in spans)
    return Stretch(start, max(start, *(each.end for each in spans)))


def run_spans(con: Any) -> list[Stretch]:
    """When each run of a store watched, the first first; what ``data_span`` says of times holds."""
    return [Stretch(*row) for row in con.execute(RUN_SPANS, {"slack": SLACK}).fetchall()]
