"""What a point probably means, from its name, unit and type. Every answer is a guess, says why, and waits for a person. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from factory_kit.model.connector import MachineState, Role

__all__ = ["Guess", "guess_role", "guess_states"]


@dataclass(frozen=True, slots=True)
class Guess:
    """A role and the reason for it, in a few English words."""

    role: Role
    because: str


UNITS: Mapping[str, Role] = {
    "°c": Role.TEMPERATURE, "℃": Role.TEMPERATURE, "degc": Role.TEMPERATURE, "k": Role.TEMPERATURE, "°f": Role.TEMPERATURE,
    "kw": Role.ACTIVE_POWER, "w": Role.ACTIVE_POWER, "mw": Role.ACTIVE_POWER, "kvar": Role.REACTIVE_POWER, "var": Role.REACTIVE_POWER,
    "kwh": Role.ACTIVE_ENERGY, "wh": Role.ACTIVE_ENERGY, "mwh": Role.ACTIVE_ENERGY, "kw·h": Role.ACTIVE_ENERGY,
    "v": Role.VOLTAGE, "kv": Role.VOLTAGE, "a": Role.CURRENT, "ma": Role.CURRENT, "hz": Role.FREQUENCY,
    "bar": Role.PRESSURE, "pa": Role.PRESSURE, "kpa": Role.PRESSURE, "mpa": Role.PRESSURE, "psi": Role.PRESSURE,
    "rpm": Role.SPEED, "r/min": Role.SPEED, "1/min": Role.SPEED, "mm/min": Role.FEED, "m/min": Role.FEED, "mm/s": Role.VIBRATION,
    "m³/h": Role.FLOW, "m3/h": Role.FLOW, "l/min": Role.FLOW, "l/h": Role.FLOW, "h": Role.RUNNING_HOURS,
}  # fmt: skip
NUMBER, TEXT = "number", "text"
WORDS: tuple[tuple[Role, str, str], ...] = (
    (Role.GOOD_COUNT, NUMBER, r"good|passed|合格|良品"),
    (Role.SCRAP_COUNT, NUMBER, r"scrap|reject|bad ?parts|defect|ng ?count|fail(ed)? ?(count|parts)|不良|废品|不合格"),
    (Role.TOTAL_COUNT, NUMBER, r"(parts?|piece|product|total|shot|cycle|work ?piece|job|item)s? ?(count|counter|produced|made|number)|count(er)?$|产量|计数|总数"),
    (Role.ACTIVE_ENERGY, NUMBER, r"energy|kwh|电能|电量|电度"),
    (Role.REACTIVE_POWER, NUMBER, r"reactive|无功"),
    (Role.POWER_FACTOR, NUMBER, r"power ?factor|cos ?phi|功率因数"),
    (Role.ACTIVE_POWER, NUMBER, r"\bpower\b|功率"),
    (Role.SPINDLE_LOAD, NUMBER, r"spindle.*load|load.*spindle|主轴.*负载"),
    (Role.TEMPERATURE, NUMBER, r"temp(erature)?\b|温度"),
    (Role.PRESSURE, NUMBER, r"pressure|压力"),
    (Role.VIBRATION, NUMBER, r"vibration|振动"),
    (Role.FEED, NUMBER, r"\bfeed|进给"),
    (Role.SPEED, NUMBER, r"speed|rpm|转速|速度"),
    (Role.FREQUENCY, NUMBER, r"frequency|频率"),
    (Role.VOLTAGE, NUMBER, r"voltage|电压"),
    (Role.CURRENT, NUMBER, r"\bcurrent\b(?! ?(time|state|mode|program|tool))|\bamp(ere)?s?\b|电流"),
    (Role.FLOW, NUMBER, r"\bflow|流量"),
    (Role.LEVEL, NUMBER, r"\blevel\b|液位|料位"),
    (Role.RUNNING_HOURS, NUMBER, r"(running|operat(ing|ion)|power ?on) ?(hours|time|duration)|运行时间"),
    (Role.HEARTBEAT, NUMBER, r"heart ?beat|watch ?dog|life ?bit|心跳"),
    (Role.ALARM, "", r"alarm|fault|error|报警|故障"),
    (Role.STATE, "", r"(machine|operation|unit|execution|current)? ?(state|status)( current)?$|运行状态|设备状态|状态$"),
    (Role.MODE, "", r"\bmode\b|模式"),
    (Role.OPERATOR, TEXT, r"operator|user ?name|worker|employee|操作员|操作工|工号|人员"),
    (Role.PROGRAM, TEXT, r"program|recipe|程序|配方"),
    (Role.ORDER, TEXT, r"order|job ?(id|name)|batch|lot|工单|订单|批次"),
    (Role.LABEL, TEXT, r"serial|manufacturer|model|version|product ?code|名称|型号|序列号"),
)  # fmt: skip
STATES: tuple[tuple[MachineState, str], ...] = (
    (MachineState.DOWN, r"fault|error|alarm|abort|fail|emergency|out ?of ?service|故障|报警|急停"),
    (MachineState.SETUP, r"set ?up|change ?over|换型|调整"),
    (MachineState.MAINTENANCE, r"maint|service|保养|维护"),
    (MachineState.PRODUCING, r"execut|produc|run|process|automatic ?cycle|active|加工|运行|生产"),
    (MachineState.OFF, r"\boff|power ?down|关机|停机"),
    (MachineState.IDLE, r"idle|stand ?by|stop|wait|ready|hold|held|suspend|complete|空闲|待机|等待"),
)


def guess_role(names: Iterable[str], unit: str, kind: str) -> Guess | None:
    """What a point called *names* (outermost first), counted in *unit*, of *kind* ``number`` or ``text`` may mean."""
    spoken = [_spoken(name) for name in names if name]
    for text in reversed(spoken[-3:]):
        for role, needed, pattern in WORDS:
            if (not needed or needed == kind) and re.search(pattern, text):
                return Guess(role, f"name {text!r}" + (f", unit {unit}" if UNITS.get(_plain(unit)) is role else ""))
        if text is spoken[-1] and kind == NUMBER and _plain(unit) in UNITS:
            return Guess(UNITS[_plain(unit)], f"unit {unit}")
    return None


def guess_states(names: Mapping[int, str]) -> dict[str, MachineState]:
    """Which state each number of an enumeration may be; numbers whose name says nothing are left out."""
    found: dict[str, MachineState] = {}
    for number, name in names.items():
        for state, pattern in STATES:
            if re.search(pattern, _spoken(name)):
                found[str(number)] = state
                break
    return found


def _spoken(name: str) -> str:
    """*name* in small letters with blanks between its words, however it is written together."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.\-/\s]+", " ", name)
    return parted.strip().lower()


def _plain(unit: str) -> str:
    return unit.strip().lower()
