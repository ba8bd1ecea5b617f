from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district import receive as receiving
from factory_kit.district.office import Office
from factory_kit.district.receive import receive
from factory_kit.testing.district import Submission

NOW = 1_790_000_000_000_000


def test_several_processes_write_the_same_ledger(
    fresh: Path, inbox: list[Submission], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bundles looked at side by side, batch after batch, get the receipts that one process gives; no copy is left behind."""
    monkeypatch.setattr(receiving, "BATCH", 2)  # the six files are three batches
    files = [each.path for each in inbox]
    made = {}
    for workers in (1, 2):
        shutil.copytree(fresh, tmp_path / str(workers))
        office = Office.at(tmp_path / str(workers))
        receipts = list(receive(office, files, rebuilt, lambda: NOW, workers))
        kept = {path.name for path in office.bundles_folder.iterdir()}
        made[workers] = [(each.outcome, each.number, each.hash) for each in receipts], kept

    assert made[1] == made[2]
    assert {outcome for outcome, _, _ in made[2][0]} == {"accepted", "returned", "rejected", "duplicate"}
    assert all(name.endswith(".zip") and not name.startswith(".") for name in made[2][1])
