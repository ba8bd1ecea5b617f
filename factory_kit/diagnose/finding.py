"""Findings: what is wrong or lost, where and when, the numbers that prove it, and what to do, in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal

from pydantic import Field

from factory_kit.kpi.timemodel import Stretch
from factory_kit.load.checked import yaml_file
from factory_kit.model.definition import Definition, Identifier, Language, Text

__all__ = ["Finding", "FindingKind", "Number", "Severity", "known_kinds"]

Number = int | float | str
Severity = Literal["high", "middle", "low"]
ONE = re.compile(r"(?<![\d.])1 (times|readings|values|points|breakdowns|stops|changeovers|hours|days|minutes)\b")
SINGULAR = {"times": "once"}
ORDER: dict[Severity, int] = {"high": 0, "middle": 1, "low": 2}


class FindingKind(Definition):
    """One kind of finding as people read it; ``{names}`` in the texts are numbers of the finding."""

    id: Identifier
    group: Literal["fault", "loss"]
    """fault: something is broken or read wrongly; loss: time, energy or pieces that went another way than planned."""
    title: Text
    says: Text
    do: Text
    assumes: Text | None = None
    """What the numbers rest on."""
    scene: Text | None = None
    """The scene of the 2025 guide of typical scenes (智能制造典型场景参考指引) that it calls for."""


class _Kinds(Definition):
    kinds: Annotated[tuple[FindingKind, ...], Field(min_length=1)]


@cache
def known_kinds() -> dict[str, FindingKind]:
    """Every kind by id."""
    return {kind.id: kind for kind in yaml_file(Path(__file__).with_name("findings.yaml"), _Kinds).kinds}


@dataclass(frozen=True)
class Finding:
    """One finding; times in microseconds since 1970-01-01 UTC.

    ``hours``, ``kwh`` and ``yuan`` are what was lost, None where it cannot be computed. Findings of one kind and subject are one.
    """

    kind: str
    subject: str
    severity: Severity
    numbers: Mapping[str, Number]
    when: tuple[Stretch, ...] = ()
    points: tuple[str, ...] = ()
    """``equipment/point`` of what it was seen in."""
    hours: float | None = None
    kwh: float | None = None
    yuan: float | None = None
    """What the lost energy cost, each hour at the price of the user's tariff; None without a tariff for that time."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """Further figures for programs, such as a whole Pareto list."""

    @property
    def definition(self) -> FindingKind:
        """Its kind."""
        return known_kinds()[self.kind]

    @property
    def rank(self) -> tuple[int, float, float, str, str]:
        """Smallest first: by severity, then by the hours lost, then by the energy."""
        return ORDER[self.severity], -(self.hours or 0.0), -(self.kwh or 0.0), self.kind, self.subject

    def title(self, language: Language) -> str:
        """What it is, in a few words."""
        return self.definition.title.in_(language)

    def says(self, language: Language) -> str:
        """What was seen, with its numbers."""
        return self._filled(self.definition.says.in_(language))

    def to_do(self, language: Language) -> str:
        """What to do about it."""
        return self._filled(self.definition.do.in_(language))

    def assumes(self, language: Language) -> str:
        """What the numbers rest on; empty where on the data alone."""
        text = self.definition.assumes
        return "" if text is None else self._filled(text.in_(language))

    def scene(self, language: Language) -> str:
        """Number and name of the scene it calls for; empty where none fits."""
        text = self.definition.scene
        return "" if text is None else text.in_(language)

    def _filled(self, text: str) -> str:
        wanted = {name for _, name, _, _ in Formatter().parse(text) if name}
        return _singular(text.format(**{name: _shown(self.numbers[name]) for name in wanted}))


def _singular(text: str) -> str:
    """*text* with the English nouns of one thing; nothing else reads so, least of all Chinese."""
    return ONE.sub(lambda found: SINGULAR.get(found[1], f"1 {found[1].removesuffix('s')}"), text)


def _shown(number: Number) -> str:
    if isinstance(number, float):
        return f"{number:.0f}" if abs(number) >= 100 else f"{number:.1f}" if abs(number) >= 1 else f"{number:.2g}"
    return str(number)
