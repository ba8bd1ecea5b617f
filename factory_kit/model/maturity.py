"""Maturity models: levels, tree, criteria, weights and rules of scoring as data, with the texts beside them.

A model edition is a folder ``assessments/models/<model>/<edition>/`` of ``model.yaml`` (structure, the same in every
language), ``text.zh.yaml`` and ``text.en.yaml`` (our own short labels), ``cases.yaml`` (worked examples,
``factory_kit.model.cases``) and, once somebody compared it with the standard, ``checks.yaml``. Scoring uses a small
fixed vocabulary of steps and no expressions, so that every step can be explained, tested and searched over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from factory_kit.model.definition import Definition, ExactNumber, Identifier, Language, LaxDate, Source, exact

__all__ = [
    "Band",
    "Bands",
    "Check",
    "Checks",
    "Code",
    "Criterion",
    "Edition",
    "EvidenceKind",
    "Gate",
    "LevelText",
    "MaturityModel",
    "Node",
    "RowConfidence",
    "Scoring",
    "Shown",
    "Status",
    "Step",
    "Structure",
    "Texts",
    "Weight",
    "WeightedMean",
    "Weights",
]

Code = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]
"""The permanent name of a node or criterion, as in ``MP4`` or ``MP4.3.a``; its meaning never moves without a new ``rev``."""

Edition = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]

Status = Literal["unverified", "verified"]
RowConfidence = Literal["A", "B", "C"]
"""How sure a row is: A matched by another text, B remembered exactly, C remembered vaguely. A check outranks all three."""

EvidenceKind = Literal["T", "S", "D", "I", "W"]
"""Best proof of a criterion: T telemetry, S system shown, D document, I interview, W walk-through."""

Sureness = Literal["verified", "secondary", "memory", "estimate", "own"]


class Weight(Definition):
    """The share of a node among its siblings for one plant type, and how sure it is."""

    share: ExactNumber
    confidence: Sureness


class Weights(Definition):
    """What holds for all weights of the model."""

    status: Status
    total: ExactNumber = "100"
    """Siblings add up to this."""
    margin: ExactNumber = "0"
    """A level score closer to its threshold than this could be moved across it by errors in unverified weights."""


class Node(Definition):
    """One node above the criteria: element, domain, subdomain, dimension, …; a parent stands before its children."""

    id: Code
    kind: Identifier
    parent: Code | None = None
    clause: str = ""
    weight: dict[Identifier, Weight]
    """By plant type; a node without a weight for a type is no part of the model for plants of that type."""
    trimmable: bool = False
    """Whether a plant that does not do this activity may leave the node out, with a reason agreed by the assessor."""


class Criterion(Definition):
    """One requirement: what is answered."""

    id: Code
    node: Code
    level: int = Field(ge=1, le=9)
    rev: int = Field(default=1, ge=1)
    """Counts changes of meaning under the same id."""
    clause: str = ""
    item: str = ""
    options: Identifier
    confidence: RowConfidence
    evidence: tuple[EvidenceKind, ...] = Field(min_length=1)


class WeightedMean(Definition):
    """Criteria of one level → mean per node → weighted means up the tree → one score per level."""

    step: Literal["weighted_mean"]
    empty_cell: Literal["renormalise", "inherit", "full"] = "renormalise"
    """A node that the model gives no criterion at a level: left out at that level, full where the level below is satisfied, or full."""


class Gate(Definition):
    """Level scores → satisfied or not → total: a satisfied level adds 1, the others their score."""

    step: Literal["gate"]
    at_least: ExactNumber
    stop: bool = True
    """Levels above the first unsatisfied one add nothing; the literal sum is given beside the total either way."""


class Band(Definition):
    """From this total on, this level."""

    at_least: ExactNumber
    level: int = Field(ge=1, le=9)


class Bands(Definition):
    """Total → level: the highest band whose lower end is reached; level 0 below all of them."""

    step: Literal["bands"]
    bands: tuple[Band, ...] = Field(min_length=1)


Step = Annotated[WeightedMean | Gate | Bands, Field(discriminator="step")]
"""The vocabulary. Another step is a class here, its place in ORDER, and a function in ``factory_kit.score``."""

ORDER: tuple[type[Definition], ...] = (WeightedMean, Gate, Bands)


class Shown(Definition):
    """How numbers of the score are shown; comparisons always use the exact value."""

    places: int = Field(default=2, ge=0, le=9)
    mode: Literal["down"] = "down"


class Scoring(Definition):
    """How answers become a level."""

    engine: Literal[1]
    """Version of the meaning of the steps; a changed meaning is a new number and the old one stays."""
    status: Status
    steps: tuple[Step, ...] = Field(min_length=1)
    shown: Shown = Shown()


class Structure(Definition):
    """``model.yaml``: everything about a model edition that no language changes."""

    form: Literal[1]
    model: Identifier
    edition: Edition
    status: Status
    """Of every criterion that ``checks.yaml`` does not name."""
    sources: tuple[Source, ...] = Field(min_length=1)
    types: tuple[Identifier, ...] = Field(min_length=1)
    """Plant types, each with its own weights."""
    levels: tuple[int, ...] = Field(min_length=1)
    options: dict[Identifier, tuple[ExactNumber, ...]]
    """Allowed values by name of the set, lowest first."""
    not_applicable: Literal["with_reason", "never"] = "with_reason"
    """Whether a single criterion may leave the mean."""
    places: dict[Identifier, tuple[Code, ...]] = Field(default_factory=dict)
    """Where in the plant the lowest nodes are asked about: a sheet each of the form on paper; it changes no answer."""
    weights: Weights
    scoring: Scoring
    nodes: tuple[Node, ...] = Field(min_length=1)
    criteria: tuple[Criterion, ...] = Field(min_length=1)


class LevelText(Definition):
    """How a level is called and what it means."""

    mark: str = Field(min_length=1)
    name: str = Field(min_length=1)
    meaning: str = ""


class Texts(Definition):
    """``text.<language>.yaml``: our own short labels; the standard's wording comes, if at all, as a licensed local overlay."""

    form: Literal[1]
    text: Language
    model: Identifier
    edition: Edition
    title: str = Field(min_length=1)
    standard: str = Field(min_length=1)
    """How the standard is cited."""
    licence_note: str = Field(min_length=1)
    types: dict[Identifier, str]
    levels: dict[str, LevelText]
    """By level number, with ``0`` for a plant below the lowest level."""
    confidences: dict[RowConfidence, str]
    evidence: dict[EvidenceKind, str]
    options: dict[Identifier, dict[str, str]]
    places: dict[Identifier, str] = Field(default_factory=dict)
    nodes: dict[Code, str]
    criteria: dict[Code, str]


class Check(Definition):
    """Somebody compared parts of the model with the standard itself."""

    what: tuple[str, ...] = Field(min_length=1)
    """Ids of criteria, ``weights`` or ``scoring``."""
    against: str = Field(min_length=1)
    by: str = Field(min_length=1)
    on: LaxDate


class Checks(Definition):
    """``checks.yaml``: what was verified; it stands apart so that verifying changes no content hash."""

    form: Literal[1]
    model: Identifier
    edition: Edition
    checks: tuple[Check, ...]


@dataclass(frozen=True, eq=False)
class MaturityModel:
    """A model edition as loaded: structure, texts of both languages, checks and the hash of its content.

    ``sha256`` covers what answers and scores mean (structure and Chinese text) and nothing that only says how sure or
    how sourced it is; ``factory_kit.load.maturity.content_hash`` computes it.
    """

    structure: Structure
    texts: Mapping[Language, Texts]
    sha256: str
    checks: tuple[Check, ...] = ()

    @property
    def id(self) -> str:
        """``model@edition``."""
        return f"{self.structure.model}@{self.structure.edition}"

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """Nodes by id, parents before children."""
        return {node.id: node for node in self.structure.nodes}

    @cached_property
    def criteria(self) -> Mapping[str, Criterion]:
        """Criteria by id, in the order of the model."""
        return {criterion.id: criterion for criterion in self.structure.criteria}

    @cached_property
    def children(self) -> Mapping[str | None, tuple[str, ...]]:
        """Ids of child nodes by the id of their parent; the topmost stand under None."""
        found: dict[str | None, list[str]] = {}
        for node in self.structure.nodes:
            found.setdefault(node.parent, []).append(node.id)
        return {parent: tuple(ids) for parent, ids in found.items()}

    @cached_property
    def options(self) -> Mapping[str, tuple[Fraction, ...]]:
        """Allowed values by name of the option set, lowest first."""
        return {name: tuple(exact(value) for value in values) for name, values in self.structure.options.items()}

    @cached_property
    def verified(self) -> frozenset[str]:
        """Ids of criteria, ``weights`` and ``scoring``, as far as they were compared with the standard."""
        named = {what for check in self.checks for what in check.what}
        if self.structure.status == "verified":
            named |= set(self.criteria)
        if self.structure.weights.status == "verified":
            named.add("weights")
        if self.structure.scoring.status == "verified":
            named.add("scoring")
        return frozenset(named)

    @property
    def status(self) -> Status:
        """Verified when every criterion, the weights and the rules of scoring are."""
        return "verified" if self.verified >= {*self.criteria, "weights", "scoring"} else "unverified"

    def confidence_counts(self) -> dict[str, int]:
        """Number of criteria by how sure they are: ``verified``, then ``A``, ``B``, ``C`` of those nobody checked."""
        counts = dict.fromkeys(("verified", "A", "B", "C"), 0)
        for criterion in self.structure.criteria:
            counts["verified" if criterion.id in self.verified else criterion.confidence] += 1
        return counts

    def level_name(self, level: int, language: Language) -> str:
        """Mark and name, 二级 规范级; once where they are the same, and the mark alone below the first level, where it says all."""
        text = self.texts[language].levels[str(level)]
        return f"{text.mark} {text.name}" if level and text.mark != text.name else text.mark

    def label(self, code: str, language: Language) -> str:
        """Our short label of a node or criterion; the id itself when there is none."""
        texts = self.texts[language]
        return texts.nodes.get(code) or texts.criteria.get(code) or code

    def citation(self, criterion_id: str, language: Language) -> str:
        """Where a criterion stands in the standard: title, clause, node, level, item."""
        criterion, texts = self.criteria[criterion_id], self.texts[language]
        level = texts.levels[str(criterion.level)].mark
        parts = (texts.standard, criterion.clause, texts.nodes[criterion.node], level, criterion.item)
        return ("，" if language == "zh" else ", ").join(part for part in parts if part)
