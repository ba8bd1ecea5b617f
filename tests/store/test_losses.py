"""The loss ledger of a run, summed by server and by reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factory_kit.errors import UsageError
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.losses import GapReason, ServerLosses, losses

T0 = 1_790_000_000_000_000
SECOND = 1_000_000


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two runs of two servers; the second one lost something of every kind."""
    store = Store(tmp_path_factory.mktemp("losses") / "store")
    for number, name in enumerate(("run-1", "run-'2'")):
        points = [
            CataloguePoint("m", f"p{at}", "load", "1", "float64", f"ns=2;i={at}", "c", "1", "two" if at else "one") for at in range(3)
        ]  # fmt: skip
        with store.writer(Run(name, T0 + number, Origin.LIVE, "demo", "collect")) as writer:
            ids = store.register(points)
            writer.append(SampleBatch(np.array(ids, np.int32), np.full(3, T0), np.zeros(3), np.zeros(3, np.int8)))
            if number == 0:
                writer.loss(LossEntry(ids[0], 1))
                continue
            writer.loss(LossEntry(ids[0], 100, bad=4, overflows=1))
            writer.loss(LossEntry(ids[1], 20, sequence_gaps=2, outages=1))
            writer.loss(LossEntry(ids[2], 30, dropped=3))
            writer.gap(Gap(ids[1], T0, T0 + 5 * SECOND, "the line was cut"))
            writer.gap(Gap(ids[2], T0, T0 + 7 * SECOND, "the line was cut"))
            writer.gap(Gap(ids[2], T0 + 9 * SECOND, T0 + 10 * SECOND, "no answer"))
    return store


def test_losses_are_those_of_the_last_run_by_server(store: Store) -> None:
    """Each server has the sums of its points, and the sums of all stand beside them."""
    found = losses(store)

    assert found.run == "run-'2'"
    assert found.servers == (ServerLosses("one", 1, 100, 4, 1, 0, 0, 0), ServerLosses("two", 2, 50, 0, 0, 2, 3, 1))
    assert found.together == ServerLosses("", 3, 150, 4, 1, 2, 3, 1)
    assert found.together.lost == 6


def test_gaps_are_summed_by_reason_most_first(store: Store) -> None:
    """Points, gaps, the longest and all together, for each reason."""
    assert losses(store).gaps == (
        GapReason("the line was cut", 2, 2, 7 * SECOND, 12 * SECOND),
        GapReason("no answer", 1, 1, SECOND, SECOND),
    )


def test_an_earlier_run_can_be_asked_for(store: Store) -> None:
    """Its own ledger answers, and it has no gaps of others."""
    found = losses(store, "run-1")

    assert (found.together.delivered, found.gaps) == (1, ())


def test_a_run_without_a_ledger_is_refused(store: Store) -> None:
    """The message names those there are."""
    with pytest.raises(UsageError, match="run-9: no run of this store with a loss ledger; there are run-1, run-'2'"):
        losses(store, "run-9")


def test_a_store_without_any_ledger_says_so(tmp_path: Path) -> None:
    """A store to which nothing was collected has none."""
    store = Store(tmp_path / "store")
    with store.writer(Run("r", T0, Origin.IMPORTED, "demo", "import")):
        pass

    with pytest.raises(UsageError, match="no run of this store has a loss ledger"):
        losses(store)
