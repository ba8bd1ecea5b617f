"""Plants beside their like: where each stands among at least ten peers, and the kinds of plants that lack the same things."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from factory_kit.district.clusters import Cluster, clusters
from factory_kit.district.index import index
from factory_kit.district.office import Office
from factory_kit.district.statistics import LEAST_PEERS
from factory_kit.district.trial import model_at_hand
from factory_kit.i18n import Language
from factory_kit.model.definition import exact

__all__ = ["Among", "among_peers", "kinds", "node_name"]

FACTS = """
SELECT credit_code, site_no, name_zh, name_en, industry, division, size, CAST(score AS VARCHAR) FROM facts
WHERE campaign = ? AND model = ? ORDER BY credit_code, site_no
"""
PROFILES = """
SELECT f.credit_code || '-' || f.site_no, d.node, d.score FROM facts f JOIN domains d USING (number)
WHERE f.campaign = ? AND f.model = ? ORDER BY ALL
"""
CIRCLES = ("class and size", "division and size", "division", "all")
MOST_PLANTS = 2_000
"""Kinds are looked for among so many at most, drawn by a fixed seed: the work grows with the square."""
QUARTERS = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


@dataclass(frozen=True, slots=True)
class Among:
    """Where one plant stands among its peers: the closest circle with at least ten others."""

    credit_code: str
    site_no: str
    name: Mapping[str, str]
    kind: str
    score: str
    peers: int
    below: int
    quartiles: tuple[str, str, str]
    """Of the peers without the plant itself, values that occur, the lower of two."""


def among_peers(office: Office, model: str) -> tuple[Among, ...]:
    """Every plant that has ten peers, by code; the peers of each are in its class and size, else its division and size, and so on."""
    with index(office) as con:
        rows = con.execute(FACTS, [office.campaign().id, model]).fetchall()
    circles: dict[tuple[str, ...], list[tuple[Fraction, str]]] = {}
    for row in rows:
        for key in _circles(row):
            circles.setdefault(key, []).append((exact(row[-1]), row[-1]))
    for some in circles.values():
        some.sort()
    return tuple(found for row in rows if (found := _among(row, circles)))


def kinds(office: Office, model: str) -> tuple[Cluster, ...]:
    """Kinds of plants by the profile of their domains; empty when there are none that hold."""
    with index(office) as con:
        rows = con.execute(PROFILES, [office.campaign().id, model]).fetchall()
    profiles: dict[str, dict[str, float]] = {}
    for plant, node, score in rows:
        profiles.setdefault(plant, {})[node] = float(exact(score))
    some = sorted(profiles)
    if len(some) > MOST_PLANTS:
        some = sorted(random.Random(0).sample(some, MOST_PLANTS))  # noqa: S311 - no secret
    return clusters({plant: profiles[plant] for plant in some})


def node_name(model: str, node: str, language: Language) -> str:
    """The short label of *node* with its code; the code alone for a model that is not at hand."""
    found = model_at_hand(model)
    label = found.label(node, language) if found else node
    return node if label == node else f"{node} {label}"


def _circles(row: Sequence[Any]) -> Iterator[tuple[str, ...]]:
    *_, industry, division, size, _score = row
    yield "class and size", industry or "", size
    yield "division and size", division or "", size
    yield "division", division or ""
    yield ("all",)


def _among(row: Sequence[Any], circles: Mapping[tuple[str, ...], Sequence[tuple[Fraction, str]]]) -> Among | None:
    code, site, zh, en, *_, score = row
    for key in _circles(row):
        some = circles[key]
        if len(some) > LEAST_PEERS:
            own = bisect_left(some, (exact(score), ""))
            quartiles = tuple(_without(some, own, _place(part, len(some) - 1)) for part in QUARTERS)
            return Among(code, site, {"zh": zh, "en": en}, key[0], score, len(some) - 1, own, quartiles)  # type: ignore[arg-type] # three of them
    return None


def _place(part: Fraction, count: int) -> int:
    """Where the value stands that *part* of *count* values do not exceed, the lower of two."""
    return max(0, -int(-part * count // 1) - 1)


def _without(some: Sequence[tuple[Fraction, str]], own: int, at: int) -> str:
    return some[at if at < own else at + 1][1]
