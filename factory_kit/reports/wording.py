"""The fixed texts of a document, beside its view model: ``texts/<document>.<language>.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from factory_kit.i18n import Language

__all__ = ["Wording", "wording"]


@dataclass(frozen=True)
class Wording:
    """Texts of one document in one language, by dotted key."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **details: object) -> str:
        """The text *key* with *details* filled in; ``KeyError`` when there is none."""
        return self.texts[key].format(**details)

    def listed(self, names: Iterable[str]) -> str:
        """*names* as one phrase."""
        found = list(names)
        if self.language == "zh" or len(found) < 2:
            return "、".join(found)
        return f"{', '.join(found[:-1])} and {found[-1]}"


@cache
def wording(document: str, language: Language, package: str = "factory_kit.reports") -> Wording:
    """The texts of *document* in *language*, out of the folder ``texts`` of *package*."""
    source = files(package) / "texts" / f"{document}.{language}.yaml"
    return Wording(language, dict(_flat(yaml.safe_load(source.read_text(encoding="utf-8")))))


def _flat(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
