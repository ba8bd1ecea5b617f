"""A draft connector and site fragment from what was found on a server. A draft is for people: every role in it is a guess. Pure but for ``write``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from factory_kit.collect.companion import Companion, companion_of
from factory_kit.collect.roles import Guess, guess_role, guess_states
from factory_kit.drivers.opcua.browse import Tree
from factory_kit.drivers.opcua.facts import ServerFacts
from factory_kit.drivers.opcua.kinds import Kinds
from factory_kit.drivers.opcua.names import has_controls
from factory_kit.drivers.opcua.structures import Moment
from factory_kit.drivers.opcua.variables import Variable
from factory_kit.files import write_atomically
from factory_kit.model.connector import Role
from factory_kit.model.site import OpcUaServer

__all__ = ["Draft", "draft"]

TYPES = {
    1: "bool", 2: "int8", 3: "uint8", 4: "int16", 5: "uint16", 6: "int32", 7: "uint32", 8: "int64", 9: "uint64", 10: "float32", 11: "float64",
    13: "datetime", 29: "int32",
}  # fmt: skip
"""Built-in type of OPC UA → type of a point; every other becomes a text."""
COLUMNS = (
    "name",
    "label_zh",
    "label_en",
    "role",
    "address",
    "type",
    "scale",
    "offset",
    "unit",
    "scan",
    "personal",
    "source",
)
CONTAINERS = frozenset({"Objects", "DeviceSet", "Machines", "Machinery", "Plant", "IMM_MES_Interfaces"})
FOLDERS = frozenset({"i=61", ""})
FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet would take for a formula."""


@dataclass(frozen=True, slots=True)
class Point:
    """One drafted point: a row of the table, and what it held when it was found."""

    row: Mapping[str, str]
    address: str
    value: int | float | bool | str | None
    states: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """One object that looks like a machine: its path, the part of the node ids that is its own, and what it may be."""

    path: tuple[str, ...]
    node: str
    base: str
    connector: str
    companion: Companion | None = None


@dataclass(slots=True)
class Draft:
    """Drafted connectors by id, and the machines that use them."""

    server: str
    url: str
    security: str
    origin: str
    found: str
    connectors: dict[str, list[Point]] = field(default_factory=dict)
    machines: list[Machine] = field(default_factory=list)
    namespaces: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """Points of all connectors."""
        return sum(len(points) for points in self.connectors.values())

    def write(self, folder: Path) -> None:
        """``connectors/<id>/`` and ``site-fragment.yaml`` in *folder*."""
        for name, points in self.connectors.items():
            place = folder / "connectors" / name
            place.mkdir(parents=True, exist_ok=True)
            for file, content in self._files(name, points).items():
                write_atomically(place / file, content)
        write_atomically(folder / "site-fragment.yaml", self._fragment())

    def _files(self, name: str, points: Sequence[Point]) -> dict[str, str]:
        return {
            "connector.yaml": HEAD + _yaml(self._connector(name, points)),
            "points.csv": _table(points),
            "samples.yaml": _yaml([_sample(self.origin, points)]),
            "README.md": README.format(name=name, url=self.url, found=self.found),
        }

    def _connector(self, name: str, points: Sequence[Point]) -> dict[str, Any]:
        states = next((each.states for each in points if each.row["role"] == Role.STATE.value), None)
        machine = next(each for each in self.machines if each.connector == name)
        label = "/".join(machine.path) or name
        content: dict[str, Any] = {
            "connector": name,
            "version": "0",
            "label": {"zh": f"草稿：{label}", "en": f"Draft: {label}"},
            "driver": "opcua",
            "sources": [{"title": f"discovery of {self.url}", "version": self.found, "confidence": "own"}],
            "quality": {"grade": "bronze", "because": "drafted from one look at the server; roles are guesses"},
        }
        if machine.companion is not None:
            content["sources"].append(machine.companion.source)
        if self.namespaces.get(name):
            content["namespace"] = self.namespaces[name]
        if states is not None:
            content["state_mapping"] = {
                "profile": f"{name}-guess@0",
                "source": {"title": "guessed from the names of the enumeration", "confidence": "estimate"},
                "states": dict(states),
            }
        return content

    def _fragment(self) -> str:
        servers = {self.server: {"driver": "opcua", "url": self.url, "security": self.security}}
        taken: set[str] = set()
        equipment = []
        for machine in self.machines:
            label = machine.path[-1] if machine.path else machine.connector
            entry: dict[str, Any] = {
                "id": _distinct(_slug(label), taken),
                "name": {"zh": label, "en": label},
                "connector": machine.connector,
                "server": self.server,
            }
            if machine.base:
                entry["base"] = machine.base
            equipment.append(entry)
        known = "".join(
            f'# {machine.companion.title}: {"/".join(machine.path)} -> connector: {machine.companion.connector}, base: "{machine.node}"\n'
            for machine in self.machines
            if machine.companion is not None and machine.companion.machine and machine.companion.connector
        )
        return site_fragment(servers, equipment, known)


def site_fragment(servers: Mapping[str, object], equipment: Sequence[object], remarks: str = "") -> str:
    """What goes into the site file, each entry on a line and as far to the right as ``init`` writes its own."""
    lines = [FRAGMENT + remarks + "servers:"]
    lines += [f"  {name}: {_in_line(settings)}" for name, settings in servers.items()]
    lines += ["equipment:", *(f"  - {_in_line(entry)}" for entry in equipment)]
    return "\n".join(lines) + "\n"


def _in_line(content: object) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100_000, default_flow_style=True).strip()


HEAD = "# 草稿，由 factory-kit discover 写出；角色都是猜测，请逐点核对。 / A draft by factory-kit discover; every role is a guess, check each point.\n"
FRAGMENT = "# 草稿：核对后把各行并入 site.yaml 的同名段落，并把 connectors/ 复制到工作区。 / A draft: check it, put its lines under the same headings of site.yaml, copy connectors/ into the workspace.\n"
README = """# {name}

草稿，由 `factory-kit discover` 于 {found} 从 {url} 写出。`points.csv` 的 `source` 列写明每个角色猜测的理由。
A draft that `factory-kit discover` wrote on {found} from {url}. The column `source` of `points.csv` says why each role was guessed.

核对 / Check: `factory-kit check .`
"""


def draft(
    tree: Tree,
    variables: Sequence[Variable],
    facts: ServerFacts,
    kinds: Kinds,
    name: str,
    server: OpcUaServer,
    started: int,
) -> Draft:
    """What *variables* of *tree* make as connectors: machines of the same make share one."""
    found = f"{datetime.fromtimestamp(started / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
    origin = f"{facts.identity.origin.value}, {server.address}, {found}"
    made = Draft(name, server.url, server.security, origin, found)
    groups: dict[str, list[Variable]] = {}
    for variable in variables:
        if variable.readable and (variable.parts or not variable.trouble):
            groups.setdefault(_machine(variable.parent, tree, kinds), []).append(variable)
    alike: dict[tuple[object, ...], str] = {}
    for machine, own in groups.items():
        _add_machine(made, machine, own, tree, kinds, alike)
    return made


def _machine(node: str, tree: Tree, kinds: Kinds) -> str:
    """The object above that is a machine: one of a companion type, else the outermost that is no folder, else the parent itself."""
    chain: list[str] = []
    seen: set[str] = set()
    while node in tree.nodes and node not in seen:
        seen.add(node)
        chain.append(node)
        node = tree.nodes[node].parent
    for each in chain:
        companion = companion_of(kinds.chain(tree.nodes[each].type))
        if companion is not None and companion.machine:
            return each
    for each in reversed(chain):
        found = tree.nodes[each]
        if not found.variable and found.type not in FOLDERS and found.name not in CONTAINERS:
            return each
    return chain[0] if chain else ""


def _add_machine(
    made: Draft, machine: str, own: Sequence[Variable], tree: Tree, kinds: Kinds, alike: dict[tuple[object, ...], str]
) -> None:
    path = tree.path(machine)
    base = _base(machine, own)
    space = _space(own)
    companion = companion_of(kinds.chain(tree.nodes[machine].type)) if machine in tree.nodes else None
    points = _points(own, len(path), base, space)
    if not points:
        return
    make = (space, *sorted((each.address, each.row["type"]) for each in points))
    if make not in alike:
        alike[make] = _distinct(_slug(f"draft-{made.server}-{path[-1] if path else 'server'}"), set(made.connectors))
        made.connectors[alike[make]] = points
        made.namespaces[alike[make]] = space
    made.machines.append(Machine(path, machine, base, alike[make], companion))


def _base(machine: str, own: Sequence[Variable]) -> str:
    """The identifier of the machine where those of all its variables begin with it, so that its twins can share a connector."""
    _space_part, separator, rest = machine.rpartition(";s=")
    if not separator or not rest or not all(each.id.startswith(f"{machine}") and each.id != machine for each in own):
        return ""
    return rest


def _space(own: Sequence[Variable]) -> str:
    """The namespace URI that all ids share; empty where they do not."""
    spaces = {each.id.removeprefix("nsu=").partition(";")[0] for each in own if each.id.startswith("nsu=")}
    return spaces.pop() if len(spaces) == 1 and all(each.id.startswith("nsu=") for each in own) else ""


def _points(own: Sequence[Variable], depth: int, base: str, space: str) -> list[Point]:
    taken: set[str] = set()
    points: list[Point] = []
    for variable in own:
        for place, value in variable.parts or (("", None),):
            if not has_controls(place):
                points.append(
                    _point(variable, place, value, variable.path[depth:] or variable.path[-1:], base, space, taken)
                )
    return _one_state(points)


def _point(
    variable: Variable, place: str, value: Any, names: tuple[str, ...], base: str, space: str, taken: set[str]
) -> Point:
    kind = _type(variable, place, value)
    inner = [each for each in re.split(r"[\[\].]+", place) if each]
    guess = guess_role((*names, *inner), variable.unit, "text" if kind == "string" else "number")
    states = guess_states(variable.names) if guess and guess.role is Role.STATE else {}
    doubt = ""
    if guess and guess.role is Role.STATE and not states:
        doubt = f"{guess.because} may be the state; write a state_mapping, then set the role"
        guess = None  # a state without a mapping cannot stand
    address = _address(variable.id, place, base, space)
    row = {
        "name": _distinct(_slug(".".join((*names, *inner))), taken),
        "label_zh": _cell(" ".join((*(names[-1:] if not variable.label else (variable.label,)), *inner))),
        "label_en": _cell(" ".join((*names[-1:], *inner))),
        "role": guess.role.value if guess else Role.OTHER.value,
        "address": address,
        "type": kind,
        "unit": _cell(variable.unit),
        "personal": "true" if guess and guess.role is Role.OPERATOR else "",
        "source": _cell(_because(variable, guess, doubt)),
    }
    return Point(row, address, _sampled(value, row), {number: state.value for number, state in states.items()})


def _because(variable: Variable, guess: Guess | None, doubt: str) -> str:
    said = [f"GUESS: {guess.because}" if guess else f"GUESS: {doubt or 'none'}"]
    if variable.low is not None and variable.high is not None:
        said.append(f"range {variable.low:g} to {variable.high:g}")
    if variable.names:
        said.append("names " + ", ".join(f"{number}={name}" for number, name in list(variable.names.items())[:20]))
    if variable.type_name:
        said.append(f"type {variable.type_name}")
    if variable.history:
        said.append("the server keeps its history")
    if variable.trouble:
        said.append(f"no value: {variable.trouble}")
    return "; ".join(said)


def _type(variable: Variable, place: str, value: Any) -> str:
    if not place:
        return TYPES.get(variable.kind, "string")
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, datetime | Moment):
        return "datetime"
    return "int64" if isinstance(value, int) else "float64" if isinstance(value, float) else "string"


def _address(node: str, place: str, base: str, space: str) -> str:
    if space:
        node = node.replace(f"nsu={space};", "ns=?;", 1)
    if base:
        node = node.replace(f";s={base}", ";s={base}", 1)
    return f"{place}@{node}" if place else node


def _sampled(value: Any, row: Mapping[str, str]) -> int | float | bool | str | None:
    """What the sample keeps: nothing personal, and no number that YAML or a comparison would lose."""
    if row["personal"]:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Moment):
        return int(value)
    if isinstance(value, bool | int | float):
        return value
    return _cell(value[:100]) if isinstance(value, str) else None


def _one_state(points: list[Point]) -> list[Point]:
    """Only the first state is one: a machine has one at a time."""
    seen = False
    kept = []
    for point in points:
        state = point.row["role"] == Role.STATE.value
        kept.append(
            point
            if not (state and seen)
            else Point({**point.row, "role": Role.OTHER.value}, point.address, point.value)
        )
        seen = seen or state
    return kept


def _table(points: Iterable[Point]) -> str:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n", restval="")
    table.writeheader()
    table.writerows(point.row for point in points)
    return text.getvalue()


def _sample(origin: str, points: Sequence[Point]) -> dict[str, Any]:
    return {
        "origin": origin,
        "values": {point.address: point.value for point in points},
        "expect": {point.row["name"]: point.value for point in points},
    }


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)


def _cell(text: str) -> str:
    """*text* on one line, and never a formula."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"'{line}" if line.startswith(FORMULA) else line


def _slug(text: str) -> str:
    """*text* as a name of ours: small letters, digits, ``.``, ``_`` and ``-``; at most 60 signs."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    plain = re.sub(r"[^a-z0-9.]+", "_", parted.lower()).strip("._")
    return re.sub(r"_*\._*", ".", plain)[-58:].strip("._") or "point"


def _distinct(name: str, taken: set[str]) -> str:
    """*name*, or with the first number that makes it the only one."""
    number, tried = 2, name
    while tried in taken:
        tried, number = f"{name}_{number}", number + 1
    taken.add(tried)
    return tried
