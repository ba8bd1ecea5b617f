from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import docx
import openpyxl
import pytest

from factory_kit.district.index import rebuild_index
from factory_kit.district.office import Office
from factory_kit.district.proof import Withheld
from factory_kit.district.publish import Release, publish, trace, write_internal
from factory_kit.district.statistics import peers, statistics, statistics_bytes
from factory_kit.district.watch import looked_at, reassessments, sample
from factory_kit.errors import UsageError
from factory_kit.seal.chain import open_chain
from factory_kit.testing.district_records import FictionalDistrict, write_district

MODEL = "gbt-39116@2020"
NOW = 1_790_000_000_000_000


@pytest.fixture(scope="session")
def built(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    """A district of 150 plants, 120 of them assessed, before and with its first release."""
    place = tmp_path_factory.mktemp("counted")
    shutil.copytree(fresh, place / "office")
    write_district(Office.at(place / "office"), FictionalDistrict(150, 120), place / "sheet")
    shutil.copytree(place / "office", place / "released")
    return place, publish(Office.at(place / "released"), place / "public", lambda: NOW, "zh")


@pytest.fixture
def counted(built: tuple[Path, Release], tmp_path: Path) -> Office:
    """The district before its first release."""
    shutil.copytree(built[0] / "office", tmp_path / "counted")
    return Office.at(tmp_path / "counted")


@pytest.fixture
def released(built: tuple[Path, Release], tmp_path: Path) -> tuple[Office, Release]:
    """The district with its first release, and what was given out."""
    shutil.copytree(built[0] / "released", tmp_path / "released")
    return Office.at(tmp_path / "released"), built[1]


def test_everything_is_counted_once_and_beside_its_denominator(counted: Office) -> None:
    """Every dimension adds up to the assessed plants; coverage and the list of those missing add up to all."""
    found = statistics(counted)
    figures = found["models"][MODEL]

    for by in ("street", "division", "size", "type", "provider"):
        rows = figures[f"by_{by}"]
        assert sum(row["n"] for row in rows) == sum(sum(row["levels"].values()) for row in rows) == 120
    everywhere = next(each for each in found["coverage"] if each["unit"] == "*")
    assert (everywhere["in_scope"], everywhere["assessed"], len(found["not_assessed"])) == (150, 120, 30)
    assert sum(each["assessed"] for each in found["coverage"] if each["unit"] != "*") == 120
    assert all(float(row["q1"]) <= float(row["median"]) <= float(row["q3"]) for row in figures["by_street"])


def test_medians_are_those_of_the_ledger(counted: Office) -> None:
    """The lower median of a street, taken from the ledger by hand."""
    totals: dict[str, list[str]] = {}
    for link in counted.ledger():
        totals.setdefault(link.record["units"][0], []).append(link.record["total"])
    shown = {row["key"][0]: row["median"] for row in statistics(counted)["models"][MODEL]["by_street"]}

    expected = {street: sorted(some, key=float)[(len(some) - 1) // 2] for street, some in totals.items()}
    assert {street: float(median) for street, median in shown.items()} == {s: float(m) for s, m in expected.items()}


def test_plants_near_the_next_level_are_named(counted: Office) -> None:
    """At most 0.05 below the next threshold, and none other."""
    expected = {
        link.record["plant"]["credit_code"]
        for link in counted.ledger()
        if link.record["next_at"] and 0 < round(float(link.record["next_at"]) - float(link.record["total"]), 9) <= 0.05
    }
    assert {each["credit_code"] for each in statistics(counted)["models"][MODEL]["near_next"]} == expected


def test_movement_compares_the_same_plants(counted: Office, tmp_path: Path) -> None:
    """A second campaign: moved plants in a matrix, newcomers apart."""
    counted.keep_edition(counted.campaign())
    campaign = counted.path / "campaign.yaml"
    campaign.write_text(
        campaign.read_text(encoding="utf-8").replace("id: digital-diagnosis", "id: second"), encoding="utf-8"
    )
    write_district(counted, FictionalDistrict(150, 135, "second", shift=0.2), tmp_path / "sheet")
    (movement,) = statistics(counted)["movement"]

    assert (movement["from"], movement["same_plants"], movement["new"]) == ("digital-diagnosis", 120, 15)
    assert sum(cell["plants"] for cell in movement["matrix"]) == 120
    assert all(cell["after"] >= cell["before"] for cell in movement["matrix"])


def test_targets_are_held_against_registers_and_bundles(counted: Office) -> None:
    """Diagnosed plants are counted by the due day; what no register says yet is no zero; sources stand beside."""
    found = {each["id"]: each for each in statistics(counted)["targets"]}

    assert (found["diagnosed-2023"]["actual"], found["diagnosed-2023"]["at_least"]) == ("0", "576")
    assert found["benchmark-2025"]["actual"] is None
    assert len(found) >= 30
    assert all(each["source"] and each["confidence"] for each in found.values())


def test_peers_are_ten_or_nobody(counted: Office) -> None:
    """A plant sees the closest circle with at least ten others, and nothing about a stranger."""
    code = next(counted.ledger()).record["plant"]["credit_code"]
    found = peers(counted, code, "01", MODEL)

    assert found is not None
    assert found["peers"] >= 10
    assert 0 <= found["below"] <= found["peers"]
    assert peers(counted, "91310117FAKE100006", "01", MODEL) is None


def test_what_is_published_adds_up_and_hides_small_cells(built: tuple[Path, Release]) -> None:
    """The JSON has no count below three, the totals of all tables agree, and no name or code of a plant is anywhere."""
    public, release = built[0] / "public", built[1]
    data = json.loads((public / "data.json").read_bytes())

    for table in data["tables"].values():
        assert sum(table["row_totals"]) == sum(table["level_totals"]) == 120
        assert all(cell is None or cell == 0 or cell >= 3 for row in table["cells"] for cell in row)
        assert {sums["total"] for sums in table["sums"].values()} == {
            sums["total"] for sums in data["tables"]["size"]["sums"].values()
        }
        assert any(value for value in table["sums"]["output_10k"]["values"])
        shown = zip(table["cells"], table["shares"], strict=True)
        assert all(
            share is None for cells, row in shown for cell, share in zip(cells, row, strict=True) if cell is None
        )
    for path in release.files:
        assert b"91310117" not in path.read_bytes()
    text = (public / "page.zh.html").read_text(encoding="utf-8")
    assert "示例厂" not in text
    assert "可公开" in text


def test_the_files_are_what_an_office_opens(counted: Office, built: tuple[Path, Release], tmp_path: Path) -> None:
    """Workbooks with native charts, a Word report, a page that loads nothing, a CSV that Excel reads."""
    public = built[0] / "public"
    names = {path.name for path in built[1].files}
    assert names == {"public.xlsx", "report.zh.docx", "page.zh.html", "screen.zh.html", "data.json", "data.csv"}
    write_internal(counted, tmp_path / "internal.xlsx", "zh")

    book = openpyxl.load_workbook(tmp_path / "internal.xlsx")
    assert any(page._charts for page in book)
    assert any("尚未评估" in page.title for page in book)
    sizes = next(page for page in book if "规模" in page.title)
    first = [cell.value for cell in sizes["A"] if cell.value in {"大型", "中型", "小型", "微型", "未注明"}]
    assert first[: len(set(first))] == [each for each in ("大型", "中型", "小型", "微型", "未注明") if each in first]
    aims = next(page for page in book if "目标" in page.title)
    assert any(row[:3] == ("数字化改造比例", "2025-12-31", "85%") for row in aims.iter_rows(values_only=True))
    assert any("智能制造能力成熟度（CMMM） GB/T 39116-2020" in str(page["A2"].value) for page in book)
    assert all("内部使用" in str(page["A2"].value) + str(page["A3"].value) for page in book.worksheets[1:3])
    assert any(table.rows for table in docx.Document(str(public / "report.zh.docx")).tables)
    for name in ("page.zh.html", "screen.zh.html"):
        text = (public / name).read_text(encoding="utf-8")
        assert not re.search(r"(src|href)=[\"']?(https?:)?//|@import|url\(", text)
    assert "<script" not in text
    assert text.count("<svg") == 4
    assert (public / "data.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_published_number_leads_to_its_bundles(released: tuple[Office, Release]) -> None:
    """Row by row the trace has as many bundles as the table has plants, each in the ledger."""
    counted, release = released
    table = release.tables["street"]
    known = {link.record["sha256"]: link.n for link in counted.ledger()}

    for at, row in enumerate(table.rows):
        found = trace(counted, 1, "street", row[0])
        assert len(found) == table.row_totals[at]
        assert all(known[each.bundle] == each.receipt for each in found)
        for column, cell in enumerate(table.cells[at]):
            if cell is not None:
                assert len(trace(counted, 1, "street", row[0], table.columns[column][0])) == cell
    with pytest.raises(UsageError, match="there is none with this number"):
        trace(counted, 2, "street", "x")
    with pytest.raises(UsageError, match="was not published"):
        trace(counted, 1, "street", "nowhere")


def test_a_second_release_is_held_against_the_first(released: tuple[Office, Release], tmp_path: Path) -> None:
    """The same figures again are fine; one more plant is withheld, and leaves no folder and no record."""
    counted, first = released
    again = publish(counted, tmp_path / "again", lambda: NOW, "en")
    assert again.tables["street"].cells == first.tables["street"].cells
    write_one_more(counted)

    with pytest.raises(Withheld):
        publish(counted, tmp_path / "third", lambda: NOW, "en")
    assert not (tmp_path / "third").exists()
    assert len(list((counted.path / "releases").glob("0*.json"))) == 2


def write_one_more(office: Office) -> None:
    """One more accepted assessment, of a plant outside the register."""
    record = dict(next(office.ledger()).record)
    record |= {"sha256": "f" * 64, "content": "f" * 64, "assessment": "f" * 16}
    record["plant"] = {"credit_code": "91350100M000100Y43", "site_no": "01", "zh": "新", "en": "New"}
    with open_chain(office.ledger_file) as chain:
        chain.append(record)


def test_nothing_counted_is_nothing_published(office: Office, tmp_path: Path) -> None:
    """An empty district says so."""
    with pytest.raises(UsageError, match="no assessment counts in this campaign yet"):
        publish(office, tmp_path / "out", lambda: NOW, "zh")


def test_statistics_of_a_large_ledger_are_the_same_bytes_twice(counted: Office) -> None:
    """Nothing depends on the order in which the index was filled."""
    first = statistics_bytes(counted)
    (counted.path / "index.duckdb").unlink()

    assert statistics_bytes(counted) == first
    with pytest.raises(Exception, match="is missing"):
        rebuild_index(counted)


def test_consistency_is_looked_at_over_the_ledger(counted: Office) -> None:
    """Re-assessments by somebody else are paired with what they check, and the provider that loses half a level is named."""
    codes = [link.record for link in counted.ledger() if link.record["provider"] == "服务商 03"][:5]
    others = [link.record for link in counted.ledger() if link.record["provider"] == "服务商 04"][:5]
    with open_chain(counted.ledger_file) as chain:
        for at, (record, off) in enumerate([(each, 0.6) for each in codes] + [(each, 0.0) for each in others]):
            wobble = 0.02 * (at % 3)
            again = {
                "type": "re-assessment",
                "provider": "区复评组",
                "total": f"{float(record['total']) - off + wobble:.2f}",
            }
            marks = {key: f"{at:02d}{key[0]}".ljust(64, "0") for key in ("sha256", "content", "answers")}
            chain.append({**record, **again, **marks, "assessment": f"{at:016x}"})

    assert [(each.provider, each.pairs) for each in reassessments(counted, MODEL)] == [
        ("服务商 03", 5),
        ("服务商 04", 5),
    ]
    assert [flag.provider for flag in looked_at(counted, MODEL) if flag.kind == "inflation"] == ["服务商 03"]
    assert len(sample(counted, MODEL, 2, 1)) == 24
