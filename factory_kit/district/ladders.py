"""Counting what stands beside the scores: tiers and SME levels, scenes, recognitions by document, data products by state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from factory_kit.district.register import Registers

__all__ = ["by_ladder", "products", "recognitions", "scenes"]

DIMENSIONS = ("street", "division", "size")
LADDERS = "SELECT DISTINCT ladder FROM climbed WHERE campaign = ? ORDER BY 1"
LEVELS = """
SELECT {keys}, level, count(*), count(*) FILTER (proven >= level), count(*) FILTER (at_best > level) FROM climbed
WHERE campaign = ? AND ladder = ? GROUP BY ALL ORDER BY ALL
"""
MARKS = "SELECT DISTINCT level, zh, en FROM climbed WHERE campaign = ? AND ladder = ? AND zh <> '' ORDER BY ALL"
SCENES = """
SELECT s.scene, count(DISTINCT (c.credit_code, c.site_no)) FROM scenes s JOIN counted c USING (number)
WHERE c.campaign = ? GROUP BY ALL ORDER BY ALL
"""
Row = Mapping[str, str]


def by_ladder(con: Any, campaign: str) -> dict[str, Any]:
    """By ladder how many plants are at which level: the computed one, of it what evidence proves, and who could be higher."""
    found = {}
    for (ladder,) in con.execute(LADDERS, [campaign]).fetchall():
        marks = con.execute(MARKS, [campaign, ladder]).fetchall()
        found[ladder] = {
            "marks": {str(level): {"zh": zh, "en": en} for level, zh, en in marks},
            "all": _levels(con, campaign, ladder, "'*'"),
            **{f"by_{key}": _levels(con, campaign, ladder, key) for key in DIMENSIONS},
        }
    return found


def scenes(con: Any, campaign: str) -> list[dict[str, Any]]:
    """How many plants have built each typical scene, by what they answered."""
    return [{"scene": scene, "plants": plants} for scene, plants in con.execute(SCENES, [campaign]).fetchall()]


def recognitions(registers: Registers, day: str) -> list[dict[str, Any]]:
    """Documents in force on *day* by subject and scene: how many, and of how many plants; never computed from scores."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in registers.rows("recognitions"):
        if row["date"] <= day <= row.get("until", "9999"):
            groups.setdefault((row["subject"], row.get("scene", "")), []).append(row)
    return [
        {"subject": subject, "scene": scene, "n": len(rows), "plants": len({_plant(row) for row in rows})}
        for (subject, scene), rows in sorted(groups.items())
    ]


def products(registers: Registers, day: str) -> dict[str, Any]:
    """Data products on *day* by state, 已登记 and 已挂牌 apart, and of how many firms; withdrawn and lapsed ones in neither."""
    rows = [row for row in registers.rows("products") if row["date"] <= day <= row.get("until", "9999")]
    found = {}
    for state in ("registered", "listed"):
        some = [row for row in rows if row["state"] == state]
        found[state] = {"n": len(some), "firms": len({row["credit_code"] for row in some})}
    return found


def _levels(con: Any, campaign: str, ladder: str, key: str) -> list[dict[str, Any]]:
    rows: Sequence[tuple[Any, ...]] = con.execute(
        LEVELS.format(keys=f"coalesce({key}, '')"), [campaign, ladder]
    ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for name, level, count, proven, higher in rows:
        group = found.setdefault(name, {"key": name, "n": 0, "levels": {}, "proven": {}, "could_be_higher": 0})
        group["n"] += count
        group["levels"][str(level)] = count
        group["proven"][str(level)] = proven
        group["could_be_higher"] += higher
    return list(found.values())


def _plant(row: Row) -> tuple[str, str]:
    return row["credit_code"], row.get("site_no", "01")
