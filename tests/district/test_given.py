from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

from factory_kit.district.disclosure import Rules
from factory_kit.district.given import MEASURES, Given, Place, given, kept, read
from factory_kit.district.proof import Safe
from factory_kit.district.sums import SafeSums
from factory_kit.seal.canonical import canonical

RULES = Rules()


def places(giant: bool = True) -> list[Place]:
    """Forty plants in four streets, levels mixed; in street A one firm consumes more than all others there."""
    found = []
    for at in range(40):
        amount = 9000 if giant and at == 0 else 100 + at
        amounts = dict(zip(MEASURES, (Fraction(1000 + at), Fraction(amount), Fraction(20)), strict=True))
        total = f"{(at * 7) % 30 / 10:.1f}"
        found.append(
            Place(
                f"p{at}",
                f"f{at}",
                "ABCD"[at % 4],
                int(float(total)),
                total,
                amounts if at % 10 else {} if at else amounts,
            )
        )
    return found  # fmt: skip


def test_a_street_with_a_giant_shows_its_plants_and_not_their_sum() -> None:
    """Counts stay, the sum of energy goes with a partner and with the quotients; other sums of the same plants stay."""
    part = given(places(), RULES)
    street = part.table.rows.index(("A",))

    assert part.table.row_totals[street] == 10
    assert part.sum_of("energy_tce", street) is None
    assert part.per_mu("energy_tce", street) is None
    assert part.sums["energy_tce"].hidden >= 2
    assert part.sum_of("output_10k", street) == sum(
        each.amounts["output_10k"] for each in places() if each.row == "A" and each.amounts
    )
    assert given(places(giant=False), RULES).sums["energy_tce"].hidden == 0


def test_what_is_kept_of_a_release_is_what_was_given() -> None:
    """Written and read again it is the same, facts, medians and secrets included, so the next release is held against all of it."""
    part = given(places(), RULES)
    again = read(json.loads(canonical(kept(part))))

    assert again == replace(part, table=replace(part.table, ranges={}))
    assert again.table.facts
    assert again.sums["energy_tce"].secret


def test_a_later_release_is_held_against_what_was_kept() -> None:
    """One more giant among the same plants: the total of energy is gone, the table that may be shown is still there."""
    plants = places(giant=False)
    first = read(json.loads(canonical(kept(given(plants, RULES)))))
    grown = [replace(plants[1], amounts={**plants[1].amounts, "energy_tce": Fraction(50_000)})]
    later = given([plants[0], *grown, *plants[2:]], RULES, [first])

    assert later.table.cells == first.table.cells
    assert later.sums["energy_tce"].total is None
    assert later.sums["output_10k"].values == first.sums["output_10k"].values


def test_a_quotient_stands_where_both_sums_are_shown() -> None:
    """Of a street as of all; hidden is hidden above and below the line, and by nothing nobody divides."""
    streets = (("a",), ("b",), ("c",), ("d",))
    energy = SafeSums(streets, (Fraction(30), Fraction(4), None, Fraction(5)), Fraction(60), {})
    land = SafeSums(streets, (Fraction(20), None, Fraction(6), Fraction(0)), Fraction(40), {})
    part = Given(Safe(streets, ((0,),), (), (), ()), {}, {"energy_tce": energy, "mu": land})

    quotients = [part.per_mu("energy_tce", row) for row in (None, 0, 1, 2, 3)]
    assert quotients == [Fraction(3, 2), Fraction(3, 2), None, None, None]
    assert part.sum_of("energy_tce", None) == 60
    assert part.sum_of("energy_tce", 0) == 30
    assert part.sum_of("mu", 1) is None


def test_medians_are_the_scores_of_their_rows() -> None:
    """As they were given, by the names that stand in the row; plants whose amounts are not known count all the same."""
    part = given(places(), RULES)
    own = {street: sorted(float(each.total) for each in places() if each.row == street) for street in "ABCD"}

    assert part.medians
    assert part.medians == {street: f"{own[street][4]:.1f}" for street in part.medians}
    assert len(part.sums["mu"].secret) == sum(bool(each.amounts) for each in places()) < len(places())


def test_a_release_from_before_sums_binds_the_table_alone() -> None:
    """What its record does not say was not given out."""
    old = {key: value for key, value in kept(given(places(), RULES)).items() if key not in {"facts", "medians", "sums"}}
    first = read(old)

    assert (first.table.facts, first.medians, first.sums) == ((), {}, {})
    assert given(places(), RULES, [first]).sums == given(places(), RULES).sums
