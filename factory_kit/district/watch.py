"""Consistency of providers over a district's own receipts: the sample to assess again, and what should be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory_kit.district.consistency import (
    Difference,
    Flag,
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
from factory_kit.district.index import index
from factory_kit.district.office import Office

__all__ = ["counted", "looked_at", "reassessments", "sample", "visits"]

COUNTED = """
SELECT f.credit_code || '-' || f.site_no, f.provider, f.total, f.next_at, f.answers, f.number,
       (SELECT list(document ORDER BY document) FROM documents d WHERE d.number = f.number)
FROM accepted f WHERE f.campaign = ? AND f.model = ? AND f.type <> 're-assessment' ORDER BY f.number
"""
PAIRS = """
SELECT a.provider, a.total, b.total FROM accepted a JOIN accepted b USING (campaign, credit_code, site_no, model)
WHERE a.campaign = ? AND a.model = ? AND a.type IN ('provider', 'on-site') AND b.type = 're-assessment' AND a.provider <> b.provider
QUALIFY row_number() OVER (PARTITION BY credit_code, site_no ORDER BY a.number DESC, b.number DESC) = 1 ORDER BY a.number
"""
VISITS = """
SELECT a.provider, coalesce(p.size, ''), a.on_site FROM accepted a LEFT JOIN plants p USING (credit_code, site_no)
WHERE a.campaign = ? AND a.model = ? AND a.on_site > 0 AND a.provider <> '' ORDER BY a.number
"""


def counted(office: Office, model: str) -> Sequence[Scored]:
    """What providers sent in the campaign in force, as consistency looks at it."""
    with index(office) as con:
        rows = con.execute(COUNTED, [office.campaign().id, model]).fetchall()
    begins = sorted({float(row[3]) for row in rows if row[3]})
    return [_scored(row, begins) for row in rows]


def sample(office: Office, model: str, each: int, seed: int) -> Sequence[Scored]:
    """*each* plants per provider to be assessed again; the same seed draws the same."""
    return draw(counted(office, model), each, seed)


def reassessments(office: Office, model: str) -> Sequence[Difference]:
    """By provider how its plants came out when somebody else assessed them again."""
    with index(office) as con:
        pairs = con.execute(PAIRS, [office.campaign().id, model]).fetchall()
    return differences([(provider, float(first), float(again)) for provider, first, again in pairs])


def visits(office: Office, model: str) -> Sequence[Visit]:
    """Days on site of every accepted assessment that gives them."""
    with index(office) as con:
        return [Visit(*row) for row in con.execute(VISITS, [office.campaign().id, model]).fetchall()]


def looked_at(office: Office, model: str) -> list[Flag]:
    """Everything worth a look, with its reason."""
    scored = counted(office, model)
    return [
        *flags(reassessments(office, model)),
        *same_answers(scored),
        *same_documents(scored),
        *bunched(scored),
        *short_visits(visits(office, model)),
    ]


def _scored(row: tuple[Any, ...], begins: Sequence[float]) -> Scored:
    plant, provider, total, next_at, answers, number, documents = row
    began = max((level for level in begins if level <= float(total)), default=None)
    return Scored(
        plant,
        provider,
        float(total),
        float(next_at) if next_at else None,
        began,
        answers or "",
        frozenset(documents or ()),
        number,
    )
