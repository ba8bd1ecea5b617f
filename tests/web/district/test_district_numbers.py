"""The overview says what the statistics say, for every filter; what is given out is proven; one state of the ledger is counted once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.cli import district_web
from factory_kit.cli.clock import now
from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district.index import index
from factory_kit.district.office import Office
from factory_kit.district.publish import LOG
from factory_kit.district.statistics import peers, statistics
from factory_kit.seal.chain import open_chain, read_chain
from factory_kit.testing.district_records import FictionalDistrict, write_district
from factory_kit.web.district.desk import desk_of
from factory_kit.web.district.snapshot import DIMENSIONS, Facts, Snapshots

pytestmark = pytest.mark.wire

MODEL = "gbt-39116@2020"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, new_office: Callable[[Path], Office]) -> Office:
    """A district of 120 plants, 90 of them assessed."""
    place = tmp_path_factory.mktemp("counted")
    office = new_office(place / "office")
    write_district(office, FictionalDistrict(120, 90), place / "sheet")
    return office


@pytest.fixture(scope="module")
def facts(counted: Office) -> Facts:
    """Its figures as the pages hold them."""
    return Snapshots(desk_of(counted.path, rebuilt, now)).of("digital-diagnosis").models[MODEL]


@pytest.fixture(scope="module")
def said(counted: Office) -> dict[str, Any]:
    """Its figures as the statistics give them."""
    found: dict[str, Any] = statistics(counted)["models"][MODEL]
    return found


@pytest.mark.parametrize("by", DIMENSIONS)
def test_every_row_is_that_of_the_statistics(facts: Facts, said: dict[str, Any], by: str) -> None:
    """Plants, levels, late ones and quartiles of each group, by every dimension."""
    ours = {group.key: group for group in facts.groups(by, facts.filtered({}))}

    assert sorted(ours) == sorted(row["key"][0] for row in said[f"by_{by}"])
    for row in said[f"by_{by}"]:
        group = ours[row["key"][0]]
        assert {str(at): n for at, n in enumerate(group.levels) if n} == row["levels"]
        assert (group.n, group.late) == (row["n"], row["late"])
        assert [f"{value:.4f}" for value in group.quartiles] == [row["q1"], row["median"], row["q3"]]


def test_filters_combine(facts: Facts, said: dict[str, Any]) -> None:
    """Two filters give the cell of the table of both; a value that nobody has gives nobody."""
    for row in said["street_by_division"]:
        wanted = dict(zip(("street", "division"), row["key"], strict=True))
        group = facts.whole(facts.filtered(wanted))
        assert (group.n, f"{group.quartiles[1]:.4f}") == (row["n"], row["median"])
    assert facts.whole(facts.filtered({"street": "nowhere"})).n == 0


def test_peers_are_those_of_the_statistics(counted: Office, facts: Facts) -> None:
    """The same kind, number and place among them, for the first plants of the ledger."""
    plants = list(facts.plants)[:12]
    for plant in plants:
        theirs, ours = peers(counted, *plant.split("-"), MODEL), facts.peers(plant)
        assert theirs is not None
        assert ours is not None
        assert (ours["kind"], ours["peers"], ours["below"]) == (theirs["kind"], theirs["peers"], theirs["below"])
        assert f"{ours['quartiles'][1]:.4f}" == theirs["median"]
    assert facts.peers("nobody") is None


def test_a_state_of_the_ledger_is_counted_once(counted: Office) -> None:
    """The same figures are handed out until something is received; then they are new."""
    snapshots = Snapshots(desk_of(counted.path, rebuilt, now))
    first = snapshots.of("digital-diagnosis")

    assert snapshots.of("digital-diagnosis") is first
    record = dict(next(iter(read_chain(counted.ledger_file))).record)
    with open_chain(counted.ledger_file) as chain:
        chain.append({**record, "sha256": "0" * 64, "content": "1" * 64, "outcome": "returned"})
    found = snapshots.of("digital-diagnosis")
    while found is first:  # the last figures are shown while the next are counted
        found = snapshots.of("digital-diagnosis")
    assert found.cutoff["receipt"] == first.cutoff["receipt"] + 1
    assert found.models[MODEL].whole(found.models[MODEL].filtered({})).n == 90


def test_a_large_district_is_counted_before_anybody_asks(
    counted: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was begun is what the first reader gets; the terminal says that it began and that it is done, of a small one nothing."""
    desk = desk_of(counted.path, rebuilt, now)
    snapshots = Snapshots(desk)
    district_web._count_ahead(desk, snapshots)
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(district_web, "MUCH", 1)
    district_web._count_ahead(desk, snapshots)
    found = snapshots.of("digital-diagnosis")
    snapshots._maker.shutdown()  # also the word at its end was said

    said = " ".join(capsys.readouterr().err.split())
    assert snapshots.of("digital-diagnosis") is found
    assert "Counting for the first time" in said
    assert "Everything is counted" in said


def test_an_officer_publishes_and_a_reader_fetches(counted: Office, district_server: Callable[..., Any]) -> None:
    """The page shows what the proof found; the files are those on record, and nobody reaches another file."""
    served = district_server(counted)
    li, wang, jia = (served.person(name) for name in ("li", "wang", "jia"))

    assert wang.post("/publish").status == 403
    assert li.post("/publish").status == 303
    page = wang.get("/publish").text
    data = wang.ask("GET", "/published/1/data.json")

    assert "proven" in page
    assert "Hidden cells" in page
    assert data.json["campaign"] == "digital-diagnosis"
    record = next(iter(read_chain(counted.path / "releases" / LOG))).record
    assert set(record["files"]) >= {"data.json", "public.xlsx"}
    assert jia.ask("GET", "/published/1/data.json").status == 403
    for path in (
        "/published/1/..%2f..%2fusers.json",
        "/published/2/data.json",
        "/published/x/data.json",
        "/published/1/..",
    ):
        assert wang.ask("GET", path).status == 404


def test_what_cannot_be_proven_is_not_published(
    tmp_path: Path, new_office: Callable[[Path], Office], district_server: Callable[..., Any]
) -> None:
    """With nobody assessed the reason is said, and nothing is written."""
    office = new_office(tmp_path / "office")
    li = district_server(office).person("li")

    refused = li.post("/publish")

    assert refused.status == 422
    assert "no assessment counts in this campaign yet" in refused.text
    assert not (office.path / "published").exists()


def test_the_index_can_be_asked_beside_the_pages(counted: Office) -> None:
    """The pages hold no lock on the index while nobody counts."""
    Snapshots(desk_of(counted.path, rebuilt, now)).of("digital-diagnosis")
    with index(counted) as con:
        assert con.execute("SELECT count(*) FROM facts").fetchone()[0] == 90
    assert json.loads((counted.path / "users.json").read_bytes())["form"] == 1
