"""The command ``replay``, the workspace it makes, and the comparison of what arrives with an import of the same file."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.cli.checks import check_path
from factory_kit.cli.main import main
from factory_kit.errors import UsageError
from factory_kit.load.checked import yaml_file
from factory_kit.load.workspace import Workspace
from factory_kit.model.history import HistoryMap
from factory_kit.testing.replay import Replay
from factory_kit.testing.replay_recording import map_for, recording
from factory_kit.testing.replay_workspace import write_workspace

ROOT = Path(__file__).resolve().parents[2]
ROWS = 120
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    """120 rows with repeated values, bad marks, empty cells, a text, and a column that begins late."""
    lines = ["时间;转速;温度(℃);备注;late"]
    for row in range(ROWS):
        temperature = "坏点" if row % 20 == 7 else "" if row % 20 == 8 else f"{20 + row / 7:.5f}"
        lines.append(
            f"2026-03-09 10:{row // 60:02}:{row % 60:02};{row // 40};{temperature};{'' if row % 9 else '换刀'};{row if row > 60 else ''}"
        )
    path = tmp_path / "pump.csv"
    path.write_text("\n".join(lines) + "\n", encoding="gb18030")
    return path


def compared(file: Path, keep: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and verdicts of ``examples/compare_replay.py``."""
    words = [sys.executable, str(ROOT / "examples" / "compare_replay.py"), str(file), "--keep", str(keep), "--json"]
    done = subprocess.run([*words, *options], cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.wire
def test_what_is_replayed_and_collected_is_what_is_imported(file: Path, tmp_path: Path) -> None:
    """Every sample over both protocols, none twice, none altered; over Modbus an empty cell is NaN."""
    code, verdicts = compared(file, tmp_path / "kept", "--speed", "200", "--hold")

    rest = {"differing": 0, "missing": 0, "extra": 0, "missed_rows": 0}
    numbers = ROWS + (ROWS - 6) + 59
    assert verdicts == [
        {"protocol": "opcua", "equal": numbers + 14, "empty": 0, **rest},
        {"protocol": "modbus", "equal": numbers, "empty": 3 * ROWS - numbers, **rest},
    ]
    assert code == 0


@pytest.mark.wire
def test_a_poller_that_is_too_slow_is_found_out(file: Path, tmp_path: Path) -> None:
    """The rows that Modbus missed are counted in the loss ledger, one for one; OPC UA has them all."""
    code, (opcua, modbus) = compared(file, tmp_path / "kept", "--speed", "40", "--interval-ms", "100")

    assert code == 1
    assert (opcua["missing"], opcua["missed_rows"]) == (0, 0)
    assert modbus["missed_rows"] > ROWS / 3
    assert modbus["equal"] + modbus["empty"] == 3 * (ROWS - modbus["missed_rows"])
    assert (modbus["differing"], modbus["extra"]) == (0, 0)


@pytest.mark.wire
def test_the_workspace_needs_no_work_by_hand(file: Path, tmp_path: Path) -> None:
    """Site and connectors pass ``check``; the points have the names, roles and units of the map that lies beside them."""
    folder = tmp_path / "made"
    _write(file, folder)

    for path in [folder, *(folder / "connectors").iterdir()]:
        check_path(path)
    site, connectors = Workspace.at(folder).site()
    assert [(item.id, item.server) for item in site.equipment] == [
        ("pump", "replay-opcua"),
        ("pump-modbus", "replay-modbus"),
    ]
    mapped = [(point.point, point.role, point.unit) for point in yaml_file(folder / "map.yaml", HistoryMap).points]
    assert [(point.name, point.role, point.unit) for point in connectors["pump"].points] == mapped
    assert connectors["pump"].sources[0].title == "pump.csv"
    with pytest.raises(UsageError, match=r": already holds a site\.yaml; nothing was changed$"):
        _write(file, folder)


@pytest.mark.wire
def test_equipment_whose_modbus_name_is_taken_is_refused(tmp_path: Path) -> None:
    """A map may name ``pump`` and ``pump-modbus``; then the user must rename one, and nothing is written."""
    (tmp_path / "two.csv").write_text("t,a,b\n2026-03-09 10:14:33,1,2\n", encoding="utf-8")
    (tmp_path / "map.yaml").write_text(
        "map: 1\ntime: {columns: [t], timezone: UTC}\npoints:\n"
        "  - {column: a, equipment: pump, point: a}\n  - {column: b, equipment: pump-modbus, point: b}\n",
        encoding="utf-8",
    )

    with pytest.raises(UsageError, match=r"^pump-modbus: the map has this equipment, but Modbus needs the name"):
        _write(tmp_path / "two.csv", tmp_path / "made", tmp_path / "map.yaml")
    assert not (tmp_path / "made").exists()


@pytest.mark.wire
def test_the_command_ends_by_itself(file: Path, tmp_path: Path, replay: Command) -> None:
    """Without waiting and lingering it serves all rows, makes the workspace and ends with exit code 0."""
    code, _out, err = replay(
        file, "--opcua", "0", "--modbus", "0", "--speed", "1000", "--no-wait", "--linger", "0", "--out", tmp_path / "w"
    )

    assert code == 0
    assert "120 rows, 4 points" in err
    assert "备注: is text and not served over Modbus" in err
    assert "All 120 rows were served" in err
    assert (tmp_path / "w" / "site.yaml").is_file()


@pytest.mark.wire
@pytest.mark.parametrize(
    ("content", "options", "code", "said"),
    [
        ("时间;a\n2026-03-09 10:14:33;1\n", [], 2, "give --opcua PORT, --modbus PORT or both"),
        ("时间;a\n2026-03-09 10:14:33;x\n", ["--modbus", "0"], 2, "pump.csv: has no column of numbers, so there is nothing for Modbus; leave --modbus out"),
        ("no table", ["--opcua", "0"], 2, "pump.csv:1: no column looks like a time"),
        ("时间;a\n2026-03-09 10:14:33;1\n2026-03-09 10:14:34;x\n2026-03-09 10:14:35;1\n", ["--opcua", "0"], 2, "pump.csv:3: a: 'x' is no number"),
        ("时间;a\n2026-03-09 10:14:33;1\n", ["--opcua", "0", "--speed", "0"], 2, "the speed is 0.0 rows a second"),
        ("时间;a\n2026-03-09 10:14:33;1\n", ["--opcua", "0", "--timezone", "Mars"], 2, "'Mars' is no time zone of the IANA list"),
        ("时间;a\n2026-03-09 10:14:33;1\n", ["--opcua", "TAKEN"], 1, "the port cannot be used"),
        (None, ["--opcua", "0"], 2, "pump.csv: cannot be read"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_line(
    tmp_path: Path, replay: Command, content: str | None, options: list[str], code: int, said: str
) -> None:
    """One line on standard error (and how many mistakes a file has), no trace of Python, nothing on standard output."""
    file = tmp_path / "pump.csv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended, out, err = replay(
            file, *(port if word == "TAKEN" else word for word in options), "--no-wait", "--linger", "0"
        )

    lines = [line for line in err.splitlines() if "nothing was changed" not in line]
    assert (ended, out, len(lines)) == (code, "", 1)
    assert said in lines[0]


@pytest.fixture(name="replay")
def _replay(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """``factory-kit replay FILE …`` in this process: exit code, standard output, standard error."""
    for name, value in (("FACTORY_KIT_LANG", "en"), ("LANGUAGE", "en"), ("COLUMNS", "200")):
        monkeypatch.setenv(name, value)

    def run(file: Path, *options: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            main(["replay", str(file), "--equipment", "pump", *map(str, options)])
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def _environment() -> dict[str, str]:
    return {**os.environ, "FACTORY_KIT_LANG": "en", "PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTHONUTF8": "1"}


def _write(file: Path, folder: Path, given: Path | None = None) -> None:
    async def write() -> None:
        mapping, text = map_for(file, given, "Asia/Shanghai", "pump")
        async with Replay(recording(file, mapping), lambda: 0) as played:
            write_workspace(folder, played, text)

    asyncio.run(write())
