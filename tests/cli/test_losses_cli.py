"""``store losses``: what a run delivered and lost, told in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from factory_kit.i18n import retold, speaking
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.shipped import data_dir
from factory_kit.store import Store

from .conftest import Command

T0 = 1_790_000_000_000_000
REASON = "10.0.0.1:502 unit 5: no answer in time; check the unit, its cable and its power"


@pytest.fixture(name="plant")
def _plant(tmp_path: Path) -> Path:
    """A workspace whose one run lost two values and has a gap of an hour."""
    (tmp_path / "site.yaml").write_bytes((data_dir("examples") / "demo-plant" / "site.yaml").read_bytes())
    store = Store(tmp_path / "store")
    with store.writer(Run("run-1", T0, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register(
            [CataloguePoint("meter-05", "power", "active_power", "kW", "float64", "holding:1", "c", "1", "energy")]
        )
        writer.append(SampleBatch(np.array([point], np.int32), np.array([T0]), np.zeros(1), np.zeros(1, np.int8)))
        writer.loss(LossEntry(point, 1234, bad=5, overflows=2, outages=1))
        writer.gap(Gap(point, T0, T0 + 3_600_000_000, REASON))
    return tmp_path


def test_the_ledger_is_a_table_a_list_of_reasons_and_a_sentence(factory_kit: Command, plant: Path) -> None:
    """Every figure of the run is there, thousands set apart."""
    said = factory_kit("store", "losses", "-w", plant)

    assert said.code == 0
    assert "Loss ledger of run-1" in said.out
    assert [cell.strip() for cell in said.out.splitlines()[4].split("│")[1:-1]] == ["energy", "1", "1,234", "5", "2", "0", "0", "1"]  # fmt: skip
    assert REASON in said.out
    assert "1:00:00" in said.out
    assert "1,234 values were delivered; 2 are known to be lost, and 1 gaps stand in the store with their reasons." in said.out  # fmt: skip


def test_programs_get_the_same_figures(factory_kit: Command, plant: Path) -> None:
    """By server, and by reason."""
    found = json.loads(factory_kit("store", "losses", "--json", "-w", plant).out)

    assert (found["run"], found["servers"][0]["delivered"], found["servers"][0]["overflows"]) == ("run-1", 1234, 2)
    assert found["gaps"] == [
        {"reason": REASON, "points": 1, "gaps": 1, "longest_us": 3_600_000_000, "together_us": 3_600_000_000}
    ]


def test_a_wrong_run_is_one_line(factory_kit: Command, plant: Path) -> None:
    """It names the runs there are."""
    said = factory_kit("store", "losses", "--run", "run-7", "-w", plant)

    assert (said.code, said.out) == (2, "")
    assert "there are run-1" in said.err


def test_reasons_written_in_english_are_told_in_chinese() -> None:
    """The details stay, the sentence is that of the catalogue; what no template of ours made stays as it is."""
    with speaking("zh"):
        told = retold(REASON)

        assert told.startswith("10.0.0.1:502 unit 5：")
        assert "no answer" not in told
        assert retold("the dog ate the cable") == "the dog ate the cable"


def test_reasons_in_english_stay() -> None:
    """Nothing is looked up where nothing needs to be told again."""
    with speaking("en"):
        assert retold(REASON) == REASON
