from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.district.office import Office, begin_office
from factory_kit.district.receive import Receipt
from factory_kit.district.stats import counted, ledger_view, levels_by_unit
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.seal.chain import open_chain
from factory_kit.shipped import search_path
from factory_kit.testing.district import Submission

Take = Callable[..., list[Receipt]]
MODEL = "gbt-39116@2020"


def record(number: int, *, level: int, kind: str = "provider", **other: Any) -> dict[str, Any]:
    """A record of the ledger as receiving writes it."""
    content = {
        "form": 1,
        "campaign": "c",
        "file": f"{number}.zip",
        "sha256": f"{number:064x}",
        "content": f"{number + 1000:064x}",
        "received": "2026-09-21T00:00:00Z",
        "outcome": "accepted",
        "rulings": [],
        "assessment": f"{number:016x}",
        "plant": {"credit_code": "91350100M000100Y43", "site_no": "01", "zh": "甲", "en": "A"},
        "industry": {"code": "3484", "edition": "GB/T 4754-2017"},
        "units": ["310117105"],
        "model": {"id": "gbt-39116", "edition": "2020"},
        "type": kind,
        "provider": "",
        "supersedes": "",
        "level": level,
        "floor": 0,
        "total": "1.00",
        "open": 0,
    }
    return content | other


def written(office: Office, *records: dict[str, Any]) -> Office:
    """The office with *records* in its ledger."""
    with open_chain(office.ledger_file) as chain:
        chain.append_all(list(records))
    return office


def test_levels_are_counted_by_unit_and_each_plant_once_in_all(
    take: Take, office: Office, inbox: list[Submission]
) -> None:
    """The first plant reports to a town and a zone: it stands in both rows and once in the last."""
    take(*(each.path for each in inbox))
    rows = {row.unit: row for row in levels_by_unit(office, MODEL)}

    levels = sorted(each.level for each in inbox[:3])
    assert rows["*"].plants == 3
    assert [level for level, count in enumerate(rows["*"].levels) for _ in range(count)] == levels
    assert sum(row.plants for unit, row in rows.items() if unit != "*") == 4
    assert rows["sedz"].plants == 1


def test_an_empty_district_counts_nothing(office: Office) -> None:
    """Before the first bundle there is one row of zeros."""
    (row,) = levels_by_unit(office, MODEL)

    assert (row.unit, row.levels, row.plants, row.late) == ("*", (0, 0, 0, 0, 0, 0), 0, 0)


def test_refused_bundles_are_not_counted(office: Office) -> None:
    """Returned and rejected ones stand in the ledger only."""
    written(office, record(1, level=2), record(2, level=5, outcome="returned"), record(3, level=5, outcome="rejected"))

    assert [entry.number for entry in counted(office)] == [1]


def test_the_campaign_decides_which_type_counts(office: Office) -> None:
    """An on-site assessment counts before a later self-assessment of the same plant."""
    written(office, record(1, level=2, kind="on-site"), record(2, level=4, kind="self"))

    assert [(entry.type, entry.level) for entry in counted(office)] == [("on-site", 2)]


def test_of_one_type_the_last_received_counts(office: Office) -> None:
    """A correction replaces what it names, and a replaced one never comes back."""
    first = record(1, level=2)
    written(office, first, record(2, level=3, supersedes=first["assessment"]))

    assert [entry.level for entry in counted(office)] == [3]


def test_what_was_replaced_does_not_come_back_through_its_type(office: Office) -> None:
    """A self-assessment that replaces an on-site one by name counts, although on-site comes first."""
    first = record(1, level=4, kind="on-site")
    written(office, first, record(2, level=3, kind="self", supersedes=first["assessment"]))

    assert [(entry.type, entry.level) for entry in counted(office)] == [("self", 3)]


def test_two_sites_of_one_firm_are_two_plants(office: Office) -> None:
    """Plants are counted by credit code and site number."""
    plant = {"credit_code": "91350100M000100Y43", "site_no": "02", "zh": "乙", "en": "B"}
    written(office, record(1, level=2), record(2, level=3, plant=plant))

    assert levels_by_unit(office, MODEL)[-1].plants == 2


def test_late_ones_are_counted_apart(office: Office) -> None:
    """They stand in the levels and in a column of their own."""
    written(office, record(1, level=2, outcome="accepted late"))

    row = levels_by_unit(office, MODEL)[-1]
    assert (row.levels[2], row.late) == (1, 1)


def test_plants_without_a_unit_are_shown(office: Office) -> None:
    """A plant that names no unit has a row of its own instead of vanishing."""
    written(office, record(1, level=2, units=[]))

    assert [row.unit for row in levels_by_unit(office, MODEL)] == ["", "*"]


def test_another_model_is_never_mixed_in(office: Office) -> None:
    """Levels of two models are two tables."""
    written(office, record(1, level=2), record(2, level=4, model={"id": "siri", "edition": "2020"}))

    assert levels_by_unit(office, MODEL)[-1].plants == 1
    assert levels_by_unit(office, "siri@2020")[-1].levels[4] == 1


def test_the_view_can_be_asked_in_sql(take: Take, office: Office, inbox: list[Submission]) -> None:
    """Receipts with the rules that spoke are a table, made from the ledger alone."""
    take(*(each.path for each in inbox))

    with ledger_view(office) as con:
        found = con.execute("SELECT file, rules FROM receipts WHERE len(rules) > 0 ORDER BY file").fetchall()
    assert found == [("plant-04.zip", ["R03"]), ("plant-05.zip", ["R02"])]


def test_a_district_is_never_overwritten(office: Office) -> None:
    """A second init leaves the folder alone."""
    with pytest.raises(UsageError, match="already holds a campaign"):
        begin_office(office.path, search_path("assessments"))


def test_the_shipped_units_are_complete(office: Office) -> None:
    """Six streets, eleven towns, and zones and parks beside them, each named in both languages."""
    units = office.units().units
    kinds = [unit.kind for unit in units]

    assert (kinds.count("street"), kinds.count("town"), len(kinds) - 17) == (6, 11, 6)


def test_mistakes_of_a_campaign_come_at_their_lines(office: Office, change: Callable[[str, str], None]) -> None:
    """A type without precedence and an unknown kind are both named."""
    change("precedence: [re-assessment, on-site, provider, self]", "precedence: [self]")
    with pytest.raises(DefinitionError, match="precedence lacks on-site, provider, re-assessment"):
        office.campaign()

    change("kind: demo", "kind: test")
    with pytest.raises(DefinitionError, match=r"campaign\.yaml:6: kind: 'test' is not one of"):
        office.campaign()


def test_a_folder_that_is_no_district_is_named(tmp_path: Path) -> None:
    """The message says how to make one."""
    with pytest.raises(UsageError, match="make one with factory-kit district init"):
        Office.at(tmp_path)
