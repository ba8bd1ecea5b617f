"""The fixed texts of what a district publishes: ``data/words.yaml``, each in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from factory_kit.i18n import Language
from factory_kit.load.checked import yaml_file
from factory_kit.model.definition import Definition, Text

__all__ = ["say"]


class _Words(Definition):
    form: Literal[1]
    words: dict[str, Text]


def say(key: str, language: Language, /, **details: object) -> str:
    """The text *key* in *language* with *details* filled in; ``KeyError`` when there is none."""
    return _words()[key].in_(language).format(**details)


@cache
def _words() -> Mapping[str, Text]:
    return yaml_file(Path(__file__).resolve().parent / "data" / "words.yaml", _Words, "words.yaml").words
