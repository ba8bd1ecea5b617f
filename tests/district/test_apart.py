from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from factory_kit.cli import district as command_line
from factory_kit.cli import district_office
from factory_kit.district.groups import among_peers, kinds
from factory_kit.district.letters import write_letters
from factory_kit.district.office import Office
from factory_kit.district.product_records import product_rows
from factory_kit.district.publish import publish, write_internal
from factory_kit.district.register import keep_edition
from factory_kit.district.statistics import models_counted, peers, statistics
from factory_kit.district.watch import looked_at
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.i18n import speaking
from factory_kit.seal.chain import open_chain
from factory_kit.testing.district_records import FictionalDistrict, write_district

MODEL = "gbt-39116@2020"
NOW = 1_790_000_000_000_000
FIRM = "91310117FAKE100006"


@pytest.fixture(scope="module")
def filled(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district of 140 plants, 120 of them assessed by a model that nobody verified."""
    place = tmp_path_factory.mktemp("apart")
    shutil.copytree(fresh, place / "office")
    write_district(Office.at(place / "office"), FictionalDistrict(140, 120), place / "sheet")
    return place / "office"


@pytest.fixture
def counted(filled: Path, tmp_path: Path) -> Office:
    """That district, to be changed."""
    shutil.copytree(filled, tmp_path / "office")
    return Office.at(tmp_path / "office")


def make_trial(office: Office) -> None:
    """The campaign counts scores of unverified models as trial from now on."""
    path = office.path / "campaign.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nunverified_models: trial\n", encoding="utf-8")


def test_trial_scores_are_counted_apart(counted: Office, tmp_path: Path) -> None:
    """By the campaign's switch a score of an unverified model covers nothing, reaches no target, and has a model of its own."""
    full = statistics(counted)
    make_trial(counted)
    write_district(counted, FictionalDistrict(140, 40, seed=2, verified=True), tmp_path / "sheet")
    trial = statistics(counted)

    before, after = (next(row for row in each["coverage"] if row["unit"] == "*") for each in (full, trial))
    assert (before["assessed"], before["trial"]) == (120, 0)
    assert (after["assessed"], after["trial"]) == (40, 80)
    assert {model: each["all"][0]["n"] for model, each in trial["models"].items()} == {MODEL: 40, f"{MODEL}#trial": 120}
    assert sum(each["trial"] for each in trial["not_assessed"]) == 80
    assert {each["id"]: each["actual"] for each in trial["targets"]}["sme-level-4"] in {None, "0"}


def test_trial_scores_are_published_as_trial_only(counted: Office, tmp_path: Path) -> None:
    """Workbook, page, JSON and CSV of a trial release say so on every table; the internal workbook has sheets of its own."""
    make_trial(counted)
    release = publish(counted, tmp_path / "public", lambda: NOW, "zh")
    write_internal(counted, tmp_path / "internal.xlsx", "zh")
    data = json.loads((tmp_path / "public" / "data.json").read_bytes())
    book = openpyxl.load_workbook(tmp_path / "public" / "public.xlsx")
    said = ["试评" in "".join(str(cell.value) for row in page["A1:A4"] for cell in row) for page in book.worksheets[1:]]

    assert (data["model"], data["trial"]) == (MODEL, True)
    assert all(said)
    assert "（试评）" in (tmp_path / "public" / "page.zh.html").read_text(encoding="utf-8")
    assert (tmp_path / "public" / "data.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[2] == "trial"
    assert release.tables["street"].row_totals
    assert any("试评" in str(page["A2"].value) for page in openpyxl.load_workbook(tmp_path / "internal.xlsx"))


def test_letters_say_what_counts_as_trial(counted: Office, tmp_path: Path) -> None:
    """A letter of a campaign with the switch has the sentence; another has not."""
    record = dict(next(counted.ledger()).record) | {"outcome": "returned", "sha256": "9" * 64, "content": "9" * 64}
    record["plant"] = {**record["plant"], "credit_code": FIRM}
    with open_chain(counted.ledger_file) as chain:
        chain.append(record)
    said = []
    for name in ("before", "after"):
        (path,) = write_letters(counted, tmp_path / name, "zh", (".xlsx",))
        pages = openpyxl.load_workbook(path)
        said.append(any("试评" in str(cell.value) for page in pages for row in page.rows for cell in row))
        make_trial(counted) if name == "before" else None

    assert said == [False, True]


def test_ladders_are_counted_by_level_with_what_is_proven(counted: Office) -> None:
    """SME levels and tiers of smart factories as the ledger has them, every plant once; scenes beside them."""
    records = [link.record for link in counted.ledger()]
    found = statistics(counted)
    for at, ladder in enumerate(("sme-digital@2024", "smart-factory@2025")):
        levels = Counter(str(record["ladders"][at]["level"]) for record in records)
        (all_,) = found["ladders"][ladder]["all"]
        assert (all_["n"], all_["levels"]) == (120, dict(sorted(levels.items())))
        assert sum(row["n"] for row in found["ladders"][ladder]["by_street"]) == 120
        assert all_["proven"] == {level: (count if level == "0" else 0) for level, count in sorted(levels.items())}
    scenes = Counter(scene for record in records for scene in record["scenes"])
    assert {each["scene"]: each["plants"] for each in found["scenes"]} == dict(scenes)
    fours = Counter(record["ladders"][0]["level"] == 4 for record in records)[True]
    actual = {each["id"]: each["actual"] for each in found["targets"]}
    assert (fours > 0, actual["sme-level-4"]) == (True, "0")  # received after the due day


def test_peers_of_all_plants_are_those_of_each(counted: Office) -> None:
    """What is worked out for all at once is what the query says for one; fewer than ten peers are nobody's."""
    found = among_peers(counted, MODEL)

    assert len(found) == 120
    for each in found[::9]:
        one = peers(counted, each.credit_code, each.site_no, MODEL)
        assert one is not None
        assert (one["kind"], one["peers"], one["below"]) == (each.kind, each.peers, each.below)
        assert tuple(map(float, (one["q1"], one["median"], one["q3"]))) == tuple(map(float, each.quartiles))
        assert each.peers >= 10


def test_kinds_are_shown_only_when_they_hold(counted: Office, tmp_path: Path) -> None:
    """One cloud of plants has none; plants that lack two domains altogether are one kind, named by them, and in the workbook."""
    plain = [each.lacks for each in kinds(counted, MODEL)]
    poor = [dict(link.record) for link in counted.ledger()][:60]
    with open_chain(counted.ledger_file) as chain:
        for at, record in enumerate(poor):
            domains = {node: "0.05" if node in {"TD", "TI"} and at % 2 else "0.6" for node in record["domains"]}
            own = {"sha256": f"{at:064x}", "content": f"{at:064x}", "assessment": f"{at:016x}", "domains": domains}
            chain.append({**record, **own})
    write_internal(counted, tmp_path / "internal.xlsx", "en")
    book = openpyxl.load_workbook(tmp_path / "internal.xlsx")
    lacking = [each for each in kinds(counted, MODEL) if set(each.lacks) >= {"TD", "TI"}]

    assert not any({"TD", "TI"} == set(lacks) for lacks in plain)
    assert [len(each.plants) for each in lacking] == [30]
    (sheet,) = (page for page in book if "Kinds" in page.title)
    assert any("TD" in str(cell.value) for row in sheet.rows for cell in row)


def test_short_visits_are_asked_about(counted: Office) -> None:
    """The provider whose people stay one day where others stay three, and nobody else."""
    found = [flag for flag in looked_at(counted, MODEL) if flag.kind == "short visits"]

    assert [flag.provider for flag in found] == ["服务商 07"]
    assert "1 instead of 3" in found[0].text()


def events(*lines: dict[str, str]) -> str:
    """Lines of ``products.jsonl``."""
    base = {"version": "1.0", "machines": "owned", "certificate": "SDE-1"}
    return "".join(json.dumps({**base, **line}) + "\n" for line in lines)


def test_products_come_from_what_enterprises_noted(counted: Office, tmp_path: Path) -> None:
    """Of each product its state of now, registered and listed apart; drafts stay out, other products stay in, again changes nothing."""
    file = tmp_path / "products.jsonl"
    file.write_text(
        events(
            {"product": "energy", "state": "draft", "on": "2026-01-01"},
            {"product": "energy", "state": "registered", "on": "2026-02-01"},
            {"product": "oee", "state": "registered", "on": "2026-02-01"},
            {"product": "energy", "state": "listed", "on": "2026-03-01", "renew_by": "2027-03-01"},
            {"product": "dreams", "state": "draft", "on": "2026-03-01"},
        ),
        encoding="utf-8",
    )
    for _ in range(2):
        rows = product_rows(file, FIRM, counted.registers().rows("products"))
        edition = keep_edition(counted.registers().folder, "products", rows, file, lambda: NOW)

    assert (edition.number, edition.new, len(edition.rows)) == (1, False, 2)
    assert statistics(counted)["products"] == {"registered": {"n": 1, "firms": 1}, "listed": {"n": 1, "firms": 1}}
    file.write_text(events({"product": "energy", "state": "withdrawn", "on": "2026-04-01"}), encoding="utf-8")
    rows = product_rows(file, FIRM, rows)
    assert sorted((row["product"], row["state"]) for row in rows) == [("energy", "withdrawn"), ("oee", "registered")]


def test_records_that_are_none_are_refused_line_by_line(tmp_path: Path) -> None:
    """Every wrong line with its number, and a firm whose code is wrong at once."""
    file = tmp_path / "products.jsonl"
    file.write_text('{"product": "a", "state": "sold", "on": "2026-01-01"}\n\n[]\nnonsense\n', encoding="utf-8")

    with pytest.raises(DefinitionError) as refused:
        product_rows(file, FIRM, ())
    assert [problem.line for problem in refused.value.problems] == [1, 3, 4]
    with pytest.raises(UsageError, match="is no credit code"):
        product_rows(file, "123", ())


def test_recognitions_are_counted_by_subject_and_scene(counted: Office, tmp_path: Path) -> None:
    """Documents in force, scenes by name, one plant with two scenes counted once as a plant."""
    (tmp_path / "sheet").write_text("x", encoding="utf-8")
    base = {"credit_code": FIRM, "site_no": "01", "authority": "经信委", "document": "1号", "date": "2026-01-01"}
    rows = [
        {**base, "subject": "scene", "scene": "能耗管理"},
        {**base, "subject": "scene", "scene": "在线检测"},
        {**base, "subject": "basic", "until": "2026-06-01"},
        {**base, "subject": "advanced"},
    ]
    keep_edition(counted.registers().folder, "recognitions", rows, tmp_path / "sheet", lambda: NOW)

    assert statistics(counted)["recognitions"] == [
        {"subject": "advanced", "scene": "", "n": 1, "plants": 1},
        {"subject": "scene", "scene": "在线检测", "n": 1, "plants": 1},
        {"subject": "scene", "scene": "能耗管理", "n": 1, "plants": 1},
    ]
    assert models_counted(counted) == [MODEL]


def test_the_commands_show_trial_scores_apart(
    counted: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stats has a table of its own for them, peers and clusters name the model as trial."""
    monkeypatch.setenv("COLUMNS", "160")
    make_trial(counted)
    write_district(counted, FictionalDistrict(140, 40, seed=2, verified=True), tmp_path / "sheet")
    plant = next(counted.ledger()).record["plant"]["credit_code"]
    command_line.stats(counted.path, as_json=True)
    rows = [each for each in json.loads(capsys.readouterr().out) if each["unit"] == "*"]
    assert [(each["plants"], each["trial"]) for each in rows] == [(40, False), (120, True)]
    with speaking("en"):
        command_line.stats(counted.path)
        district_office.peers(plant, counted.path)
        district_office.clusters(counted.path)
    said = capsys.readouterr()
    assert "(trial)" in said.out.partition("All, each once")[2]
    assert "GB/T 39116-2020 (trial): no kinds" in said.err
