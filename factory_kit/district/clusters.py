"""Groups of plants with the same kind of gaps: by the profile of their domains, named by what they lack, or not shown at all."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

__all__ = ["Cluster", "clusters"]

MOST = 6
LEAST_PLANTS = 10
"""In a group; fewer are no group, and could be told apart."""
RESAMPLES = 8
STABLE = 0.75
"""Mean agreement (adjusted Rand index) of groupings of resampled plants, at least; below it the groups are chance."""
GOOD = 0.15
"""Silhouette of the grouping, at least."""
LACKS = 3
NOTICEABLE = 0.05


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group: how many plants, and the domains in which it lies furthest below the district's mean, worst first."""

    plants: tuple[str, ...]
    lacks: tuple[str, ...]
    """Empty for a group that lacks nothing noticeable."""
    profile: Mapping[str, float]


def clusters(profiles: Mapping[str, Mapping[str, float]], seed: int = 0) -> tuple[Cluster, ...]:
    """Groups of *profiles* (by plant its domains from 0 to 1), largest first; empty when there are none that hold.

    The same profiles and seed give the same groups. A number of groups is taken only when resampled plants fall into the same
    groups again, every group has ten plants, and the groups lie apart.
    """
    plants = sorted(profiles)
    domains = sorted(set.intersection(*(set(profiles[plant]) for plant in plants))) if plants else []
    if len(plants) < 2 * LEAST_PLANTS or not domains:
        return ()
    matrix = [[profiles[plant][domain] for domain in domains] for plant in plants]
    best: tuple[float, Sequence[int]] | None = None
    for count in range(2, MOST + 1):
        labels = _labels(matrix, count)
        if min(labels.count(each) for each in range(count)) < LEAST_PLANTS:
            continue
        apart = _apart(matrix, labels)
        if apart >= GOOD and (best is None or apart > best[0]) and _stability(matrix, count, seed) >= STABLE:
            best = apart, labels
    return _described(plants, domains, matrix, best[1]) if best else ()


def _labels(matrix: Sequence[Sequence[float]], count: int) -> list[int]:
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415 - heavy, only here

    found: Any = AgglomerativeClustering(count).fit_predict(matrix)  # Ward's: no chance in it, and no threads
    return [int(each) for each in found]


def _apart(matrix: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - heavy, only here

    return float(silhouette_score(matrix, labels))


def _stability(matrix: Sequence[Sequence[float]], count: int, seed: int) -> float:
    """How far groupings of random four fifths agree on the plants they share."""
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - heavy, only here

    chance = random.Random(seed)  # noqa: S311 - no secret
    groupings = []
    for _ in range(RESAMPLES):
        some = sorted(chance.sample(range(len(matrix)), len(matrix) * 4 // 5))
        groupings.append(dict(zip(some, _labels([matrix[at] for at in some], count), strict=True)))
    scores = []
    for first, second in combinations(groupings, 2):
        both = sorted(first.keys() & second.keys())
        scores.append(adjusted_rand_score([first[at] for at in both], [second[at] for at in both]))
    return fmean(scores)


def _described(
    plants: Sequence[str], domains: Sequence[str], matrix: Sequence[Sequence[float]], labels: Sequence[int]
) -> tuple[Cluster, ...]:
    usual = [fmean(column) for column in zip(*matrix, strict=True)]
    found = []
    for label in sorted(set(labels)):
        own = [at for at, each in enumerate(labels) if each == label]
        profile = [fmean(matrix[at][column] for at in own) for column in range(len(domains))]
        gaps = sorted((mean - whole, domain) for mean, whole, domain in zip(profile, usual, domains, strict=True))
        lacks = tuple(domain for gap, domain in gaps[:LACKS] if gap < -NOTICEABLE)
        named = {domain: round(value, 4) for domain, value in zip(domains, profile, strict=True)}
        found.append(Cluster(tuple(plants[at] for at in own), lacks, named))
    return tuple(sorted(found, key=lambda each: (-len(each.plants), each.plants)))
