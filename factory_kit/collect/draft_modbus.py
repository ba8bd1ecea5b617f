"""Draft connectors from what a Modbus device told: exact where it follows SunSpec, guesses where it does not. Pure but for ``write``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from factory_kit.collect.draft import site_fragment
from factory_kit.collect.guess_registers import Proposal, Reading, propose
from factory_kit.collect.samples import sample_values
from factory_kit.drivers.modbus.sunspec import COMMON, SunSpecPoint, known_model
from factory_kit.drivers.modbus.survey import Found, ModelFound
from factory_kit.files import write_atomically
from factory_kit.model.connector import Connector, Role
from factory_kit.model.samples import ConnectorSample
from factory_kit.model.site import ModbusServer

__all__ = ["DraftedConnector", "drafted", "guesses", "write_drafts"]

COLUMNS = ("name", "label_zh", "label_en", "role", "address", "type", "order", "size", "sf", "unit", "na", "texts", "source", "confidence")  # fmt: skip
INVERTERS, METERS = range(101, 114), range(201, 215)
STATES = {1: "off", 2: "idle", 3: "setup", 4: "producing", 5: "producing", 6: "idle", 7: "down", 8: "idle"}
"""SunSpec's operating state of an inverter → ours."""
ROLES = {
    "Hz": Role.FREQUENCY, "PF": Role.POWER_FACTOR, "VAr": Role.REACTIVE_POWER, "VAR": Role.REACTIVE_POWER, "TmpCab": Role.TEMPERATURE,
}  # fmt: skip
SIZES = {"string"}
OF_THE_LOOK = {"retries", "connections", "timeout_ms"}
"""Settings under which a device is looked at, and not under which it is collected from."""


@dataclass(slots=True)
class DraftedConnector:
    """One connector for one unit: its files as content, and what was left out."""

    id: str
    unit: int
    label: str
    rows: list[dict[str, str]] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    guessed: bool = False


def drafted(
    name: str, server: ModbusServer, found: Sequence[Found], moment: str, origin: str
) -> list[DraftedConnector]:
    """A connector for each unit of *found* that told something; *name* is that of the server, *moment* when it was asked."""
    drafts = []
    for each in found:
        model = [one for one in each.models if one.number != COMMON and known_model(one.number) is not None]
        draft = DraftedConnector(f"draft-{name}-u{each.unit}"[:64], each.unit, _label(each))
        if model:
            _from_models(draft, each.models)
        elif each.rounds:
            _from_guesses(draft, each)
        if draft.rows:
            _finish(draft, server, moment, origin, each)
            drafts.append(draft)
    return drafts


def guesses(found: Found) -> Iterator[tuple[str, Proposal]]:
    """Table and proposal for everything that was watched."""
    for table, registers in sorted(found.rounds.items()):
        if table in {"coil", "discrete"}:
            for address, bits in sorted(registers.items()):
                yield table, Proposal(address, Reading("bool"), (), "a single bit", len(set(bits)) > 1, clear=True)
        elif registers:
            for proposal in propose(registers):
                yield table, proposal


def write_drafts(drafts: Iterable[DraftedConnector], server: str, settings: ModbusServer, folder: Path) -> None:
    """``connectors/<id>/`` for each of *drafts*, and ``site-fragment.yaml``, in *folder*."""
    equipment = []
    for draft in drafts:
        place = folder / "connectors" / draft.id
        place.mkdir(parents=True, exist_ok=True)
        write_atomically(place / "connector.yaml", HEAD + _yaml(draft.content))
        write_atomically(place / "points.csv", _table(draft.rows))
        write_atomically(place / "samples.yaml", _yaml(draft.samples))
        write_atomically(place / "README.md", _readme(draft))
        label = draft.label or draft.id
        equipment.append(
            {
                "id": f"{server}-u{draft.unit}",
                "name": {"zh": label, "en": label},
                "connector": draft.id,
                "server": server,
                "unit": draft.unit,
            }
        )
    if equipment:
        kept = settings.model_dump(mode="json", exclude_defaults=True, exclude=OF_THE_LOOK)
        servers = {server: {"driver": "modbus"} | kept}
        write_atomically(folder / "site-fragment.yaml", site_fragment(servers, equipment))


HEAD = "# 草稿，由 factory-kit discover modbus 写出，请逐点核对。 / A draft by factory-kit discover modbus; check each point.\n"
README = """# {id}

{label}

草稿，由 `factory-kit discover modbus` 写出。{zh}
A draft that `factory-kit discover modbus` wrote. {en}
{left}
核对 / Check: `factory-kit check .`
"""


def _label(found: Found) -> str:
    common = next((model for model in found.models if model.number == COMMON), None)
    if common is not None:
        known = known_model(COMMON)
        assert known is not None  # noqa: S101 - the table holds it
        texts = [_text(common, point) for point in known.points if point.name in {"Mn", "Md"}]
        return " ".join(filter(None, texts))
    return " ".join(filter(None, (found.identity.vendor, found.identity.product)))


def _text(model: ModelFound, point: SunSpecPoint) -> str:
    words = model.words[point.offset : point.offset + point.size]
    data = b"".join(word.to_bytes(2, "big") for word in words).split(b"\0", 1)[0]
    return "".join(sign for sign in data.decode("utf-8", errors="replace") if sign.isprintable()).strip()


# SunSpec


def _from_models(draft: DraftedConnector, models: Sequence[ModelFound]) -> None:
    taken: set[Role] = set()
    for model in models:
        known = known_model(model.number)
        if known is None:
            draft.left_out.append(
                f"model {model.number} at {model.address}, {model.length} registers: not in our table"
            )
            continue
        held = [point for point in known.points if point.offset + point.size <= model.length + 2]
        there = {point.name for point in held if point.is_factor or not _absent(model, point)}
        for point in held:
            if point.name not in there or (point.factor and point.factor not in there):
                draft.left_out.append(f"{model.number}.{point.name}: not available when it was asked")
                continue
            draft.rows.append(_row(model, point, taken))


def _absent(model: ModelFound, point: SunSpecPoint) -> bool:
    """Whether the registers say that there is no such value (SunSpec Device Information Model Specification, 4.2)."""
    words = model.words[point.offset : point.offset + point.size]
    if point.type == "string":
        return not any(words)
    never = {"int16": (0x8000,), "uint16": (0xFFFF,), "int32": (0x8000, 0), "bits16": (0xFFFF,)}.get(
        point.type, (0xFFFF,) * point.size
    )
    return tuple(words) == never or (point.type == "float32" and words[0] & 0x7FC0 == 0x7FC0) or len(words) < point.size


def _row(model: ModelFound, point: SunSpecPoint, taken: set[Role]) -> dict[str, str]:
    role = _role(model.number, point)
    if role in {Role.STATE, Role.ACTIVE_POWER, Role.ACTIVE_ENERGY}:
        role = Role.OTHER if role in taken else role
        taken.add(role)
    return {
        "name": f"m{model.number}.{point.name.lower()}",
        "label_zh": point.label_zh,
        "label_en": point.label_en,
        "role": role.value,
        "address": f"holding:{model.address + point.offset}",
        "type": point.type,
        "size": str(point.size) if point.type in SIZES else "",
        "sf": f"m{model.number}.{point.factor.lower()}" if point.factor else "",
        "unit": {"C": "°C", "Pct": "%"}.get(point.unit, point.unit),
        "na": "sunspec" if point.type not in SIZES | {"bits32"} else "",
        "texts": "state" if role is Role.STATE else "",
        "source": f"SunSpec information model {model.number}, point {point.name}; the model stands at {model.address}",
        "confidence": "high",
    }


def _role(number: int, point: SunSpecPoint) -> Role:
    if point.is_factor:
        return Role.OTHER
    if number in INVERTERS and point.name == "St":
        return Role.STATE
    if number in METERS and point.name in {"W", "TotWhImp"}:
        return Role.ACTIVE_POWER if point.name == "W" else Role.ACTIVE_ENERGY
    if point.unit == "V":
        return Role.VOLTAGE
    return Role.CURRENT if point.unit == "A" else ROLES.get(point.name, Role.OTHER)


# Guesses


def _from_guesses(draft: DraftedConnector, found: Found) -> None:
    """Everything that moved or is neither zero nor a lone constant; the rest is named in the README."""
    draft.guessed = True
    for table, proposal in guesses(found):
        words = found.rounds[table][proposal.address]  # type: ignore[index]
        if not proposal.moves and proposal.reading.size == 1 and (not words or words[0] in {0, 0xFFFF}):
            draft.left_out.append(f"{table}:{proposal.address}: always {words[0] if words else '?'}")
            continue
        draft.rows.append(_guess_row(table, proposal))


def _guess_row(table: str, proposal: Proposal) -> dict[str, str]:
    reading = proposal.reading
    others = ", ".join(map(str, proposal.others))
    doubt = f"; or {others}" if others else "" if proposal.clear else "; not clear"
    bits = table in {"coil", "discrete"}
    return {
        "name": f"{table}_{proposal.address}",
        "label_zh": f"{table} {proposal.address}",
        "label_en": f"{table} {proposal.address}",
        "role": Role.OTHER.value,
        "address": f"{table}:{proposal.address}",
        "type": "bool" if bits else reading.type,
        "order": "" if bits or reading.order == "ABCD" else reading.order,
        "size": str(reading.size) if reading.type == "string" else "",
        "source": f"GUESS ({'clear' if proposal.clear else 'ambiguous'}): {proposal.because}{doubt}",
        "confidence": "low",
    }


# Files


def _finish(draft: DraftedConnector, server: ModbusServer, moment: str, origin: str, found: Found) -> None:
    label = draft.label or f"unit {draft.unit}"
    source = {"title": f"discovery of {server.address}, unit {draft.unit}", "version": moment, "confidence": "own"}
    sunspec = {"title": "SunSpec Alliance, information models", "version": "sunspec/models", "confidence": "verified"}
    because = (
        "guessed from how registers behaved; check each point"
        if draft.guessed
        else "drafted from the SunSpec models that the device holds"
    )
    draft.content = {
        "connector": draft.id,
        "version": "0",
        "label": {"zh": f"草稿：{label}", "en": f"Draft: {label}"},
        "driver": "modbus",
        "sources": [source] if draft.guessed else [sunspec, source],
        "limits": {"max_registers": 50 if draft.guessed else 125, "max_gap": 0 if draft.guessed else 8},
        "quality": {"grade": "bronze", "because": because},
    }
    if any(row["role"] == Role.STATE.value for row in draft.rows):
        state = {
            "profile": f"{draft.id}-sunspec@0"[:64],
            "source": sunspec,
            "states": {str(raw): state for raw, state in STATES.items()},
        }
        draft.content["state_mapping"] = state
        draft.content["texts"] = {"state": {str(raw): {"zh": zh, "en": en} for raw, (zh, en) in STATE_TEXTS.items()}}
    words = {f"{table}:{first}": values for table, first, values in _seen(found, draft.guessed)}
    connector = _connector(draft)
    values = sample_values(connector, ConnectorSample(origin=origin, words=words, expect={"any": None}))
    expect = {row["name"]: values.get(row["name"]) for row in draft.rows}
    draft.samples = [{"origin": origin, "words": {key: list(each) for key, each in words.items()}, "expect": expect}]


STATE_TEXTS = {1: ("关机", "off"), 2: ("休眠", "sleeping"), 3: ("启动", "starting"), 4: ("最大功率跟踪", "tracking its power point"), 5: ("限功率", "throttled"), 6: ("正在关机", "shutting down"), 7: ("故障", "fault"), 8: ("待机", "standby")}  # fmt: skip


def _seen(found: Found, guessed: bool) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """The registers as they were last read, in unbroken runs."""
    if not guessed:
        for model in found.models:
            yield "holding", model.address, model.words
        return
    for table, registers in sorted(found.rounds.items()):
        run: list[int] = []
        for address in sorted(registers):
            if run and run[-1] != address - 1:
                yield table, run[0], tuple(registers[each][-1] for each in run)
                run = []
            run.append(address)
        if run:
            yield table, run[0], tuple(registers[each][-1] for each in run)


def _connector(draft: DraftedConnector) -> Connector:
    points = []
    for row in draft.rows:
        cells: dict[str, object] = {key: value for key, value in row.items() if value and not key.startswith("label_")}
        cells["label"] = {"zh": row["label_zh"], "en": row["label_en"]}
        if "size" in cells:
            cells["size"] = int(row["size"])
        points.append(cells)
    return Connector.model_validate({**draft.content, "points": tuple(points)}, strict=False)


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO(newline="")
    table = csv.DictWriter(
        text,
        [each for each in COLUMNS if any(row.get(each) for row in rows)],
        lineterminator="\n",
        restval="",
        extrasaction="ignore",
    )
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _readme(draft: DraftedConnector) -> str:
    zh = (
        "每一行都是由数值随时间的变化猜出来的，`source` 列写明理由和其他可能。"
        if draft.guessed
        else "地址由设备上的 SunSpec 模型逐个走出来，比例因子与值同读。"
    )
    en = (
        "Each row is a guess from how the registers behaved; the column `source` says why and what else it may be."
        if draft.guessed
        else "Its addresses come from walking the SunSpec models of the device; scale factors are read with the values."
    )
    left = "".join(f"\n- {each}" for each in draft.left_out)
    return README.format(
        id=draft.id, label=draft.label, zh=zh, en=en, left=f"\n没有列入 / Left out:\n{left}\n" if left else ""
    )


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)
