"""Finding equipment on the shelf, and looking at one family, as a person does at a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit.load.connector import connector_folder
from factory_kit.load.shelf import ALIKE, found, matches
from factory_kit.shipped import data_dir

ROOT = Path(__file__).resolve().parents[2]
SHELF = [connector_folder(path.parent) for path in sorted(data_dir("connectors").glob("*/connector.yaml"))]


@pytest.mark.parametrize(
    ("words", "some", "not_one"),
    [
        (["电表"], "eastron-sdm630", "delta-vfd"),
        (["meter"], "acrel-adl3000", "delta-vfd"),
        (["变频器"], "danfoss-fc51", "siemens-pac"),
        (["drives"], "fuji-frenic", "siemens-pac"),
        (["acrel"], "acrel-adw300", "chint-dtsu666"),
        (["安科瑞"], "acrel-adl3000", "chint-dtsu666"),
        (["西门子", "变频器"], "siemens-v20", "siemens-pac"),
        (["空压机"], "datakom-dk40", "siemens-pac"),
        (["逆变器"], "huawei-sun2000", "siemens-v20"),
        (["UPS"], "liebert-aps", "siemens-v20"),
        (["温控器"], "omron-e5c", "siemens-v20"),
        (["PAC3200"], "siemens-pac", "siemens-v20"),
        (["流量计"], "tuf-2000", "siemens-pac"),
    ],
)
def test_equipment_is_found_by_the_words_of_either_language(words: list[str], some: str, not_one: str) -> None:
    """A kind, a maker or a model finds its families and not the others."""
    names = {each.connector for each in found(SHELF, words)}

    assert some in names
    assert not_one not in names


def test_all_words_must_match() -> None:
    """A second word narrows what the first one found; nothing matches nonsense."""
    assert len(found(SHELF, [])) == len(SHELF)
    assert set(map(id, found(SHELF, ["电表", "acrel"]))) < set(map(id, found(SHELF, ["电表"])))
    assert found(SHELF, ["电表", "no-such-maker"]) == []


def test_every_row_of_words_leads_somewhere_or_names_a_maker_we_wait_for() -> None:
    """A word for a kind of equipment that finds nothing would only disappoint."""
    kinds = [row for row in ALIKE if len(row) > 2]

    assert [row for row in kinds if not any(matches(each, [row[0]]) for each in SHELF)] == []


def _run(*words: str, lang: str) -> tuple[str, str]:
    environment = os.environ | {"LANG": lang, "LC_ALL": lang, "COLUMNS": "120", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "factory_kit", *words], capture_output=True, env=environment, check=True, cwd=ROOT
    )
    return done.stdout.decode(), done.stderr.decode()


def test_a_family_is_shown_with_units_roles_and_the_page_of_each_address() -> None:
    """The table holds the points; below it stands where each address was read; what to mind is said beside it."""
    table, said = _run("connectors", "show", "abb-eq", lang="C.UTF-8")

    line = next(line for line in table.splitlines() if "active_power " in line)
    assert all(part in line for part in ("holding:23316", "int32", "× 0.00001", "kW", "medium"))
    assert "Rev. C, p. 108" in table
    assert "Caveat: The hexadecimal register numbers" in said
    assert "silver" in said


def test_the_shelf_speaks_chinese() -> None:
    """With a Chinese locale the labels and the caveats are Chinese, and the search word may be."""
    table, _said = _run("connectors", "list", "电表", lang="zh_CN.UTF-8")
    assert "正泰 DTSU666" in table

    table, said = _run("connectors", "show", "chint-dtsu666", lang="zh_CN.UTF-8")
    assert "正向有功总电能" in table
    assert "线电压" in said


def test_nothing_found_is_said() -> None:
    """A search without a hit says so and how to see all; for a program it is an empty list."""
    table, said = _run("connectors", "list", "亚里士多德", lang="C.UTF-8")

    assert table == ""
    assert "No connector matches 亚里士多德" in said
    assert json.loads(_run("connectors", "list", "亚里士多德", "--json", lang="C.UTF-8")[0]) == []
