"""A writer, readers, a compactor and a repair at once, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import factory_kit

SECONDS = float(os.environ.get("FACTORY_KIT_TOGETHER_S", "6"))

COMMON = """
import sys, time
from pathlib import Path
import numpy as np
from factory_kit.errors import StoreBusy, StoreError
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
folder, end = Path(sys.argv[1]), time.time() + float(sys.argv[2])
T0, STEP = 1_788_220_800_000_000, 1_000_000
def clock():
    return T0 + 10**13
store = Store(folder, now=clock)
"""
WRITER = """
at = int(sys.argv[3])
while time.time() < end:
    try:
        store.register([CataloguePoint("m", f"p{n}", "other", "", "float64", "a", "c", "1", "s") for n in range(3)])
        with store.writer(Run(f"run-{at}", at, Origin.LIVE, "demo", "test"), commit_s=0.05) as writer:
            for _ in range(15):
                times = np.repeat(T0 + np.arange(at, at + 200) * STEP, 3)
                points = np.tile(np.arange(1, 4, dtype=np.int32), 200)
                writer.append(SampleBatch(points, times, times / 7.0, np.zeros(600, np.int8)))
                at += 200
                if at % 600 == 0:
                    writer.roll()
                time.sleep(0.005)
        print(at, flush=True)
    except StoreBusy:
        time.sleep(0.02)
"""
READER = """
before = rounds = 0
while time.time() < end:
    try:
        rows = store.query("SELECT count(*) AS n, count(DISTINCT (point, time)) AS d, "
            "count(*) FILTER (value <> epoch_us(time) / 7.0) AS wrong, max(epoch_us(time)) AS last FROM samples").to_pylist()[0]
    except StoreError as error:
        assert "there is no store yet" in str(error), error
        continue
    assert rows["n"] == rows["d"], rows
    assert rows["wrong"] == 0, rows
    assert rows["n"] >= before, (rows, before)
    assert not rows["n"] or rows["n"] == ((rows["last"] - T0) // STEP + 1) * 3, rows
    before = rows["n"]
    rounds += 1
print(rounds)
"""
KEEPER = """
done = 0
while time.time() < end:
    try:
        getattr(store, sys.argv[3])()
        done += 1
    except StoreBusy as busy:
        assert "writes to this store; wait until it ends, or end it" in str(busy)
    time.sleep(0.03)
print(done)
"""
LOOKER = """
done = 0
while time.time() < end:
    problems = store.status().problems + store.verify()
    assert not problems, problems
    done += 1
print(done)
"""


def test_everybody_at_once_harms_nobody(tmp_path: Path) -> None:
    """While one writes, merges and mends, every reader sees a whole beginning of what was written, each sample once and right."""
    environment = {**os.environ, "PYTHONPATH": str(Path(factory_kit.__file__).parents[1])}
    programs = [(WRITER, "0"), (READER, ""), (READER, ""), (KEEPER, "compact"), (KEEPER, "repair"), (LOOKER, "")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMMON + program, str(tmp_path / "store"), str(SECONDS), word],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for program, word in programs
    ]  # fmt: skip
    said = [process.communicate() for process in processes]

    assert [(process.returncode, error) for process, (_, error) in zip(processes, said, strict=True)] == [
        (0, "")
    ] * len(said)
    from factory_kit.store import Store

    store = Store(tmp_path / "store")
    written = int(said[0][0].split()[-1])
    assert store.query("SELECT count(*) AS n FROM samples").to_pylist() == [{"n": written * 3}]
    assert store.verify() == ()
