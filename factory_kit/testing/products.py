"""The worked example of a data product: a workspace with a simulated day, and the package built from it, all marked as simulated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.product import find_product, product_folder
from factory_kit.load.workspace import Workspace
from factory_kit.model.run import Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.pack.build import Span
from factory_kit.pack.labels import LABELS
from factory_kit.reports.product import Package, build_package
from factory_kit.seal.keys import Signer
from factory_kit.shipped import search_path
from factory_kit.store import Store
from factory_kit.testing.product_signals import SIGNALS, Recording, Signal

__all__ = ["EXAMPLE_DAY", "build_example", "make_example"]

EXAMPLE_DAY = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
"""The simulated day: a Monday."""
EXAMPLE = "example"
DECIDED_BY = "示例（演示） / example"


def make_example(product: str, workspace: Path, *, seed: int = 1) -> Workspace:
    """A workspace in *workspace* with the site of the template's ``example/``, a simulated day in its store, and its label tables.

    ``UsageError`` when *workspace* is there already or *product* has no example.
    """
    source = find_product(product, search_path("datasets")) / EXAMPLE
    if not source.is_dir() or product not in SIGNALS:
        raise UsageError("{product}: has no example; known: {known}", product=product, known=", ".join(sorted(SIGNALS)))
    if workspace.exists():
        raise UsageError("{folder}: is there already; choose a new folder", folder=workspace)
    shutil.copytree(source, workspace)
    place = Workspace.at(workspace)
    recording = SIGNALS[product](seed, _micros(EXAMPLE_DAY))
    (workspace / LABELS).mkdir(exist_ok=True)
    for name, text in recording.labels.items():
        write_atomically(workspace / LABELS / f"{name}.csv", text)
    _fill(place, recording)
    return place


def build_example(
    product: str, workspace: Path, *, clock: Callable[[], int], seed: int = 1, signers: Sequence[Signer] = ()
) -> Package:
    """The example of *product* in *workspace*, and its package in ``<product>.zip`` there."""
    place = make_example(product, workspace, seed=seed)
    site, _connectors = place.site()
    begins, ends = (
        each.astimezone(UTC).replace(tzinfo=None) for each in (EXAMPLE_DAY, EXAMPLE_DAY + timedelta(days=1))
    )
    return build_package(
        product_folder(find_product(product, search_path("datasets"))), site, Store(place.store_folder), workspace / f"{product}.zip",
        span=Span(begins, ends), key_file=workspace / "keys" / "pseudonyms.key", graded_by=DECIDED_BY, signers=signers, clock=clock,
        labels=workspace / LABELS,
    )  # fmt: skip


def _fill(place: Workspace, recording: Recording) -> None:
    site, connectors = place.site()
    store = Store(place.store_folder)
    store.describe(equipment=list(site.equipment), connectors=connectors)
    run = Run(EXAMPLE, _micros(EXAMPLE_DAY), Origin.SIMULATED, "demo", "collect")
    with store.writer(run) as writer:
        ids = store.register([signal.point for signal in recording.signals])
        for number, signal in zip(ids, recording.signals, strict=True):
            writer.append(_batch(number, signal))


def _batch(number: int, signal: Signal) -> SampleBatch:
    count = len(signal.time)
    return SampleBatch(
        np.full(count, number, np.int32),
        signal.time,
        signal.value.astype(np.float64),
        np.zeros(count, np.int8),
        text=signal.text,
    )


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
