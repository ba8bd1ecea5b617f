"""An indicator tried out before there is a plant: its SQL over a store that holds nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from factory_kit.kpi.indicators import Frame, evaluate
from factory_kit.kpi.interval import days_between
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar
from factory_kit.store import Store

__all__ = ["tried"]

ANY_DAY = date(2026, 1, 5)


def tried(indicator: Indicator) -> None:
    """``QueryError`` where the SQL of *indicator* fails whatever a store holds: words, columns, parameters, functions that it may not use."""
    frame = Frame(days_between(ANY_DAY, ANY_DAY, "UTC"), Calendar(), 0)
    with TemporaryDirectory(prefix="factory-kit-") as aside, Store(Path(aside)).connect() as con:
        evaluate([indicator], con, frame, lambda _indicator: ())
