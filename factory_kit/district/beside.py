"""What stands beside a protected table: shares and medians, given out only where the table stays safe with them.

A share in per cent is the cell again, so it is shown only where the cell is, and from ten plants up. A median says how many
plants of its row are at its level or below, and at it or above; where that narrows a hidden cell too far, it is left out.

Pure: no files, no clock, exact numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from factory_kit.district.disclosure import Rules
from factory_kit.district.proof import Fact, Safe, narrowest

__all__ = ["Beside", "share_facts", "shares", "with_medians"]

Totals = Mapping[str, Fraction]
"""By plant its score."""
TENTH = Fraction(1, 1000)
"""Shares are printed to a tenth of a per cent."""


@dataclass(frozen=True)
class Beside:
    """A table with what is printed beside it; ``table.facts`` is what that says about its cells."""

    table: Safe
    medians: Mapping[int, str]
    """By row the plant whose score is the median; rows without are not shown."""


def shares(table: Safe, rules: Rules) -> tuple[tuple[Fraction | None, ...], ...]:
    """The part of its row that each shown cell is; None where the cell is hidden or the row has too few plants."""
    return tuple(
        tuple(None if cell is None or total < rules.shares else Fraction(cell, total) for cell in row)
        for row, total in zip(table.cells, table.row_totals, strict=True)
    )


def share_facts(table: Safe, printed: Sequence[Sequence[Fraction | None]]) -> tuple[Fact, ...]:
    """What the *printed* shares, rounded to a tenth of a per cent, say about cells; an auditor takes them for what they are."""
    found = []
    for at, row in enumerate(printed):
        total = table.row_totals[at]
        for column, share in enumerate(row):
            if share is not None:
                shown = round(share / TENTH) * TENTH
                low, high = (shown - TENTH / 2) * total, (shown + TENTH / 2) * total
                found.append(Fact(at, (column,), ceil(low), floor(high)))
    return tuple(found)


def with_medians(table: Safe, totals: Totals, rules: Rules, earlier: Sequence[Safe] = ()) -> Beside:
    """*table* with shares, and medians wherever linear programs find every hidden cell of every release as safe as before."""
    printed = share_facts(table, shares(table, rules))
    medians = {at: plant for at in range(len(table.rows)) if (plant := _median(table, at, totals, rules))}
    while True:
        facts = {at: _about_levels(table, at, plant) for at, plant in medians.items()}
        full = replace(table, facts=(*printed, *(fact for some in facts.values() for fact in some)))
        narrow = narrowest(full, rules.counts, earlier) if medians else None
        if narrow is None:
            return Beside(full, medians)
        number, row, _ = narrow
        guilty = [row] if number == len(earlier) and row in medians else list(medians)
        medians = {at: plant for at, plant in medians.items() if at not in guilty}


def _median(table: Safe, at: int, totals: Totals, rules: Rules) -> str | None:
    """The plant with the median score of row *at*, the lower of two, when the row has enough plants."""
    names = set(table.rows[at])
    some = sorted((totals[plant], plant) for plant, (name, _) in table.secret.items() if name in names)
    return some[(len(some) - 1) // 2][1] if len(some) >= rules.scores else None


def _about_levels(table: Safe, at: int, plant: str) -> list[Fact]:
    """How many plants are at the level of the median or below, and at it or above, as far as that is so in truth."""
    names, level, total = set(table.rows[at]), table.secret[plant][1], table.row_totals[at]
    levels = [own for name, own in table.secret.values() if name in names]
    middle = (len(levels) - 1) // 2
    below = tuple(number for number, column in enumerate(table.columns) if min(column) <= level)
    above = tuple(number for number, column in enumerate(table.columns) if max(column) >= level)
    sides = (
        (below, sum(own <= level for own in levels), middle + 1),
        (above, sum(own >= level for own in levels), len(levels) - middle),
    )
    return [Fact(at, columns, least, total) for columns, so, least in sides if so >= least]
