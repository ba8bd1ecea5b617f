from __future__ import annotations

import random

from factory_kit.district.consistency import (
    Scored,
    Visit,
    bunched,
    differences,
    draw,
    flags,
    same_answers,
    same_documents,
    short_visits,
)

PROVIDERS = [f"provider {at:02d}" for at in range(12)]
SEEDS = 200


def reassessed(seed: int, inflating: float, each: int = 4) -> list[tuple[str, float, float]]:
    """Pairs of first and second totals: people differ by 0.2 each time, the first provider adds *inflating* to its own."""
    chance = random.Random(seed)  # noqa: S311 - test data
    pairs = []
    for provider in PROVIDERS:
        for _ in range(each):
            real = chance.uniform(0.5, 4)
            first = real + chance.gauss(0, 0.2) + (inflating if provider == PROVIDERS[0] else 0)
            pairs.append((provider, first, real + chance.gauss(0, 0.2)))
    return pairs


def test_half_a_level_is_found_with_four_plants_each() -> None:
    """Over 200 seeds the inflating provider is flagged in at least 85 %, and at most 5 % of the honest ones ever are."""
    found = false = honest = 0
    for seed in range(SEEDS):
        flagged = {flag.provider for flag in flags(differences(reassessed(seed, 0.5)))}
        found += PROVIDERS[0] in flagged
        false += len(flagged - {PROVIDERS[0]})
        honest += len(list(flags(differences(reassessed(seed, 0.0)))))

    assert found >= 0.85 * SEEDS
    assert false <= 0.05 * SEEDS * (len(PROVIDERS) - 1)
    assert honest <= 0.05 * SEEDS * len(PROVIDERS)


def test_the_interval_holds_what_is_true() -> None:
    """In about 95 % of the runs the interval of the inflating provider holds half a level."""
    held = 0
    for seed in range(SEEDS):
        own = differences(reassessed(seed, 0.5))[0]
        held += own.lowest <= 0.5 <= own.highest
    assert held >= 0.90 * SEEDS


def test_a_flag_says_what_was_seen_and_accuses_nobody() -> None:
    """Figures with their interval stand in the sentence."""
    (flag,) = flags(differences(reassessed(1, 1.0)))

    assert flag.text().startswith("4 plants came out ")
    assert "talk about how they were rated" in flag.text()


def assessed(count: int = 10) -> list[Scored]:
    """Plants of three providers, every third close above a threshold."""
    return [
        Scored(f"plant {at}", PROVIDERS[at % 3], 1.85 if at % 3 == 0 else 2.3, 2.8, 1.8, f"answers {at}", receipt=at)
        for at in range(count * 3)
    ]


def test_the_same_seed_draws_the_same_plants() -> None:
    """Whatever the order of the assessments; another seed draws others; every provider has its share."""
    drawn = draw(assessed(), 4, seed=1)

    assert drawn == draw(list(reversed(assessed())), 4, seed=1)
    assert drawn != draw(assessed(), 4, seed=2)
    assert [sum(item.provider == provider for item in drawn) for provider in PROVIDERS[:3]] == [4, 4, 4]


def test_half_of_those_drawn_lie_close_above_a_threshold() -> None:
    """A provider with plants of both kinds is drawn from both."""
    mixed = [Scored(f"p{at}", "one", 1.85 if at < 20 else 2.3, 2.8, 1.8) for at in range(40)]

    assert sum(item.total < 2 for item in draw(mixed, 6, seed=1)) == 3


def test_identical_answers_are_found() -> None:
    """Two plants of one provider with one answer sheet; two providers with the same sheet are no flag of this kind."""
    items = [
        Scored("a", "one", 1.0, answers="x", receipt=1),
        Scored("b", "one", 1.0, answers="x", receipt=2),
        Scored("c", "two", 1.0, answers="x", receipt=3),
    ]
    (flag,) = same_answers(items)

    assert (flag.provider, flag.details["receipts"]) == ("one", "1, 2")


def test_one_document_in_several_plants_is_found() -> None:
    """Across providers too, and not when it is twice the same plant."""
    both = frozenset({"d" * 16})
    items = [Scored("a", "one", 1.0, documents=both, receipt=1), Scored("b", "two", 1.0, documents=both, receipt=2)]
    (flag,) = same_documents(items)

    assert flag.details["count"] == 2
    assert not list(same_documents([items[0], Scored("a", "one", 1.0, documents=both)]))


def test_bunching_above_thresholds_is_found_and_chance_is_not() -> None:
    """Twenty just above and one just below is a flag; over 200 seeds of honest providers at most 5 % have one."""
    above = [Scored(f"a{at}", "one", 1.83, 2.8, 1.8) for at in range(20)]
    (flag,) = bunched([*above, Scored("b", "one", 1.75, 1.8, 0.8)])
    assert flag.details == {"above": 20, "below": 1}

    wrong = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)  # noqa: S311 - test data
        totals = [(PROVIDERS[at % 12], chance.uniform(0.8, 4.8)) for at in range(600)]
        items = [
            Scored(f"p{at}", provider, total, int(total + 0.2) + 0.8, int(total + 0.2) - 0.2)
            for at, (provider, total) in enumerate(totals)
        ]
        wrong += bool(list(bunched(items)))
    assert wrong <= 0.05 * SEEDS


def test_short_visits_are_found_and_ordinary_ones_are_not() -> None:
    """One day where others stay three is asked about in every run; over 200 seeds at most 5 % of honest providers are, and never without figures to compare."""
    found = wrong = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)  # noqa: S311 - test data
        visits = [
            Visit(provider, chance.choice(("medium", "small")), chance.choices((1, 2, 3, 4), (1, 3, 4, 2))[0])
            for provider in PROVIDERS[1:]
            for _ in range(8)
        ]
        flagged = {
            flag.provider for flag in short_visits([*visits, *(Visit(PROVIDERS[0], "small", 1) for _ in range(8))])
        }
        found += PROVIDERS[0] in flagged
        wrong += len(flagged - {PROVIDERS[0]})

    assert found == SEEDS
    assert wrong <= 0.05 * SEEDS * (len(PROVIDERS) - 1)
    assert not list(short_visits([Visit("one", "small", 1)] * 9))
