"""Targets held against what the district has: bundles, registers, and nothing that is only said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from factory_kit.district.office import Office
from factory_kit.district.register import Registers
from factory_kit.model.definition import exact
from factory_kit.score import exact_text

__all__ = ["held_against", "transformed"]

Row = Mapping[str, str]
SCOPE = "coalesce(p.above_scale, 'yes') = 'yes' AND coalesce(p.until, '9999') >= $day AND coalesce(p.since, '') <= $day"
DIAGNOSED = f"""
SELECT count(*), count(*) FILTER (EXISTS (SELECT 1 FROM counted c WHERE c.credit_code = p.credit_code AND c.site_no = p.site_no
  AND NOT c.trial AND c.received <= $day || 'T23:59:59Z')) FROM plants p WHERE {SCOPE}
"""  # noqa: S608 - texts of our own
SME = """
SELECT count(*), count(*) FILTER (level >= $level) FROM (
  SELECT max(level) AS level FROM climbed
  WHERE starts_with(ladder, 'sme-digital@') AND NOT trial AND NOT ladder_trial AND campaign = $campaign AND received <= $day || 'T23:59:59Z'
  GROUP BY credit_code, site_no)
"""


def held_against(con: Any, office: Office, campaign: str, day: str) -> list[dict[str, Any]]:
    """Each target with what was counted for it by its due day (or by *day*, when that is earlier).

    ``actual`` is exact text, None where the figure is kept by hand or there is nothing to count from yet.
    """
    registers = office.registers()
    rule = office.campaign().transformed_by
    found = []
    for target in office.targets().targets:
        until = min(day, str(target.due))
        actual = _counted(con, registers, target.measure, campaign, until, rule)
        found.append(
            {
                "id": target.id, "due": str(target.due), "at_least": target.at_least, "up_to": target.up_to,
                "actual": None if actual is None else exact_text(actual), "counted_until": until,
                "reached": None if actual is None else actual >= exact(target.at_least),
                "source": target.source.title, "confidence": target.source.confidence,
            }
        )  # fmt: skip
    return found


def transformed(registers: Registers, until: str, steps: Sequence[str]) -> set[tuple[str, str]]:
    """Plants with a registered project and one of *steps* by *until*: the campaign's rule, since nothing published defines it."""
    projects = {row["project"] for row in registers.rows("projects") if row.get("registered", "9999") <= until}
    return {
        (row["credit_code"], row.get("site_no", "01"))
        for row in registers.rows("transformations")
        if row["step"] in steps and row["date"] <= until and row["project"] in projects
    }


def _counted(
    con: Any, registers: Registers, measure: str, campaign: str, until: str, steps: Sequence[str]
) -> Fraction | None:
    kind, _, which = measure.partition(":")
    in_scope, diagnosed = con.execute(DIAGNOSED, {"day": until}).fetchone()
    match kind:
        case "diagnosed":
            return Fraction(diagnosed)
        case "diagnosed_share":
            return Fraction(diagnosed, in_scope) if in_scope else None
        case "transformed":
            return Fraction(len(transformed(registers, until, steps)))
        case "transformed_share":
            return Fraction(len(transformed(registers, until, steps)), in_scope) if in_scope else None
        case "sme_share" | "sme_count":
            every, some = con.execute(SME, {"level": int(which), "campaign": campaign, "day": until}).fetchone()
            return (Fraction(some, every) if every else None) if kind == "sme_share" else Fraction(some)
        case _:
            return _rows(registers, kind, which, until)


def _rows(registers: Registers, kind: str, which: str, until: str) -> Fraction | None:
    if kind not in ROWS:
        return None
    register, fits = ROWS[kind]
    rows = registers.rows(register)
    return Fraction(sum(fits(row, which, until) for row in rows)) if rows else None


def _dated(field: str) -> Callable[[Row, str, str], bool]:
    return lambda row, which, until: row.get(field) == which and row["date"] <= until <= row.get("until", "9999")


def _valid(row: Row, _which: str, until: str) -> bool:
    return row.get("since", "") <= until <= row.get("until", "9999")


ROWS: Mapping[str, tuple[str, Callable[[Row, str, str], bool]]] = {
    "recognised": ("recognitions", _dated("subject")),
    "products": ("products", _dated("state")),
    "certificates": ("certificates", _dated("kind")),
    "providers": ("providers", _valid),
    "capabilities": ("capabilities", _valid),
    "projects": ("projects", lambda row, _which, until: row["registered"] <= until),
}
