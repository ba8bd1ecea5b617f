"""Counting what was accepted: a DuckDB view over the ledger, made anew whenever it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from factory_kit.district.definitions import Campaign
from factory_kit.district.journal import cases_of
from factory_kit.district.office import Office
from factory_kit.district.trial import trial_of

__all__ = ["Counted", "UnitRow", "counted", "ledger_view", "levels_by_unit"]

ALL = "*"
"""The row of all plants."""
NOWHERE = ""
"""The unit of plants that name none."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The one accepted assessment that counts for a plant and model."""

    number: int
    credit_code: str
    site_no: str
    name_zh: str
    name_en: str
    units: tuple[str, ...]
    model: str
    type: str
    level: int
    floor: int
    late: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class UnitRow:
    """How many plants of a reporting unit reached which level."""

    unit: str
    """Empty for plants that name no unit, ``*`` for all plants, each counted once."""
    levels: tuple[int, ...]
    """Plants at level 0, 1, 2, …"""
    plants: int
    late: int


def counted(office: Office) -> tuple[Counted, ...]:
    """For each plant and model the accepted assessment that counts: not replaced, of the type that comes first, received last."""
    campaign = office.campaign()
    withdrawn = cases_of(office.path).withdrawn
    accepted = [
        link for link in office.ledger() if link.record["outcome"].startswith("accepted") and link.n not in withdrawn
    ]
    replaced = {link.record["supersedes"] for link in accepted if link.record["supersedes"]}
    found: dict[tuple[str, ...], tuple[tuple[int, int], Counted]] = {}
    for link in accepted:
        record = link.record
        if record["assessment"] in replaced:
            continue
        entry = _entry(link.n, record, campaign)
        rank = (-_place(campaign, entry.type), link.n)
        key = (entry.credit_code, entry.site_no, entry.model)
        if key not in found or rank > found[key][0]:
            found[key] = (rank, entry)
    return tuple(entry for _rank, entry in sorted(found.values(), key=lambda item: item[1].number))


def levels_by_unit(office: Office, model: str, highest: int = 5) -> tuple[UnitRow, ...]:
    """Plants by level, 0 to *highest*, and reporting unit for *model* (``id@edition``).

    A plant of two units stands in the rows of both; the last row counts every plant once.
    """
    with ledger_view(office) as con:
        found = con.execute(BY_UNIT, [model]).fetchall() + con.execute(OF_ALL, [model]).fetchall()
    cells: dict[str, dict[tuple[int, bool], int]] = {ALL: {}}
    for unit, level, late, plants in found:
        cells.setdefault(unit, {})[level, late] = plants
    return tuple(_unit_row(unit, cells[unit], highest) for unit in sorted(cells, key=lambda unit: (unit == ALL, unit)))


def _unit_row(unit: str, cells: Mapping[tuple[int, bool], int], highest: int) -> UnitRow:
    levels = tuple(sum(cells.get((level, late), 0) for late in (False, True)) for level in range(highest + 1))
    late = sum(plants for (_level, is_late), plants in cells.items() if is_late)
    return UnitRow(unit, levels, sum(cells.values()), late)


def ledger_view(office: Office) -> Any:
    """A DuckDB connection in memory with the tables ``receipts`` and ``counted``."""
    con = duckdb.connect()
    receipts = [_receipt(link.n, link.record) for link in office.ledger()]
    con.register("receipts_rows", pa.Table.from_pylist(receipts, schema=RECEIPTS))
    con.register("counted_rows", pa.Table.from_pylist([_row(entry) for entry in counted(office)], schema=COUNTED))
    con.execute("CREATE TABLE receipts AS SELECT * FROM receipts_rows")
    con.execute("CREATE TABLE counted AS SELECT * FROM counted_rows")
    return con


BY_UNIT = "SELECT unit, level, late, count(*) FROM counted, UNNEST(units) AS u(unit) WHERE model = ? GROUP BY ALL"
OF_ALL = "SELECT '*', level, late, count(*) FROM counted WHERE model = ? GROUP BY ALL"


RECEIPTS = pa.schema(
    [
        ("number", pa.int64()), ("file", pa.string()), ("sha256", pa.string()), ("received", pa.string()),
        ("outcome", pa.string()), ("rules", pa.list_(pa.string())), ("credit_code", pa.string()), ("level", pa.int64()),
    ]
)  # fmt: skip
COUNTED = pa.schema(
    [
        ("number", pa.int64()), ("credit_code", pa.string()), ("site_no", pa.string()), ("name_zh", pa.string()),
        ("name_en", pa.string()), ("units", pa.list_(pa.string())), ("model", pa.string()), ("type", pa.string()),
        ("level", pa.int64()), ("floor", pa.int64()), ("late", pa.bool_()), ("sha256", pa.string()),
    ]
)  # fmt: skip


def _entry(number: int, record: Mapping[str, Any], campaign: Campaign) -> Counted:
    plant, model = record["plant"], f"{record['model']['id']}@{record['model']['edition']}"
    trial = campaign.unverified_models == "trial" and not record.get("verified", False)
    return Counted(
        number=number,
        credit_code=plant["credit_code"],
        site_no=plant["site_no"],
        name_zh=plant["zh"],
        name_en=plant["en"],
        units=tuple(record["units"]),
        model=trial_of(model) if trial else model,
        type=record["type"],
        level=record["level"],
        floor=record["floor"],
        late=record["outcome"] == "accepted late",
        sha256=record["sha256"],
    )


def _place(campaign: Campaign, kind: str) -> int:
    """Where *kind* stands in the campaign's precedence; types it does not name come last."""
    order: Sequence[str] = campaign.precedence
    return order.index(kind) if kind in order else len(order)


def _receipt(number: int, record: Mapping[str, Any]) -> dict[str, Any]:
    plant = record.get("plant") or {}
    return {
        "number": number,
        "file": record["file"],
        "sha256": record["sha256"],
        "received": record["received"],
        "outcome": record["outcome"],
        "rules": [ruling["rule"] for ruling in record["rulings"]],
        "credit_code": plant.get("credit_code"),
        "level": record.get("level"),
    }


def _row(entry: Counted) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in COUNTED.names}
    return values | {"units": list(entry.units) or [NOWHERE]}
