"""YAML documents whose every value remembers its line."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.files import Files, FolderFiles
from factory_kit.model.canonical_json import value_of

__all__ = ["CanonicalDocument", "Document", "parse_json", "parse_yaml", "read_text", "read_yaml", "text_in", "yaml_in"]

Path_ = tuple[str | int, ...]
LARGEST_FILE = 32 * 1024 * 1024
DEEPEST = 60
MOST_REPEATS = 10_000
"""So many groups and lists may be written by an alias; a few lines of aliases could otherwise become billions of values."""


@dataclass(frozen=True)
class Document:
    """What a file says (lists as tuples) and on which line each value and key stands, by path."""

    name: str
    content: object
    lines: dict[Path_, int] = field(default_factory=dict)

    def line(self, path: Path_) -> int:
        """The line of the value at *path*, or of the nearest value around it; 1 when nothing is known."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


class CanonicalDocument(Document):
    """A JSON document in the one canonical form (RFC 8785), as it stands in sealed files; ``content`` is made when asked for."""

    data: bytes
    """Its bytes."""

    def __init__(self, name: str, data: bytes, value: object) -> None:
        vars(self).update(name=name, lines={}, data=data, _value=value)

    @cached_property
    def content(self) -> object:
        """What it says, lists as tuples."""
        return _frozen(vars(self)["_value"])


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as its 1.2 core schema reads it: only true and false are booleans, dates stay text, 012 is no octal."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - shape given by PyYAML


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("int", r"^0x[0-9a-fA-F]+$", "0"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$", "-+."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_text(path: Path, name: str | None = None) -> str:
    """The text of a UTF-8 file (with or without BOM); ``DefinitionError`` when it is missing, too large or in another encoding."""
    return text_in(FolderFiles(path.parent), path.name, name or str(path))


def text_in(files: Files, file: str, shown: str) -> str:
    """The text of *file* of *files*, shown to users as *shown*; ``DefinitionError`` as ``read_text``."""
    try:
        if files.size(file) > LARGEST_FILE:
            message = N_("is larger than {limit} bytes; definitions are small texts")
            raise DefinitionError([Problem(shown, 0, "", message, {"limit": LARGEST_FILE})])
        raw = files.read(file)
    except FileNotFoundError as error:
        raise DefinitionError([Problem(shown, 0, "", N_("does not exist; check the path"))]) from error
    except OSError as error:
        raise DefinitionError(
            [Problem(shown, 0, "", N_("cannot be read ({reason})"), {"reason": error.strerror})]
        ) from error
    return _decoded(raw, shown)


def _decoded(raw: bytes, shown: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        guess = "GBK" if _decodes(raw, "gb18030") else "?"
        message = N_("is not UTF-8 (looks like {guess}); save it again as UTF-8")
        raise DefinitionError([Problem(shown, line, "", message, {"guess": guess})]) from error


def read_yaml(path: Path, name: str | None = None) -> Document:
    """The document in the file *path*, shown to users as *name*."""
    return parse_yaml(read_text(path, name), name or str(path))


def yaml_in(files: Files, file: str, shown: str) -> Document:
    """The document in *file* of *files*, shown to users as *shown*."""
    return parse_yaml(text_in(files, file, shown), shown)


def parse_json(text: str, name: str) -> Document:
    """The JSON document in *text*, as programs write it, so without lines; ``DefinitionError`` when it is none."""
    data = text.encode("utf-8", errors="replace")
    with suppress(ValueError):
        return CanonicalDocument(name, data, value_of(data))
    try:
        return Document(name, _frozen(json.loads(text, object_pairs_hook=_each_key_once)))
    except (ValueError, RecursionError) as error:
        raise DefinitionError([Problem(name, 0, "", N_("is not JSON: {reason}"), {"reason": str(error)})]) from error


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _frozen(value: object) -> object:
    """*value* with lists as tuples."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def parse_yaml(text: str, name: str) -> Document:
    """The document in *text*; ``DefinitionError`` with every duplicate key, or with the place where it stops being YAML."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise DefinitionError([_broken(text, name, error)]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DefinitionError(
            [Problem(name, 1, "", N_("is not YAML: {reason}"), {"reason": str(error).splitlines()[0]})]
        ) from error
    if node is None:
        raise DefinitionError([Problem(name, 1, "", N_("is empty"))])
    reader = _Reader(name)
    content = reader.value(node, ())
    if reader.repeats > MOST_REPEATS:
        message = N_("its aliases (*) repeat more than {limit} groups and lists; write them out or leave them away")
        raise DefinitionError([Problem(name, 1, "", message, {"limit": MOST_REPEATS})])
    if reader.problems:
        raise DefinitionError(reader.problems)
    return Document(name, content, reader.lines)


class _Reader:
    """Turns YAML nodes into plain values and notes lines and mistakes on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path_, int] = {}
        self.problems: list[Problem] = []
        self.scalars = _Loader("")
        self.seen: set[int] = set()
        self.repeats = 0

    def value(self, node: yaml.Node, path: Path_) -> object:
        self.lines[path] = node.start_mark.line + 1
        if len(path) > DEEPEST:
            self._wrong(node, path, N_("is nested too deeply"))
            return None
        if self._repeated(node):
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.value(item, (*path, index)) for index, item in enumerate(node.value))
        return self._scalar(node, path)

    def _repeated(self, node: yaml.Node) -> bool:
        """Whether so much was repeated already that reading on is of no use."""
        if not isinstance(node, yaml.ScalarNode):
            self.repeats += id(node) in self.seen
            self.seen.add(id(node))
        return self.repeats > MOST_REPEATS

    def _scalar(self, node: yaml.Node, path: Path_) -> object:
        try:
            return self.scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            self._wrong(node, path, N_("is no plain value ({reason})"), reason=str(error).splitlines()[0])
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, object]:
        result: dict[str, object] = {}
        seen: dict[Hashable, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if not isinstance(key, str) or key == "<<":
                self._wrong(key_node, path, N_("a key must be a plain text"))
                continue
            if key in seen:
                self._wrong(key_node, (*path, key), N_("given twice (first on line {first})"), first=seen[key])
                continue
            seen[key] = line
            result[key] = self.value(value_node, (*path, key))
            self.lines[(*path, key)] = line
        return result

    def _wrong(self, node: yaml.Node, path: Path_, message: str, **details: object) -> None:
        self.problems.append(Problem(self.name, node.start_mark.line + 1, dotted(path), message, details))


def dotted(path: Path_) -> str:
    """``servers.cell.port`` or ``equipment[3].id`` for a path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _broken(text: str, name: str, error: yaml.MarkedYAMLError) -> Problem:
    line = (error.problem_mark.line if error.problem_mark else 0) + 1
    lines = text.splitlines()
    if line <= len(lines) and "\t" in lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]:
        return Problem(name, line, "", N_("is indented with a tab; use blanks"))
    reason = error.problem or str(error)
    for beginning, message in SAYINGS:
        if reason.startswith(beginning):
            return Problem(name, line, "", message)
    return Problem(name, line, "", N_("is not YAML: {reason}"), {"reason": reason})


SAYINGS = (
    (
        "did not find expected key",
        N_("is not YAML: this line stands further left or right than its neighbours; begin it in the column where they begin"),
    ),
    (
        "did not find expected '-' indicator",
        N_("is not YAML: the items of one list must begin in the same column, each with a hyphen"),
    ),
    (
        "mapping values are not allowed",
        N_("is not YAML: a colon where none can be; put texts with a colon in quotation marks, and write a blank after each key's colon"),
    ),
    ("could not find expected ':'", N_("is not YAML: a key without its colon, or a quotation mark that is not closed")),
    ("found unexpected end of stream", N_("is not YAML: a quotation mark or a bracket is not closed")),
    ("did not find expected ',' or", N_("is not YAML: a bracket is not closed, or a comma is missing")),
    ("found character that cannot start any token", N_("is not YAML: a text that begins with this sign must stand in quotation marks")),
)  # fmt: skip
"""How the parser begins what people make wrong most often, and what we say for it."""


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
