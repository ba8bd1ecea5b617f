"""A workspace that collects from a replay without any work by hand: connectors made from the map, and the site file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.connector import POINT_COLUMNS
from factory_kit.model.sample import Quality
from factory_kit.testing.replay import Replay
from factory_kit.testing.replay_modbus import FIRST_VALUE, ROW, TIME, Unit, block_of
from factory_kit.testing.replay_opcua import NAMESPACE, node_name
from factory_kit.testing.replay_recording import Column, Recording

__all__ = ["ROW_POINT", "TIME_POINT", "check_new", "write_workspace"]

ROW_POINT, TIME_POINT = "replay_row", "replay_time"
"""Points of the Modbus equipment that the recording does not have."""
FOLDERS = ("connectors", "assessments", "datasets", "store")
LONGEST_NAME = 64
PUBLISHING_MS = 200
Files = dict[str, str]


def write_workspace(folder: Path, replay: Replay, map_text: str) -> None:
    """*folder* holds ``site.yaml``, a connector for each piece of equipment and protocol, and ``map.yaml`` for ``import``.

    Over OPC UA the equipment has the name it has in the map, over Modbus ``<name>-modbus``. ``UsageError`` when there is
    a workspace already, ``FactoryKitError`` when the disk is full. The site file comes last.
    """
    check_new(folder)
    files = _files(replay)
    too_long = [name for name in files if len(name) > LONGEST_NAME]
    if too_long:
        raise UsageError(
            "{name}: is too long for a name, expected at most {most} signs; shorten the equipment in the map",
            name=too_long[0],
            most=LONGEST_NAME,
        )
    try:
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name in files:
            (folder / "connectors" / name).mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError("{folder}: cannot be made ({reason})", folder=folder, reason=error.strerror) from error
    for name, contents in files.items():
        for file, text in contents.items():
            write_atomically(folder / "connectors" / name / file, text)
    write_atomically(folder / "map.yaml", map_text)
    write_atomically(folder / "site.yaml", _yaml(_site(replay)))


def check_new(folder: Path) -> None:
    """``UsageError`` when *folder* is a workspace already."""
    if (folder / "site.yaml").exists():
        raise UsageError("{folder}: already holds a site.yaml; nothing was changed", folder=folder)


def _files(replay: Replay) -> dict[str, Files]:
    """The files of every connector, by the name it shares with its equipment."""
    recording = replay.recording
    files: dict[str, Files] = {}
    if replay.opcua is not None:
        files |= {name: _opcua(recording, name) for name in recording.equipment}
    if replay.modbus is not None:
        taken = [unit.equipment for unit in replay.modbus.units if unit.equipment in files]
        if taken:
            raise UsageError(
                "{name}: the map has this equipment, but Modbus needs the name; rename it in the map", name=taken[0]
            )
        files |= {unit.equipment: _modbus(recording, unit, replay.speed) for unit in replay.modbus.units}
    return files


def _opcua(recording: Recording, equipment: str) -> Files:
    columns = recording.columns_of(equipment)
    head = {"driver": "opcua", "namespace": NAMESPACE}
    rows = [
        _row(recording, column, f"ns=?;s={node_name('{base}', column.point.point)}", column.point.type)
        for column in columns
    ]
    first = {column.point.point: _first_good(column) for column in columns}
    values = {row["address"]: first[row["name"]] for row in rows}
    return _connector(recording, equipment, head, rows, [{"origin": "replayed", "values": values, "expect": first}])


def _modbus(recording: Recording, unit: Unit, speed: float) -> Files:
    head = {"driver": "modbus", "limits": {"min_interval_ms": _interval_ms(speed)}, "time_from": TIME_POINT}
    rows = [
        _own(recording, ROW_POINT, "行号", "Row number", "sequence", f"holding:{ROW}", "uint32", ""),
        _own(recording, TIME_POINT, "记录时间", "Time of the row", "clock", f"holding:{TIME}", "uint64", "us"),
    ]
    rows += [
        _row(recording, column, f"holding:{FIRST_VALUE + 2 * place}", "float32")
        for place, column in enumerate(unit.columns)
    ]
    return _connector(recording, unit.equipment, head, rows, list(_register_samples(recording, unit)))


def _register_samples(recording: Recording, unit: Unit) -> Iterator[dict[str, Any]]:
    """The fewest rows in which every column has a good value, as registers and what they must give."""
    block = block_of(recording, unit.columns)
    tried: set[int] = set()
    for column in unit.columns:
        good = np.flatnonzero(column.quality == Quality.GOOD)
        if not len(good) or tried & set(good.tolist()):
            continue
        row = int(good[0])
        tried.add(row)
        said = {
            each.point.point: float(np.float32(each.value[row]))
            for each in unit.columns
            if each.quality[row] == Quality.GOOD
        }
        own = {ROW_POINT: row + 1, TIME_POINT: int(recording.times[row])}
        yield {"origin": "replayed", "words": {f"holding:{ROW}": block[row].tolist()}, "expect": own | said}


def _first_good(column: Column) -> float | str:
    """What a sample of the connector shows for a column: its first good value."""
    good = np.flatnonzero(column.quality == Quality.GOOD)
    if column.text is not None:
        return str(column.text[good[0]]) if len(good) else ""
    return float(column.value[good[0]]) if len(good) else 0.0


def _row(recording: Recording, column: Column, address: str, kind: str) -> dict[str, str]:
    point = column.point
    row = _own(recording, point.point, point.column, point.column, point.role.value, address, kind, point.unit)
    return row | {"source": f"{recording.file}, column {point.column}"}


def _own(  # noqa: PLR0913, PLR0917 - the columns of a table
    recording: Recording, name: str, zh: str, en: str, role: str, address: str, kind: str, unit: str
) -> dict[str, str]:
    return {
        "name": name,
        "label_zh": zh,
        "label_en": en,
        "role": role,
        "address": address,
        "type": kind,
        "unit": unit,
        "source": f"factory-kit replay, {recording.file}",
    }


def _connector(
    recording: Recording,
    name: str,
    head: Mapping[str, Any],
    rows: Sequence[Mapping[str, str]],
    samples: list[dict[str, Any]],
) -> Files:
    content: dict[str, Any] = {
        "connector": name,
        "version": "1",
        "label": {"zh": f"录制数据回放：{recording.file}", "en": f"Replay of {recording.file}"},
        "products": ["Factory Kit Replay"],
        "sources": [{"title": recording.file, "version": f"sha256 {recording.digest}", "confidence": "own"}],
        "quality": {"grade": "bronze", "because": "made by factory-kit replay from the map of the recording"},
    } | dict(head)
    if any(row["role"] == "state" for row in rows):
        source = {"title": recording.file, "confidence": "own"}
        content["state_mapping"] = {"profile": "replay@1", "source": source, "states": {}}
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, POINT_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return {
        "connector.yaml": _yaml(content),
        "points.csv": table.getvalue(),
        "samples.yaml": _yaml(samples),
        "README.md": f"# {name}\n\nMade by `factory-kit replay` from `{recording.file}`.\n由 `factory-kit replay` 从 `{recording.file}` 生成。\n",
    }


def _site(replay: Replay) -> dict[str, Any]:
    servers: dict[str, Any] = {}
    equipment: list[dict[str, Any]] = []
    addresses: list[str] = []
    if replay.opcua is not None:
        servers["replay-opcua"] = {
            "driver": "opcua",
            "url": replay.opcua.url,
            "security": "None",
            "mode": "None",
            "publishing_ms": PUBLISHING_MS,
            "sampling_ms": 0,
            "queue_size": 300 + int(replay.speed * 10),
            "trigger": "timestamp",
        }
        addresses.append(replay.opcua.url.removeprefix("opc.tcp://").partition("/")[0])
        equipment += [_equipment(name, "replay-opcua", base=name) for name in replay.recording.equipment]
    if replay.modbus is not None:
        port = replay.modbus.port
        servers["replay-modbus"] = {
            "driver": "modbus",
            "host": "127.0.0.1",
            "port": port,
            "interval_ms": _interval_ms(replay.speed),
        }
        addresses.append(f"127.0.0.1:{port}")
        equipment += [_equipment(unit.equipment, "replay-modbus", unit=unit.number) for unit in replay.modbus.units]
    return {
        "site": 1,
        "kind": "demo",
        "plant": {
            "id": "replay",
            "name": {"zh": f"录制数据回放：{replay.recording.file}", "en": f"Replay of {replay.recording.file}"},
            "credit_code": "000000000000000000",
            "type": "discrete",
            "industry": {"code": "C34"},
            "timezone": replay.recording.timezone,
        },
        "authorisation": {
            "granted_by": "factory-kit replay",
            "reference": "servers of this computer that replay a recording",
            "granted_on": "2026-01-01",
            "valid_until": "2099-12-31",
            "addresses": addresses,
        },
        "servers": servers,
        "equipment": equipment,
    }


def _equipment(name: str, server: str, **where: object) -> dict[str, Any]:
    return {"id": name, "name": {"zh": name, "en": name}, "digital": True, "connector": name, "server": server} | where


def _interval_ms(speed: float) -> int:
    """Four readings while a row stands, as far as milliseconds allow."""
    return max(1, int(250 / speed))


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
