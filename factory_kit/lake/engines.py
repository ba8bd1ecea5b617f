"""Who computes: the processes of this machine, or the executors of a Spark cluster; each plant is one piece of work.

The engine only decides where the work is done. On either one the reviewed SQL runs on DuckDB over the plant's own files, so the figures
are the same to the last digit, and those of indicators are the same evidence.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from factory_kit.errors import FactoryKitError, MissingExtra
from factory_kit.lake.figures import Figure, Question, figures_of

__all__ = ["Engine", "computed"]

Engine = Literal["duckdb", "spark"]
COLUMNS = tuple(each.name for each in fields(Figure))
SAID = re.compile(r"^[\w.]+(Error|Exception): ")
SCHEMA = ", ".join(f"{name} string" for name in COLUMNS)


def computed(
    question: Question, plants: Sequence[str], engine: Engine = "duckdb", *, master: str = "local[*]", workers: int = 0
) -> Iterator[list[Figure]]:
    """The figures of each of *plants*, in the order of the plants, on *engine*.

    *workers* are the processes of ``duckdb``, by default one for each core; *master* is where Spark is (``local[4]``,
    ``spark://host:7077``, ``yarn``). ``MissingExtra`` without PySpark or Java, ``FactoryKitError`` when the cluster refuses.
    """
    if engine == "spark":
        yield from _on_spark(question, plants, master)
        return
    cores = workers or os.cpu_count() or 1
    count = min(cores, len(plants))
    asked = replace(question, threads=max(1, cores // count))
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from pool.map(figures_of, [asked] * len(plants), plants)


def _on_spark(question: Question, plants: Sequence[str], master: str) -> Iterator[list[Figure]]:
    def work(batches: Iterable[Any]) -> Iterator[Any]:
        """What an executor does with the plants whose numbers it gets."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield _batch(figures_of(question, plants[number]))

    with _session(master) as spark:
        try:
            rows = spark.range(0, len(plants), 1, len(plants)).mapInArrow(work, SCHEMA).collect()
        except Exception as error:
            raise _gave_up(master, error) from error
    by_plant: dict[str, list[Figure]] = {each: [] for each in plants}
    for row in rows:
        by_plant[row["plant"]].append(Figure(**row.asDict()))
    yield from by_plant.values()


def _batch(figures: Sequence[Figure]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - on the executor

    columns = {name: pa.array([getattr(each, name) for each in figures], pa.string()) for name in COLUMNS}
    return pa.RecordBatch.from_pydict(columns)


@contextlib.contextmanager
def _session(master: str) -> Iterator[Any]:
    """A session on *master* that ends with its context; what Spark says of itself stays off the terminal."""
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra(
            'the engine spark needs the extra spark; run: pip install "factory-kit[spark]" (from a wheelhouse folder: with --no-index --find-links FOLDER)'
        ) from error
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise MissingExtra("the engine spark needs Java 17 or newer; install it, or choose --engine duckdb")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("factory-kit").config("spark.log.level", "ERROR")
    for name, value in _local().items() if master.startswith("local") else ():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of its pandas functions, none of which is used
        try:
            spark = builder.getOrCreate()
        except Exception as error:
            raise _gave_up(master, error) from error
        try:
            yield spark
        finally:
            spark.stop()


def _local() -> dict[str, str]:
    """For a cluster on this machine: nothing is opened to the network, and executors find the package where it was found here."""
    package = str(Path(__file__).resolve().parents[2])
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.executorEnv.PYTHONPATH": os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def _gave_up(master: str, error: Exception) -> FactoryKitError:
    """The last thing a worker in Python said, else the first line."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    reason = next((line for line in reversed(said) if SAID.match(line)), said[0])
    return FactoryKitError("{master}: Spark gave up ({reason}); see its log", master=master, reason=reason[:300])
