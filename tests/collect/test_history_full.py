"""An import that a full disk cuts off, and the same file imported again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit.collect.history import import_history
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_yaml
from factory_kit.model.history import HistoryMap
from factory_kit.store import Store

MAP = """
map: 1
time: {columns: [time], format: "%Y-%m-%d %H:%M:%S", timezone: UTC}
points:
  - {column: a, equipment: m, point: a, role: other, type: float64}
"""
ROWS = 25_000
TIGHT = """
import resource, sys
from pathlib import Path
from factory_kit.collect.history import import_history
from factory_kit.errors import StoreFull
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_yaml
from factory_kit.model.history import HistoryMap
from factory_kit.store import Store
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (480_000, 480_000))
try:
    import_history(folder / "export.csv", checked(parse_yaml(sys.argv[2], "map.yaml"), HistoryMap), Store(folder / "store"),
        kind="demo", clock=lambda: 1_800_000_000_000_000)
except StoreFull as full:
    print(full)
"""


def _rows(store: Store) -> list[dict[str, object]]:
    return store.query("SELECT time, value FROM samples ORDER BY time").to_pylist()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_an_import_cut_off_by_a_full_disk_goes_on_where_it_was(tmp_path: Path) -> None:
    """The line says which rows are in; imported again, and once more, every row is there once."""
    lines = [
        f"2026-03-{1 + at // 86400:02d} {at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d},{at / 7}"
        for at in range(ROWS)
    ]
    (tmp_path / "export.csv").write_text("time,a\n" + "\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", TIGHT, str(tmp_path), MAP], capture_output=True, text=True, check=True)

    told = re.fullmatch(
        r"export\.csv: the disk is full; its lines up to (\d+) are in the store \((\d+) samples\); "
        r"make room and import it again: nothing will be there twice\n",
        done.stdout,
    )
    assert told is not None, done.stdout + done.stderr
    store = Store(tmp_path / "store")
    kept = len(_rows(store))
    assert 0 < kept == int(told[2]) == int(told[1]) - 1 < ROWS
    mapping = checked(parse_yaml(MAP, "map.yaml"), HistoryMap)
    for again in range(2):
        import_history(
            tmp_path / "export.csv", mapping, store, kind="demo", clock=lambda at=again: 1_900_000_000_000_000 + at
        )
        rows = _rows(store)
        assert (len(rows), [row["value"] for row in rows[:3]], rows[-1]["value"]) == (
            ROWS,
            [0.0, 1 / 7, 2 / 7],
            (ROWS - 1) / 7,
        )
    assert store.verify() == ()
