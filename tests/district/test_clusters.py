from __future__ import annotations

import random

from factory_kit.district.clusters import clusters

DOMAINS = ("PS", "TD", "RE", "MP3", "MP7", "ML")


def profiles(seed: int, *gaps: tuple[str, ...], each: int = 25) -> dict[str, dict[str, float]]:
    """Plants of as many kinds as there are *gaps*: each kind is low in its own domains."""
    chance = random.Random(seed)  # noqa: S311 - test data
    return {
        f"{kind}-{at:02d}": {domain: (0.2 if domain in low else 0.7) + chance.gauss(0, 0.05) for domain in DOMAINS}
        for kind, low in enumerate(gaps)
        for at in range(each)
    }


def test_kinds_of_plants_are_found_and_named_by_what_they_lack() -> None:
    """Three planted kinds come out whole, each under its own gaps."""
    found = clusters(profiles(1, ("TD", "RE"), ("ML", "MP7"), ("PS",)))

    assert {cluster.lacks for cluster in found} == {("RE", "TD"), ("ML", "MP7"), ("PS",)} or {
        frozenset(cluster.lacks) for cluster in found
    } == {frozenset({"TD", "RE"}), frozenset({"ML", "MP7"}), frozenset({"PS"})}
    assert all(len({plant[0] for plant in cluster.plants}) == 1 for cluster in found)
    assert [len(cluster.plants) for cluster in found] == [25, 25, 25]


def test_plants_without_kinds_are_not_grouped() -> None:
    """One cloud has no groups that hold under resampling: none are shown."""
    assert clusters(profiles(2, (), each=60)) == ()


def test_the_order_of_plants_changes_nothing() -> None:
    """The same profiles give the same groups."""
    planted = profiles(4, ("TD",), ("ML",), each=12)

    assert clusters(planted) == clusters(dict(reversed(planted.items())))


def test_few_plants_are_no_groups() -> None:
    """Fewer than ten plants in a group could be told apart."""
    assert clusters(profiles(5, ("TD",), ("ML",), each=9)) == ()
    assert clusters({}) == ()
