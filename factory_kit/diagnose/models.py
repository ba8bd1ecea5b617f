"""Models in files: JSON with the time they were trained on and the sha256 of their content, never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.document import parse_json, read_text

__all__ = ["Saved", "check_hash", "hashed", "read_model", "write_model"]


class Saved(Protocol):
    """A model that goes into a file and comes back out of it."""

    def as_json(self) -> dict[str, object]:
        """The model with its ``sha256``."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The model of ``as_json``."""


Model = TypeVar("Model", bound=Saved)


def hashed(content: Mapping[str, object]) -> dict[str, object]:
    """*content* with the sha256 of itself."""
    return {**content, "sha256": _hash(content)}


def check_hash(content: Mapping[str, object]) -> None:
    """``UsageError`` unless *content* carries the sha256 of all the rest of it."""
    inner = {name: value for name, value in content.items() if name != "sha256"}
    if content.get("sha256") != _hash(inner):
        raise UsageError("model: its sha256 differs from its content; train it again")


def write_model(path: Path, model: Saved) -> None:
    """*model* under *path*, whole or not at all."""
    write_atomically(path, json.dumps(model.as_json(), indent=1, sort_keys=True) + "\n")


def read_model(path: Path, kind: type[Model]) -> Model:
    """The model of *kind* in *path*; ``UsageError`` when it was altered or is something else."""
    content = parse_json(read_text(path), path.name).content
    if not isinstance(content, dict):
        raise UsageError("{file}: is no model; diagnose --save-models writes them", file=path.name)
    return kind.from_json(content)


def _hash(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
