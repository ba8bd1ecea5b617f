"""One dimension of a publication: its protected table with medians and sums, made beside earlier releases, and kept in secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from factory_kit.district.beside import shares, with_medians
from factory_kit.district.disclosure import Rules, protect
from factory_kit.district.proof import Fact, Safe
from factory_kit.district.sums import SafeSums, protect_sums
from factory_kit.model.definition import exact
from factory_kit.score import exact_text

__all__ = ["MEASURES", "Given", "Place", "given", "kept", "read"]

MEASURES = ("output_10k", "energy_tce", "mu")


@dataclass(frozen=True)
class Place:
    """One counted plant: where it stands, its score, and its amounts by measure, empty unless all are known."""

    plant: str
    firm: str
    row: str
    level: int
    total: str
    amounts: Mapping[str, Fraction]


@dataclass(frozen=True)
class Given:
    """What may be given out of one dimension; medians by merged row."""

    table: Safe
    medians: Mapping[str, str]
    sums: Mapping[str, SafeSums]

    def shares(self, rules: Rules) -> tuple[tuple[Fraction | None, ...], ...]:
        """The shares beside the table, None where they are not shown."""
        return shares(self.table, rules)

    def per_mu(self, measure: str, row: int | None) -> Fraction | None:
        """The quotient of two sums of *row* (None: of all), where both are shown."""
        over, under = self.sum_of(measure, row), self.sum_of("mu", row)
        return over / under if over is not None and under else None

    def sum_of(self, measure: str, row: int | None) -> Fraction | None:
        """The sum of *row* (None: of all), None where it is not shown."""
        sums = self.sums[measure]
        return sums.total if row is None else sums.values[row]


def given(places: Sequence[Place], rules: Rules, earlier: Sequence[Given] = ()) -> Given:
    """What may be given out of *places* after the releases *earlier*; ``Withheld`` when there is no safe table."""
    before = [each.table for each in earlier]
    table = protect({each.plant: (each.row, each.level) for each in places}, rules, before)
    scores = {each.plant: each.total for each in places}
    found = with_medians(table, {plant: exact(total) for plant, total in scores.items()}, rules, before)
    medians = {"+".join(table.rows[at]): scores[plant] for at, plant in found.medians.items()}
    sums = {}
    for measure in MEASURES:
        amounts = {each.plant: (each.row, each.firm, each.amounts[measure]) for each in places if each.amounts}
        old = [each.sums[measure] for each in earlier if measure in each.sums]
        sums[measure] = protect_sums(amounts, table.rows, rules, old)
    return Given(found.table, medians, sums)


def kept(part: Given) -> dict[str, Any]:
    """*part* as plain data for the secret record of a release."""
    table = part.table
    return {
        "rows": [list(row) for row in table.rows], "columns": [list(column) for column in table.columns],
        "cells": [list(row) for row in table.cells], "row_totals": list(table.row_totals),
        "column_totals": list(table.column_totals), "secret": {plant: list(place) for plant, place in table.secret.items()},
        "facts": [[fact.row, list(fact.columns), fact.lowest, fact.highest] for fact in table.facts],
        "medians": dict(part.medians),
        "sums": {
            measure: {
                "values": [_text(value) for value in sums.values], "total": _text(sums.total),
                "secret": {plant: [name, firm, exact_text(amount)] for plant, (name, firm, amount) in sums.secret.items()},
            }
            for measure, sums in part.sums.items()
        },
    }  # fmt: skip


def read(content: Mapping[str, Any]) -> Given:
    """What ``kept`` wrote; releases from before sums were given out have none."""
    rows = tuple(tuple(row) for row in content["rows"])
    table = Safe(
        rows, tuple(tuple(column) for column in content["columns"]), tuple(tuple(row) for row in content["cells"]),
        tuple(content["row_totals"]), tuple(content["column_totals"]), {},
        {plant: (name, level) for plant, (name, level) in content["secret"].items()},
        tuple(Fact(row, tuple(columns), low, high) for row, columns, low, high in content.get("facts", ())),
    )  # fmt: skip
    sums = {
        measure: SafeSums(
            rows,
            tuple(_number(value) for value in each["values"]),
            _number(each["total"]),
            {plant: (name, firm, exact(amount)) for plant, (name, firm, amount) in each["secret"].items()},
        )
        for measure, each in content.get("sums", {}).items()
    }
    return Given(table, content.get("medians", {}), sums)


def _text(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else exact(text)
