"""Canonical JSON (RFC 8785): one sequence of bytes per value, so that equal records have equal hashes everywhere."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any, NoReturn, TypeAlias

import rfc8785

from factory_kit.errors import Altered, SealError
from factory_kit.model.canonical_json import DEEPEST, LARGEST, fast_bytes, value_of

__all__ = ["Json", "canonical", "read_canonical", "record_id"]

Json: TypeAlias = "bool | int | str | list[Json] | tuple[Json, ...] | dict[str, Json] | None"
"""What a record may hold: no floating-point numbers, numbers that matter are decimal text."""


def canonical(value: Any, where: str = "record") -> bytes:
    """The canonical bytes of *value*; *where* names it in errors.

    ``SealError`` for floating-point numbers (NaN among them), integers beyond 2^53 - 1, keys that are no text, text that
    is no Unicode, other types, and nesting deeper than 100.
    """
    data = fast_bytes(value)
    if data is not None:
        return data
    _check(value, where, ())
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise SealError(
            "{where}: a text holds half of a character (a lone surrogate); write it again", where=where
        ) from error


def record_id(value: object, where: str = "record") -> str:
    """The sha256 of the canonical bytes of *value*, in hexadecimal digits."""
    return hashlib.sha256(canonical(value, where)).hexdigest()


def read_canonical(data: bytes, where: str) -> Json:
    """The value whose canonical bytes *data* are; ``Altered`` when *data* are not the canonical bytes of anything."""
    with suppress(ValueError):
        known: Json = value_of(data)
        return known
    try:
        value: Json = json.loads(data.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float)
        same = canonical(value, where) == data
    except (ValueError, RecursionError, SealError):
        same = False
    if not same:
        raise Altered("{file}: is not canonical JSON (RFC 8785), so it was changed after it was written", file=where)
    return value


def _check(value: object, where: str, path: tuple[object, ...]) -> None:
    if len(path) > DEEPEST:
        raise SealError("{where}: is nested deeper than {limit} levels", where=where, limit=DEEPEST)
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_key(key, where, path)
            _check(inner, where, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check(inner, where, (*path, index))
    elif not isinstance(value, str | bool | None):
        _check_number(value, where, path)


def _check_key(key: object, where: str, path: tuple[object, ...]) -> None:
    if not isinstance(key, str):
        raise SealError("{where}: key {key!r} of {path} is no text", where=where, key=key, path=_dotted(path))


def _check_number(value: object, where: str, path: tuple[object, ...]) -> None:
    if isinstance(value, float):
        raise SealError(
            "{where}: {path} is a floating-point number ({value}); write it as decimal text",
            where=where, path=_dotted(path), value=value,
        )  # fmt: skip
    if not isinstance(value, int):
        raise SealError(
            "{where}: {path} is of type {type}, expected text, a whole number, true, false, null, a list or an object",
            where=where, path=_dotted(path), type=type(value).__name__,
        )  # fmt: skip
    if abs(value) > LARGEST:
        raise SealError(
            "{where}: {path} is beyond 2^53 - 1, which JSON does not keep exactly; write it as text",
            where=where, path=_dotted(path),
        )  # fmt: skip


def _dotted(path: tuple[object, ...]) -> str:
    return ".".join(str(step) for step in path) or "the value"


def _no_float(text: str) -> NoReturn:
    raise ValueError(text)
