"""The month's KPIs of twenty plants (200 million samples): DuckDB on this machine beside a Spark cluster on it, with one and two executors.

One plant's store is made (``factory_kit.testing.busyplant``) and pushed twenty times under its own names; on the same disk that makes
links, no copies. Both engines run the same reviewed code over the same files and are compared figure by figure; what differs is who starts
the work and what that costs. Needs ``pip install 'factory-kit[spark]'`` and Java 17; without them its rows are left out.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.frame import Cost, Row, Scale, once
from factory_kit.lake import Engine, Pace, Question, computed, opened, plants_at, push
from factory_kit.store import Store
from factory_kit.testing.busyplant import FIRST_DAY, busy_plant

__all__ = ["rows"]

RECEIVED = 1_790_000_000_000_000


def rows(scale: Scale) -> Iterator[Row]:
    """Wall-clock seconds side by side, and how each grows with cores."""
    plants, machines, days = scale.of(20, 2), scale.of(18, 4), scale.of(30, 4)
    with tempfile.TemporaryDirectory(dir=os.environ.get("FACTORY_KIT_BENCH_STORE")) as name:
        folder = Path(name)
        samples = plants * made(folder, plants, machines, days)
        question = Question(
            str(folder / "place"),
            "kpi",
            FIRST_DAY,
            FIRST_DAY + timedelta(days=days - 1),
            RECEIVED,
            {},
            scratch=str(folder),
        )
        count = f"{samples / 1e6:.0f} M samples of {plants} plants"
        ours = {cores: once(partial(here, question, cores)) for cores in (1, 2)}
        yield Row("DuckDB, two cores", "s", ours[2].wall_s, ours[1].wall_s, "one core", note=count)
        if not _installed():
            return
        spark = {cores: once(partial(cluster, question, cores)) for cores in (1, 2)}
        yield from _beside(ours, spark)
        yield Row("Spark local-cluster, two executors", "s", spark[2].wall_s, spark[1].wall_s, "one executor")


def _beside(ours: dict[int, Cost], spark: dict[int, Cost]) -> Iterator[Row]:
    for cores, name in ((1, "one core"), (2, "two cores")):
        yield Row(f"DuckDB beside Spark, {name}", "s", ours[cores].wall_s, spark[cores].wall_s, "Spark local-cluster")


def made(folder: Path, plants: int, machines: int, days: int) -> int:
    """The plants under ``place``; how many samples each has."""
    busy_plant(folder / "plant", "p", machines=machines, days=days, seed=1)
    place = opened(str(folder / "place"))
    for number in range(plants):
        push(folder / "plant", f"p{number:02}", place, raw=True, pace=Pace(), now=lambda: RECEIVED)
    rows: int = Store(folder / "plant" / "store").status().rows
    shutil.rmtree(folder / "plant")
    return rows


def here(question: Question, cores: int) -> float:
    """DuckDB in so many processes."""
    return _count(question, "duckdb", workers=cores)


def cluster(question: Question, executors: int) -> float:
    """Spark with so many executors of one core."""
    return _count(question, "spark", master=f"local-cluster[{executors},1,2048]")


def _count(question: Question, engine: Engine, *, master: str = "", workers: int = 0) -> float:
    """How many figures came; ``RuntimeError`` where a plant has none, or other ones than the first, whose data it shares."""
    found = list(computed(question, plants_at(question.place), engine, master=master, workers=workers))
    figures = [[(each.id, each.subject, each.value, each.lower, each.upper) for each in of_plant] for of_plant in found]
    if len(figures[0]) < 2 or any(each != figures[0] for each in figures):
        raise RuntimeError(f"{engine}: {found[0][:1]}")
    return sum(len(each) for each in figures)


def _installed() -> bool:
    return importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
