"""Sentences that explain a score: a template in English and its details, kept apart so that they can be translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Detail", "Ref", "Sentence", "sentence"]


class Ref(str):
    """An id of the model inside a sentence; shown by its label in the reader's language."""

    __slots__ = ()


Detail = int | str | tuple[Ref, ...]


@dataclass(frozen=True)
class Sentence:
    """A literal ``str.format`` template in English and what fills it."""

    template: str
    details: Mapping[str, Detail]

    def __str__(self) -> str:
        return self.text()

    def text(
        self,
        translate: Callable[[str], str] = str,
        name: Callable[[str], str] = str,
        separator: str = ", ",
    ) -> str:
        """The sentence; *translate* turns the template, *name* the ids in it, lists are joined by *separator*."""
        shown = {key: _shown(value, name, separator) for key, value in self.details.items()}
        return translate(self.template).format(**shown)


def sentence(template: str, /, **details: Detail) -> Sentence:
    """The sentence of *template*, a literal marked with ``N_``, and its details."""
    return Sentence(template, details)


def _shown(value: Detail, name: Callable[[str], str], separator: str) -> int | str:
    if isinstance(value, tuple):
        return separator.join(name(item) for item in value)
    return name(value) if isinstance(value, Ref) else value
