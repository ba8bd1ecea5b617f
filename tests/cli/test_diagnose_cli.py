"""``kpi`` and ``diagnose`` over one simulated day."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from factory_kit.model.connector import MachineState
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.shipped import data_dir
from factory_kit.store import Store
from factory_kit.testing.plantmodel import PlantModel
from factory_kit.testing.recorded import demo_site, record_plant
from factory_kit.testing.shifts import HOUR, MINUTE, microseconds

from .conftest import Command

MIDNIGHT = microseconds("2026-09-02T00:00:00+08:00")
SITE = data_dir("examples") / "demo-plant" / "site.yaml"
KPIS = {
    "availability", "effectiveness", "quality-ratio", "oee", "nee", "teep", "utilisation-efficiency", "throughput-rate",
    "allocation-efficiency", "technical-efficiency", "setup-ratio", "scrap-ratio", "mtbf", "mttr",
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> PlantModel:
    """A clean plant from two hours before the day."""
    return PlantModel(6, MIDNIGHT - 2 * HOUR, faults=False, step=5 * MINUTE)


@pytest.fixture(scope="module")
def plant(model: PlantModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that holds that day."""
    folder = tmp_path_factory.mktemp("plant")
    shutil.copy(SITE, folder / "site.yaml")
    record_plant(model, Store(folder / "store"), MIDNIGHT + 25 * HOUR)
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A workspace whose store holds nothing but what a test writes."""
    shutil.copy(SITE, tmp_path / "site.yaml")
    return tmp_path


def test_kpis_are_what_the_machines_really_did(factory_kit: Command, plant: Path, model: PlantModel) -> None:
    """Of every machine all KPIs, equal to the truth of the simulation; all is known, so bounds and value are one."""
    said = factory_kit("kpi", "-w", plant, "--json")
    found = {(each["subject"], each["kpi"]): each for each in json.loads(said.out)}
    truth = model.truth(MIDNIGHT, MIDNIGHT + 24 * HOUR)
    for name, machine in truth.machines.items():
        assert {kpi for subject, kpi in found if subject == name} >= KPIS
        seconds = {state: machine.time_us.get(state, 0) for state in MachineState}
        apt, adet, aust = (seconds[state] for state in (MachineState.PRODUCING, MachineState.DOWN, MachineState.SETUP))
        cycle = Fraction(machine.ideal_cycle_s)
        expected = {
            "technical-efficiency": Fraction(apt, apt + adet),
            "setup-ratio": Fraction(aust, apt + aust),
            "quality-ratio": Fraction(machine.good, machine.total),
            "effectiveness": cycle * machine.total * 1_000_000 / apt,
            "throughput-rate": Fraction(machine.total * 3600 * 1_000_000, apt + aust + adet),
        }
        for kpi, value in expected.items():
            assert found[name, kpi]["value"] == found[name, kpi]["lower"] == f"{float(value):.6f}"
    energy = found["meter-03", "energy-per-good-unit"]
    made = truth.machines["cnc-07"].good + truth.machines["cnc-08"].good
    assert float(energy["value"]) == pytest.approx(truth.energy_kwh["meter-03"] / made, rel=0.01)
    peak = found["meter-04", "peak-demand"]
    assert 13.5 < float(peak["value"]) < 37.1
    assert peak["coverage"] == "1.000000"


def test_kpis_are_shown_and_saved(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """A table of the plant or of one machine; CSV with a mark for Excel; a workbook with numbers as numbers."""
    shown = factory_kit("kpi", "-w", plant, "--of", "cnc-01")
    assert (shown.code, "OEE index" in shown.out, "--of cnc-02" not in shown.out) == (0, True, True)
    assert factory_kit("kpi", "-w", plant, "--out", tmp_path / "kpi.csv").code == 0
    text = (tmp_path / "kpi.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbfFrom,To,Of,KPI")
    rows = list(csv.DictReader(text.decode("utf-8-sig").splitlines()))
    assert {row["Of"] for row in rows} >= {"plant", "cnc-01", "meter-04"}
    assert factory_kit("kpi", "-w", plant, "--out", tmp_path / "kpi.xlsx").code == 0
    sheet = openpyxl.load_workbook(tmp_path / "kpi.xlsx").worksheets[-1]
    cells = [cell.value for row in sheet.iter_rows() for cell in row]
    assert any(isinstance(cell, float) for cell in cells)


def test_a_remark_stands_once_below_the_table(
    factory_kit: Command, plant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two figures without reworked pieces: each row has a mark, the sentence is told once and whole; formulas speak Chinese."""
    monkeypatch.setenv("COLUMNS", "100")
    shown = factory_kit("--lang", "zh", "kpi", "-w", plant).out.splitlines()

    assert [line for line in shown if "没有对返工件计数的点" in line] == ["1) 没有对返工件计数的点"]
    assert [line.strip("│ ").split()[0] for line in shown if " 1) " in line] == ["返工率", "一次合格率"]
    assert any("日历时间" in line for line in shown)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kpi", "--of", "cnc-99"), "'cnc-99' has no figures"),
        (("kpi", "--out", "kpi.pdf"), "expected .csv or .xlsx"),
        (("diagnose", "--line", "cnc-01,cnc-99"), "--line: 'cnc-99' tells no state"),
        (("diagnose", "--from", "2026-13-01"), "is not a date"),
        (("indicators", "--for", "2026-09"), "the assessment is named with --assessment 2026-09"),
    ],
)
def test_wrong_use_is_one_line(factory_kit: Command, plant: Path, words: tuple[str, ...], said: str) -> None:
    """What was meant wrongly is said with what was expected."""
    done = factory_kit(*words, "-w", plant)
    assert done.code == 2
    assert said in done.err.replace("\n", " ")


def test_findings_are_ranked_and_saved(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """JSON in both languages with numbers, time and points; the same as a workbook; the table shows the gravest."""
    found = json.loads(factory_kit("diagnose", "-w", plant, "--json").out)
    assert found
    assert {each["group"] for each in found} == {"loss"}
    first = found[0]
    assert first["says"]["zh"]
    assert first["says"]["en"]
    assert first["when"][0][0].startswith("2026-09-02T")
    assert len(first["evidence"]) == 64
    assert all(each["hours"] is not None or each["kwh"] is not None for each in found)

    assert factory_kit("diagnose", "-w", plant, "--out", tmp_path / "f.xlsx").code == 0
    assert len(openpyxl.load_workbook(tmp_path / "f.xlsx").worksheets) == 2
    shown = factory_kit("diagnose", "-w", plant)
    assert "all of them: --all" in shown.err
    assert shown.out.count("\n") < factory_kit("diagnose", "-w", plant, "--all").out.count("\n")


def test_an_empty_store_gives_one_line(factory_kit: Command, empty: Path) -> None:
    """Nothing was collected: no figure and no finding, but what to do."""
    for command in ("kpi", "diagnose"):
        done = factory_kit(command, "-w", empty)
        assert (done.code, "the store is empty" in done.err) == (2, True)


@pytest.mark.parametrize("quality", [0, 2])
def test_one_sample_or_only_bad_ones_give_no_number(factory_kit: Command, empty: Path, quality: int) -> None:
    """A single good state, or a day of bad ones: no KPI has a value, and what was connected and silent is found."""
    times = MIDNIGHT + np.arange(0, 24 * HOUR, 10 * MINUTE, dtype=np.int64) if quality else np.array([MIDNIGHT])
    store = Store(empty / "store")
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        entry = CataloguePoint("cnc-01", "state", "state", "", "int32", "a", "sim-cnc", "1", "machines")
        (point,) = store.register([entry])
        count = len(times)
        quality_column = np.full(count, quality, np.int8)
        writer.append(SampleBatch(np.full(count, point, np.int32), times, np.full(count, 2.0), quality_column))
    days = ("--from", "2026-09-02", "--to", "2026-09-02")
    site, connectors = demo_site()
    store.describe(site.equipment, connectors)

    figures = json.loads(factory_kit("kpi", "-w", empty, *days, "--json").out)
    assert [each for each in figures if each["value"] is not None] == []
    found = json.loads(factory_kit("diagnose", "-w", empty, *days, "--json").out)
    pause = set() if quality else {"not-collected"}  # a run of one sample watched for no time
    assert {each["kind"] for each in found} == {"never-answered", *pause}


def _said(store: Store, values: list[float], order: int, role: str = "state") -> None:
    """A day in which cnc-01 told *values* of one point, hour by hour, written in *order* 1 or backward -1."""
    site, connectors = demo_site()
    store.describe(site.equipment, connectors)
    times = MIDNIGHT + np.arange(len(values), dtype=np.int64) * HOUR
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register([CataloguePoint("cnc-01", role, role, "", "int32", "a", "sim-cnc", "1", "machines")])
        for row in range(len(values))[::order]:
            one = slice(row, row + 1)
            writer.append(
                SampleBatch(np.array([point], np.int32), times[one], np.array(values[one]), np.zeros(1, np.int8))
            )


DAY = ("--from", "2026-09-02", "--to", "2026-09-02")


def test_without_a_state_point_no_time_has_a_number(factory_kit: Command, empty: Path) -> None:
    """A machine that only counts: every KPI of it is empty and says why; every record is inconclusive or does not apply."""
    _said(Store(empty / "store"), [float(each) for each in range(24)], 1, "total_count")
    figures = json.loads(factory_kit("kpi", "-w", empty, *DAY, "--json").out)
    assert {each["value"] for each in figures if each["subject"] == "cnc-01"} == {None}
    assert all(each["reason"] for each in figures if (each["subject"], each["kpi"]) == ("cnc-01", "availability"))
    records = json.loads(factory_kit("indicators", "-w", empty, *DAY, "--json").out)
    told = [each for each in records if each["indicator"]["id"] in ("availability", "oee")]
    assert told
    assert all(each["value"] is None and each["reason"] for each in told)
    assert factory_kit("diagnose", "-w", empty, *DAY).code == 0


def test_time_that_runs_backward_changes_no_figure(factory_kit: Command, tmp_path: Path) -> None:
    """The same day written from its end to its beginning: figures go by the machine's own times."""
    said = []
    for order in (1, -1):
        folder = tmp_path / str(order)
        folder.mkdir()
        shutil.copy(SITE, folder / "site.yaml")
        _said(Store(folder / "store"), [1.0, 2.0] * 12, order)
        said.append([json.loads(factory_kit(word, "-w", folder, *DAY, "--json").out) for word in ("kpi", "diagnose")])
    assert said[0] == said[1]


def test_a_calendar_that_overlaps_itself_gives_no_figure(factory_kit: Command, empty: Path) -> None:
    """Two shifts at once: every command names the line and computes nothing."""
    site = (empty / "site.yaml").read_text(encoding="utf-8")
    (empty / "site.yaml").write_text(
        site.replace('start: "20:00", end: "08:00"', 'start: "19:00", end: "08:00"'), encoding="utf-8"
    )
    for words in (("kpi",), ("indicators",), ("diagnose",), ("check", empty)):
        done = factory_kit(*words) if words[0] == "check" else factory_kit(*words, "-w", empty)
        assert (done.code, done.out) == (2, "")
        assert "site.yaml:" in done.err
        assert "overlap" in done.err


TARIFF = """tariff: 1
name: {zh: 示例电价, en: Example tariff}
seasons:
  - from: 2026-01-01
    until: 2026-12-31
    source: {title: Example decree, confidence: own}
    prices: {peak: "1.0", valley: "0.3"}
    hours:
      - {from: "08:00", until: "22:00", price: peak}
      - {from: "22:00", until: "08:00", price: valley}
"""


@pytest.fixture
def priced(plant: Path) -> Iterator[Path]:
    """The workspace with a tariff."""
    (plant / "tariff.yaml").write_text(TARIFF, encoding="utf-8")
    yield plant
    (plant / "tariff.yaml").unlink()


def test_energy_has_a_price_where_there_is_a_tariff(factory_kit: Command, empty: Path) -> None:
    """By hand: line B stands from midnight to eight under 20 kW, its load of full work: 160 kWh by night are 48 yuan, else none."""
    times = MIDNIGHT + np.arange(0, 24 * HOUR + 1, 10 * MINUTE, dtype=np.int64)
    hours = (times - MIDNIGHT) / HOUR
    store = Store(empty / "store")
    site, connectors = demo_site()
    store.describe(site.equipment, connectors)
    entries = [
        CataloguePoint(name, "state", "state", "", "int32", name, "sim-cnc", "1", "machines")
        for name in ("cnc-07", "cnc-08")
    ]
    entries.append(
        CataloguePoint(
            "meter-03", "active_energy", "active_energy", "kWh", "uint32", "e", "sim-energy-meter", "1", "energy"
        )
    )
    values = [np.where(hours < 8, 1.0, 2.0), np.where(hours < 8, 1.0, 2.0), 20 * hours]
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        for point, column in zip(store.register(entries), values, strict=True):
            writer.append(
                SampleBatch(np.full(len(times), point, np.int32), times, column, np.zeros(len(times), np.int8))
            )
    words = ("diagnose", "-w", empty, "--from", "2026-09-02", "--to", "2026-09-02", "--json")
    for tariff, yuan in (("", None), (TARIFF, 48), (TARIFF.replace("2026-12-31", "2026-09-01"), None)):
        (empty / "tariff.yaml").unlink(missing_ok=True)
        if tariff:
            (empty / "tariff.yaml").write_text(tariff, encoding="utf-8")
        (found,) = [each for each in json.loads(factory_kit(*words).out) if each["kind"] == "idle-load"]
        assert found["kwh"] == pytest.approx(160, rel=0.001)
        assert found["yuan"] == (None if yuan is None else pytest.approx(yuan, rel=0.001))
        shown = " ".join(factory_kit(*words[:-1]).out.replace("│", " ").split())
        assert ("That is 48 yuan." in shown) == (yuan is not None)


def test_a_report_of_findings_has_its_pictures(factory_kit: Command, priced: Path, tmp_path: Path) -> None:
    """One page with table, waterfall, Pareto, load duration and timeline; the money names its tariff; equal but for when it was made."""
    assert factory_kit("diagnose", "-w", priced, "--report", tmp_path / "f.html").code == 0
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    for name in ("table-findings", "figure-waterfall", "figure-pareto", "figure-load", "figure-timeline"):
        assert name in page
    assert "Example tariff" in page
    refused = factory_kit("diagnose", "-w", priced, "--report", tmp_path / "f.odt")
    assert (refused.code, "cannot be written as '.odt'" in refused.err.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("tariff.yaml", TARIFF.replace('"22:00", price: peak', '"21:00", price: peak'), "tariff.yaml:8: seasons[0].hours: no price from 21:00 to 22:00"),
        ("tariff.yaml", TARIFF.replace('"22:00", price: peak', '"23:00", price: peak'), "tariff.yaml:10: seasons[0].hours[1]: overlaps with line 9"),
        ("diagnosis.yaml", "diagnosis: 1\nlimits:\n  - {point: cnc-77/x, above: '1', because: y}\n", "diagnosis.yaml:3: limits[0].point: 'cnc-77' is not in the ledger"),
        ("diagnosis.yaml", "diagnosis: 1\nlimits:\n  - {point: cnc-01/x, above: '1', because: y}\n", "cnc-01/x: the store has no such point"),
    ],
)  # fmt: skip
def test_a_file_with_a_hole_is_refused_in_one_line(
    factory_kit: Command, plant: Path, file: str, text: str, said: str
) -> None:
    """A tariff with a hole or an overlap and settings that name nothing: file, line, what was expected, and no finding."""
    (plant / file).write_text(text, encoding="utf-8")
    try:
        done = factory_kit("diagnose", "-w", plant, "--json")
    finally:
        (plant / file).unlink()
    assert (done.code, done.out) == (2, "")
    assert said in done.err.replace("\n", " ")


def test_states_are_shown_saved_and_read_again(factory_kit: Command, empty: Path) -> None:
    """A machine with a power and no state: named as untold, told by thresholds with a model in JSON, and again from that model."""
    times = MIDNIGHT + np.arange(0, 24 * HOUR, MINUTE, dtype=np.int64)
    power = np.where(times < MIDNIGHT + 8 * HOUR, 0.1, 9.0)
    store = Store(empty / "store")
    site, connectors = demo_site()
    store.describe(site.equipment, connectors)
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register(
            [CataloguePoint("cnc-09", "power", "active_power", "kW", "float32", "a", "c", "1", "s")]
        )
        writer.append(SampleBatch(np.full(len(times), point, np.int32), times, power, np.zeros(len(times), np.int8)))
    days = ("--from", "2026-09-02", "--to", "2026-09-02", "-w", empty)
    rule = "diagnosis: 1\nstates:\n  - machine: cnc-09\n    point: cnc-09/power\n    "

    assert "label two or three minutes" in factory_kit("diagnose", *days, "--states", "--json").out
    (empty / "diagnosis.yaml").write_text(
        rule + "thresholds: [{from: '0', state: off}, {from: '2', state: producing}]\n", encoding="utf-8"
    )
    (told,) = json.loads(factory_kit("diagnose", *days, "--states", "--json", "--save-models", empty / "models").out)
    assert [each[2] for each in told["states"]][:2] == ["off", "producing"]
    assert told["confidence"] > 0.99
    (empty / "diagnosis.yaml").write_text(rule + "model: models/cnc-09.states.json\n", encoding="utf-8")
    (again,) = json.loads(factory_kit("diagnose", *days, "--states", "--json").out)
    assert again == told
    shown = factory_kit("diagnose", *days, "--states")
    assert "cnc-09/power" in shown.out


def test_check_says_every_mistake_of_all_files_of_people(factory_kit: Command, empty: Path) -> None:
    """Site, tariff and settings are read together: each mistake with its file and line, none hidden by another."""
    broken = (empty / "site.yaml").read_text(encoding="utf-8").replace("id: cnc-01,", "id: cnc-02,", 1)
    tariff = TARIFF.replace('valley: "0.3"', 'valley: "cheap"').replace(
        'until: "08:00", price', 'until: "07:00", price'
    )
    more = TARIFF[TARIFF.index("  - from") :].replace("2026", "2027").replace('"22:00", price', '"21:00", price')
    settings = (
        "diagnosis: 1\nlimits:\n  - {point: cnc-77/x, above: '1'}\nstates:\n"
        "  - {machine: cnc-78, point: cnc-01/power, model: nowhere.json}\nsurprise: 1\n"
    )
    (empty / "tariff.yaml").write_text(tariff + more, encoding="utf-8")
    (empty / "diagnosis.yaml").write_text(settings, encoding="utf-8")
    said = " ".join(factory_kit("check", empty).err.split())
    for mistake in (
        "tariff.yaml:7: seasons[0].prices.valley", "tariff.yaml:15: seasons[1].hours: no price from 21:00 to 22:00",
        "diagnosis.yaml:3: limits[0].because", "diagnosis.yaml:3: limits[0].point: 'cnc-77' is not in the ledger",
        "diagnosis.yaml:5: states[0].machine: 'cnc-78' is not in the ledger",
        "diagnosis.yaml:5: states[0].model: nowhere.json: does not exist", "diagnosis.yaml:6: surprise",
    ):  # fmt: skip
        assert mistake in said
    (empty / "site.yaml").write_text(broken, encoding="utf-8")
    both = factory_kit("check", empty)
    assert both.code == 2
    assert "site.yaml" in both.err
    assert "tariff.yaml:7" in both.err


def test_check_says_what_the_files_beside_the_site_hold(factory_kit: Command, empty: Path) -> None:
    """A right tariff and right settings are named in the line of ``check``."""
    (empty / "tariff.yaml").write_text(TARIFF, encoding="utf-8")
    (empty / "diagnosis.yaml").write_text(
        "diagnosis: 1\nlimits:\n  - {point: cnc-01/spindle_temperature, above: '70', because: page 14}\n",
        encoding="utf-8",
    )
    said = factory_kit("check", empty)
    assert said.code == 0
    text = " ".join((said.out + said.err).split())
    assert "tariff Example tariff, 1 seasons; diagnosis.yaml: 1 limits, 0 machines" in text


def test_records_and_their_proof_are_saved_as_tables(factory_kit: Command, plant: Path, tmp_path: Path) -> None:
    """``indicators`` and ``evidence verify``: every record a line, figures as numbers, the whole id to find it again."""
    assert factory_kit("assess", "new", "t", "--example", "--type", "self", "-w", plant).code == 0
    saved = factory_kit("indicators", "--assessment", "t", "-w", plant, "--out", tmp_path / "i.csv")
    assert (saved.code, saved.out) == (0, "")
    rows = list(csv.DictReader((tmp_path / "i.csv").read_text(encoding="utf-8-sig").splitlines()))
    ids = {file.stem.rpartition("-")[2] for file in (plant / "assessments" / "t" / "evidence").glob("*.json")}
    assert {row["Evidence"][:12] for row in rows} == ids
    assert {row["From"] for row in rows} == {"2026-09-02T00:00:00+08:00"}
    oee = next(row for row in rows if (row["Indicator"], row["Of"]) == ("OEE", "cnc-01"))
    assert 0 < float(oee["At least"]) <= float(oee["Value"]) <= float(oee["At most"]) < 1
    assert factory_kit("evidence", "verify", "t", "-w", plant, "--out", tmp_path / "v.xlsx").code == 0
    sheet = openpyxl.load_workbook(tmp_path / "v.xlsx").worksheets[-1]
    cells = [cell.value for row in sheet.iter_rows() for cell in row]
    assert cells.count("same bytes") == len(rows)
    assert {row["Evidence"] for row in rows} <= set(cells)
