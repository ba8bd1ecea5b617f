"""Ladders: models whose level is decided by conditions instead of weighted means, as data.

A ladder edition is a folder ``assessments/models/<ladder>/<edition>/`` of ``ladder.yaml`` (items, sums, conditions, our own
short labels in Chinese and English) and ``cases.yaml``. Its vocabulary is small and fixed: points add up, items are counted,
single items and levels by other models are required, and a level is reached when all of its conditions hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from factory_kit.model.answers import Answer, NoValueWord
from factory_kit.model.definition import Definition, ExactNumber, Identifier, Source, Text, exact
from factory_kit.model.maturity import Code, Edition, Status, Sureness

__all__ = [
    "Condition",
    "CountCondition",
    "Figure",
    "FigureCondition",
    "Group",
    "Item",
    "ItemCondition",
    "Ladder",
    "LadderAnswers",
    "LadderCase",
    "LadderCases",
    "LadderContent",
    "LevelCondition",
    "Option",
    "Rung",
    "SumCondition",
]


class Group(Definition):
    """Items that belong together."""

    id: Code
    label: Text
    part_of: Code | None = None


class Option(Definition):
    """One value an item may have."""

    value: ExactNumber
    label: Text


class Item(Definition):
    """One thing that is answered; its value times its weight are its points."""

    id: Code
    group: Code
    label: Text
    options: Identifier
    weight: ExactNumber = "1"
    starred: bool = False
    """Counted apart, where the ladder demands so many of these."""
    rev: int = Field(default=1, ge=1)
    confidence: Sureness


class Figure(Definition):
    """A number that is recorded; it decides nothing unless a condition names it."""

    id: Code
    label: Text
    unit: str = ""


class SumCondition(Definition):
    """The points of all items of *groups* and of what is part of them come to at least so many."""

    need: Literal["sum"]
    groups: tuple[Code, ...] = Field(min_length=1)
    at_least: ExactNumber


class CountCondition(Definition):
    """At least so many items of *group* (only the starred ones, where asked) have at least *value*."""

    need: Literal["count"]
    group: Code
    value: ExactNumber
    at_least: int = Field(ge=1)
    starred: bool = False


class ItemCondition(Definition):
    """One item has at least this value."""

    need: Literal["item"]
    item: Code
    at_least: ExactNumber


class FigureCondition(Definition):
    """One figure is at least so large."""

    need: Literal["figure"]
    figure: Code
    at_least: ExactNumber


class LevelCondition(Definition):
    """The plant has at least this level by another model or ladder."""

    need: Literal["level"]
    model: Identifier
    at_least: int = Field(ge=1, le=9)


Condition = Annotated[
    SumCondition | CountCondition | ItemCondition | FigureCondition | LevelCondition, Field(discriminator="need")
]


class Rung(Definition):
    """One level: how it is called, and all that must hold."""

    level: int = Field(ge=1, le=9)
    mark: Text
    name: Text
    all_of: tuple[Condition, ...] = ()
    confidence: Sureness


class LadderContent(Definition):
    """``ladder.yaml``."""

    form: Literal[1]
    ladder: Identifier
    edition: Edition
    engine: Literal[1]
    """Version of the meaning of the conditions."""
    status: Status
    title: Text
    issued: Text
    """By whom, when, under which number."""
    licence_note: Text
    sources: tuple[Source, ...] = Field(min_length=1)
    options: dict[Identifier, tuple[Option, ...]]
    groups: tuple[Group, ...] = ()
    items: tuple[Item, ...] = ()
    figures: tuple[Figure, ...] = ()
    cumulative: bool = True
    """A level counts only where every level below it holds."""
    rungs: tuple[Rung, ...] = ()
    """Lowest first; a ladder without rungs is a profile of its items."""


class LadderAnswers(Definition):
    """What a plant answers to a ladder."""

    form: Literal[1]
    ladder: Identifier
    edition: Edition
    ladder_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    answers: dict[Code, Answer] = Field(default_factory=dict)
    figures: dict[Code, ExactNumber] = Field(default_factory=dict)


class LadderCase(Definition):
    """A worked example: values of items (``all`` for what is not named), figures, levels elsewhere → what must come out."""

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    all: ExactNumber | NoValueWord | None = None
    items: dict[Code, ExactNumber | NoValueWord] = Field(default_factory=dict)
    figures: dict[Code, ExactNumber] = Field(default_factory=dict)
    levels: dict[Identifier, int] = Field(default_factory=dict)
    points: dict[Code, ExactNumber] = Field(default_factory=dict)
    level: int
    at_best: int | None = None
    holds_back: tuple[str, ...] | None = None
    """The kinds of need that hold the next level back, in order: ``sum``, ``count``, ``item``, ``figure``, ``level``."""


class LadderCases(Definition):
    """``cases.yaml`` of a ladder."""

    form: Literal[1]
    ladder: Identifier
    edition: Edition
    cases: tuple[LadderCase, ...] = Field(min_length=1)


@dataclass(frozen=True, eq=False)
class Ladder:
    """A ladder edition as loaded, with the hash of what it means."""

    content: LadderContent
    sha256: str

    @property
    def id(self) -> str:
        """``ladder@edition``."""
        return f"{self.content.ladder}@{self.content.edition}"

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Items by id, in the order of the file."""
        return {item.id: item for item in self.content.items}

    @cached_property
    def values(self) -> Mapping[str, tuple[Fraction, ...]]:
        """Allowed values by name of the option set."""
        return {name: tuple(exact(each.value) for each in options) for name, options in self.content.options.items()}

    def within(self, group: str) -> tuple[Item, ...]:
        """The items of *group* and of what is part of it."""
        return tuple(item for item in self.content.items if group in self._line(item.group))

    def _line(self, group: str | None) -> set[str]:
        parents = {each.id: each.part_of for each in self.content.groups}
        found: set[str] = set()
        while group is not None and group not in found:
            found.add(group)
            group = parents.get(group)
        return found
