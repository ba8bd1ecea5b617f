"""What differs between two editions of a maturity model, and which change of meaning lacks its new ``rev``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from factory_kit.model.maturity import Criterion, MaturityModel

__all__ = ["Change", "ChangeKind", "model_changes"]

ChangeKind = Literal["added", "removed", "moved", "reworded", "options", "weight", "rule"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: of a criterion, of a node's weights, or of the rules of scoring (``id`` is then ``scoring``)."""

    kind: ChangeKind
    id: str
    old: str
    new: str
    silent: bool = False
    """A criterion means something else under the same id and ``rev``: old answers would be read wrongly."""


def model_changes(old: MaturityModel, new: MaturityModel) -> tuple[Change, ...]:
    """Every difference that touches what answers or scores mean: rules, weights, then criteria in the order of the editions.

    Labels are compared in Chinese, which is what the content hash covers.
    """
    return (*_rules(old, new), *_weights(old, new), *_criteria(old, new))


def _rules(old: MaturityModel, new: MaturityModel) -> Iterator[Change]:
    before, after = (model.structure.scoring for model in (old, new))
    if (before.engine, before.steps) != (after.engine, after.steps):
        yield Change("rule", "scoring", _steps(old), _steps(new))


def _steps(model: MaturityModel) -> str:
    return "; ".join(
        " ".join(f"{name}={value}" for name, value in step.model_dump(mode="json").items())
        for step in model.structure.scoring.steps
    )


def _weights(old: MaturityModel, new: MaturityModel) -> Iterator[Change]:
    for name in dict.fromkeys((*old.nodes, *new.nodes)):
        before, after = (_shares(model, name) for model in (old, new))
        if before != after:
            yield Change("weight", name, before, after)


def _shares(model: MaturityModel, node: str) -> str:
    found = model.nodes.get(node)
    return ", ".join(f"{kind} {weight.share}" for kind, weight in sorted(found.weight.items())) if found else ""


def _criteria(old: MaturityModel, new: MaturityModel) -> Iterator[Change]:
    for name in dict.fromkeys((*old.criteria, *new.criteria)):
        before, after = old.criteria.get(name), new.criteria.get(name)
        if before is None:
            yield Change("added", name, "", new.label(name, "zh"))
        elif after is None:
            yield Change("removed", name, old.label(name, "zh"), "")
        else:
            yield from _criterion(old, new, before, after)


def _criterion(old: MaturityModel, new: MaturityModel, before: Criterion, after: Criterion) -> Iterator[Change]:
    silent = after.rev <= before.rev
    pairs: tuple[tuple[ChangeKind, str, str], ...] = (
        ("moved", f"{before.node} {before.level}", f"{after.node} {after.level}"),
        ("reworded", old.label(before.id, "zh"), new.label(after.id, "zh")),
        ("options", _values(old, before), _values(new, after)),
    )
    for kind, was, now in pairs:
        if was != now:
            yield Change(kind, before.id, was, now, silent)


def _values(model: MaturityModel, criterion: Criterion) -> str:
    return " ".join(model.structure.options[criterion.options])
