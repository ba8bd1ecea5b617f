"""What a district counts: only whole numbers and exact texts, in a fixed order, so that the same receipts give the same bytes.

Never averaged over models; how many were assessed stands beside every figure; a plant not assessed is not at level 0. Medians
and quartiles are those of values that occur (the lower one of two), so no rounding enters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from factory_kit.district.index import index, units_of_plants
from factory_kit.district.ladders import by_ladder, products, recognitions, scenes
from factory_kit.district.office import Office
from factory_kit.district.targets import held_against
from factory_kit.model.definition import exact
from factory_kit.seal.canonical import canonical

__all__ = [
    "DIMENSIONS",
    "LEAST_PEERS",
    "models_counted",
    "near_next",
    "not_assessed",
    "peers",
    "statistics",
    "statistics_bytes",
    "weakest",
]

DIMENSIONS = ("street", "division", "size", "type", "provider")
LEAST_PEERS = 10
"""Fewer plants than this are nobody's peers: they could be told apart."""
NEAR = "0.05"
WEAKEST = 3

FIGURES = """
SELECT {keys}, level, count(*) AS n, count(*) FILTER (outcome = 'accepted late') AS late FROM {source} GROUP BY ALL
"""
QUARTILES = """
SELECT {keys}, count(*), CAST(quantile_disc(score, 0.25) AS VARCHAR), CAST(quantile_disc(score, 0.5) AS VARCHAR),
       CAST(quantile_disc(score, 0.75) AS VARCHAR) FROM {source} GROUP BY ALL ORDER BY ALL
"""
DOMAINS = """
SELECT f.division, d.node, count(*), CAST(quantile_disc(CAST(d.score AS DECIMAL(9,4)), 0.5) AS VARCHAR)
FROM facts f JOIN domains d USING (number) WHERE f.campaign = ? AND f.model = ? GROUP BY ALL ORDER BY ALL
"""
MOVEMENT = """
SELECT a.level, b.level, count(*) FROM facts a JOIN facts b USING (credit_code, site_no, model)
WHERE a.campaign = ? AND b.campaign = ? AND a.model = ? GROUP BY ALL ORDER BY ALL
"""
NEWCOMERS = """
SELECT count(*) FROM facts b WHERE b.campaign = ? AND b.model = ? AND NOT EXISTS (
  SELECT 1 FROM facts a WHERE a.campaign = ? AND a.model = b.model AND a.credit_code = b.credit_code AND a.site_no = b.site_no)
"""
COVERAGE = """
SELECT u.unit, count(*), count(*) FILTER (NOT f.trial), count(DISTINCT p.credit_code),
       count(DISTINCT f.credit_code) FILTER (NOT f.trial), count(*) FILTER (f.outcome = 'accepted late' AND NOT f.trial),
       count(*) FILTER (f.trial)
FROM {units} u JOIN plants p USING (credit_code, site_no)
LEFT JOIN (SELECT * FROM facts WHERE campaign = ? QUALIFY row_number() OVER (PARTITION BY credit_code, site_no ORDER BY trial, number) = 1) f
  USING (credit_code, site_no)
WHERE coalesce(p.above_scale, 'yes') = 'yes' AND coalesce(p.until, '9999') >= ? AND coalesce(p.since, '') <= ?
GROUP BY ALL ORDER BY ALL
"""
EVERYWHERE = "(SELECT credit_code, site_no, '*' AS unit FROM plants)"
MISSING = """
SELECT coalesce(p.street, ''), p.credit_code, p.site_no, p.name,
       EXISTS (SELECT 1 FROM counted t WHERE t.campaign = $campaign AND t.trial AND t.credit_code = p.credit_code AND t.site_no = p.site_no)
FROM plants p
WHERE coalesce(p.above_scale, 'yes') = 'yes' AND coalesce(p.until, '9999') >= $day AND coalesce(p.since, '') <= $day
  AND NOT EXISTS (
    SELECT 1 FROM counted c WHERE c.campaign = $campaign AND NOT c.trial AND c.credit_code = p.credit_code AND c.site_no = p.site_no)
ORDER BY ALL
"""
SCORES = """
SELECT credit_code, site_no, name_zh, level, total, next_at, number FROM facts WHERE campaign = ? AND model = ? ORDER BY number
"""
PER_MU = """
SELECT {key}, count(*), CAST(sum(output_10k) AS VARCHAR), CAST(sum(energy_tce) AS VARCHAR), CAST(sum(mu) AS VARCHAR)
FROM facts WHERE campaign = ? AND model = ? AND mu > 0 AND output_10k IS NOT NULL AND energy_tce IS NOT NULL GROUP BY ALL ORDER BY ALL
"""
PEERS = """
SELECT count(*), count(*) FILTER (score < ?), CAST(quantile_disc(score, 0.25) AS VARCHAR),
       CAST(quantile_disc(score, 0.5) AS VARCHAR), CAST(quantile_disc(score, 0.75) AS VARCHAR)
FROM facts WHERE campaign = ? AND model = ? AND NOT (credit_code = ? AND site_no = ?) AND {same}
"""
RECEIVED = "SELECT outcome, count(*) FROM receipts WHERE campaign = ? GROUP BY ALL ORDER BY ALL"


def statistics_bytes(office: Office) -> bytes:
    """The canonical bytes of ``statistics``."""
    return canonical(statistics(office), "statistics")


def statistics(office: Office, campaign: str = "") -> dict[str, Any]:
    """Everything the district counts of *campaign* (by default the one in force), for inside use: nothing is hidden."""
    wanted = campaign or office.campaign().id
    with index(office) as con:
        number, hash_, last = con.execute(
            "SELECT coalesce(max(number), 0), coalesce(max_by(hash, number), ''), coalesce(max(received), '') FROM receipts"
        ).fetchone()
        day = last[:10] or "2000-01-01"
        models = _models(con, wanted)
        return {
            "form": 1,
            "campaign": wanted,
            "cutoff": {"receipt": number, "hash": hash_, "received": last},
            "received": dict(con.execute(RECEIVED, [wanted]).fetchall()),
            "coverage": _coverage(con, wanted, day),
            "models": {model: _of_model(con, wanted, model) for model in models},
            "movement": _movements(con, office, wanted, models),
            "not_assessed": not_assessed(con, wanted, day),
            "ladders": by_ladder(con, wanted),
            "scenes": scenes(con, wanted),
            "recognitions": recognitions(office.registers(), day),
            "products": products(office.registers(), day),
            "targets": held_against(con, office, wanted, day),
            "units": sorted({row["unit"] for row in units_of_plants(office, day)}),
        }


def models_counted(office: Office) -> list[str]:
    """The models by which something was counted in the campaign in force, trial ones apart."""
    with index(office) as con:
        return _models(con, office.campaign().id)


def _models(con: Any, campaign: str) -> list[str]:
    rows = con.execute("SELECT DISTINCT model FROM facts WHERE campaign = ? ORDER BY 1", [campaign]).fetchall()
    return [row[0] for row in rows]


def not_assessed(con: Any, campaign: str, day: str) -> list[dict[str, Any]]:
    """Plants in scope that have no accepted assessment, or a trial one only, by street: the sheet opened most often."""
    rows = con.execute(MISSING, {"campaign": campaign, "day": day}).fetchall()
    return [dict(zip(("street", "credit_code", "site_no", "name", "trial"), row, strict=True)) for row in rows]


def peers(office: Office, credit_code: str, site_no: str, model: str) -> dict[str, Any] | None:
    """Where a plant stands among at least ten of its kind; None when there are not so many, or it was not assessed.

    The kind is its class and size, else its division and size, else its division, else all: the closest with enough plants.
    """
    campaign = office.campaign().id
    with index(office) as con:
        own = con.execute(
            "SELECT score, industry, division, size FROM facts WHERE campaign = ? AND model = ? AND credit_code = ? AND site_no = ?",
            [campaign, model, credit_code, site_no],
        ).fetchone()
        if own is None:
            return None
        score, industry, division, size = own
        circles: tuple[tuple[str, dict[str, str]], ...] = (
            ("class and size", {"industry": industry, "size": size}),
            ("division and size", {"division": division, "size": size}),
            ("division", {"division": division}),
            ("all", {}),
        )
        for name, same in circles:
            condition = " AND ".join([f"{key} = ?" for key in same] or ["true"])
            found = con.execute(
                PEERS.format(same=condition), [score, campaign, model, credit_code, site_no, *same.values()]
            ).fetchone()
            if found[0] >= LEAST_PEERS:
                keys = ("peers", "below", "q1", "median", "q3")
                return {"kind": name, "score": str(score), **dict(zip(keys, found, strict=True))}
    return None


def weakest(rows: Sequence[tuple[str, str, int, str]]) -> dict[str, list[dict[str, Any]]]:
    """By division its three domains with the lowest median."""
    found: dict[str, list[dict[str, Any]]] = {}
    for division, node, count, median in sorted(rows, key=lambda row: (row[0], exact(row[3]), row[1])):
        some = found.setdefault(division, [])
        if len(some) < WEAKEST:
            some.append({"node": node, "n": count, "median": median})
    return found


def _of_model(con: Any, campaign: str, model: str) -> dict[str, Any]:
    source = "(SELECT * FROM facts WHERE campaign = $campaign AND model = $model)"
    named = {"campaign": campaign, "model": model}
    cube = _levels(con, source, DIMENSIONS[:-1], named)
    return {
        "all": _levels(con, source, ("'*'",), named),
        **{f"by_{key}": _levels(con, source, (key,), named) for key in DIMENSIONS},
        "by_unit": _levels(con, _by_unit(source), ("unit",), named),
        "street_by_division": _levels(con, source, ("street", "division"), named),
        "cube": cube,
        "weakest": weakest(con.execute(DOMAINS, [campaign, model]).fetchall()),
        "near_next": near_next(con.execute(SCORES, [campaign, model]).fetchall()),
        "per_mu": {key: _per_mu(con, campaign, model, key) for key in ("street", "division")},
    }


def _by_unit(source: str) -> str:
    return (
        f"(SELECT s.*, u.unit FROM {source} s JOIN (SELECT * FROM plant_units UNION SELECT credit_code, site_no, unnest(units) "  # noqa: S608 - texts of our own
        "FROM counted WHERE (credit_code, site_no) NOT IN (SELECT (credit_code, site_no) FROM plants)) u "
        "USING (credit_code, site_no))"
    )


def _levels(con: Any, source: str, keys: Sequence[str], named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Per group of *keys*: plants by level, late ones, quartiles of the score."""
    shown = ", ".join(f"coalesce({key}, '')" for key in keys)
    counts: dict[tuple[str, ...], dict[int, tuple[int, int]]] = {}
    for *key, level, n, late in con.execute(FIGURES.format(keys=shown, source=source), named).fetchall():
        counts.setdefault(tuple(key), {})[level] = (n, late)
    found = []
    for *key, n, q1, median, q3 in con.execute(QUARTILES.format(keys=shown, source=source), named).fetchall():
        cells = counts[tuple(key)]
        found.append(
            {
                "key": list(key), "n": n, "late": sum(late for _, late in cells.values()),
                "levels": {str(level): cells[level][0] for level in sorted(cells)},
                "q1": q1, "median": median, "q3": q3,
            }
        )  # fmt: skip
    return found


def _coverage(con: Any, campaign: str, day: str) -> list[dict[str, Any]]:
    keys = ("unit", "in_scope", "assessed", "firms_in_scope", "firms_assessed", "late", "trial")
    rows = con.execute(COVERAGE.format(units=EVERYWHERE), [campaign, day, day]).fetchall()
    rows += con.execute(COVERAGE.format(units="plant_units"), [campaign, day, day]).fetchall()
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _movements(con: Any, office: Office, campaign: str, models: Sequence[str]) -> list[dict[str, Any]]:
    """From each other campaign to this one: the same plants by level before and after, and newcomers apart."""
    found = []
    for earlier in sorted(each.id for each in office.campaigns() if each.id != campaign):
        for model in models:
            cells = con.execute(MOVEMENT, [earlier, campaign, model]).fetchall()
            if cells:
                new = con.execute(NEWCOMERS, [campaign, model, earlier]).fetchone()[0]
                keys = ("before", "after", "plants")
                matrix = [dict(zip(keys, cell, strict=True)) for cell in cells]
                same = sum(cell[2] for cell in cells)
                found.append({"from": earlier, "model": model, "same_plants": same, "new": new, "matrix": matrix})
    return found


def near_next(rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Plants whose total lies at most 0.05 below where the next level begins."""
    keys = ("credit_code", "site_no", "name", "level", "total", "next_at", "receipt")
    found = [dict(zip(keys, row, strict=True)) for row in rows]
    return [
        each for each in found if each["next_at"] and 0 < exact(each["next_at"]) - exact(each["total"]) <= exact(NEAR)
    ]


def _per_mu(con: Any, campaign: str, model: str, key: str) -> list[dict[str, Any]]:
    """Sums beside each other; who wants a quotient divides, and sees of how many plants."""
    keys = ("key", "n", "output_10k", "energy_tce", "mu")
    rows = con.execute(PER_MU.format(key=f"coalesce({key}, '')"), [campaign, model]).fetchall()
    return [dict(zip(keys, row, strict=True)) for row in rows]
