"""Products before anything is built: all mistakes with file and line; templates copied under a name of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from factory_kit.errors import DefinitionError, UsageError
from factory_kit.load.product import product_folder
from factory_kit.pack.check import product_problems
from factory_kit.pack.templates import copy_template, templates
from factory_kit.shipped import data_dir
from factory_kit.testing.products import make_example

from .test_release import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped spindle product, to be changed."""
    target = tmp_path / "cnc-spindle"
    shutil.copytree(data_dir("datasets") / "cnc-spindle", target)
    return target


def line_of(path: Path, words: str) -> int:
    """The line on which *words* first stand."""
    return next(number for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if words in line)


def edited(path: Path, old: str, new: str) -> None:
    """*old* becomes *new*, once."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    "template",
    [path.parent for path in sorted(data_dir("datasets").glob("*/product.yaml"))],
    ids=lambda path: path.name,
)
def test_every_shipped_template_agrees_with_itself(template: Path) -> None:
    """Columns, recipe, rules and expected rows of each fit one another."""
    assert [str(problem) for problem in product_problems(template)] == []


NEW_FIELD = "  - {name: torque, label: {zh: 扭矩, en: T}, description: {zh: 扭矩, en: T}, type: number}\n"
MISTAKES: dict[str, tuple[str, str, str, str, str]] = {
    "no SQL": ("build.sql", "SELECT g.time,", "SELEC g.time,", "SELEC g.time", "syntax error"),
    "a field nobody gives": ("product.yaml", "watermark:", NEW_FIELD + "watermark:", "name: torque", "give no column torque"),
    "no such view": ("build.sql", "JOIN points p", "JOIN point p", "JOIN point p", "Table with name point does not exist"),
    "no such column": ("build.sql", "max(value)", "max(worth)", "max(worth)", 'column "worth" not found'),
    "a file read": ("build.sql", "FROM samples s", "FROM read_csv('a') s", "", r"read_csv\(\) cannot be used"),
    "a field without a column": ("build.sql", "AS load_max", "AS load_most", "", "there is no column load_max"),
    "a recipe for no column": ("product.yaml", "field: load_max, step", "field: load_mx, step", "load_mx", "no column load_mx"),
    "another type": ("product.yaml", "type: string", "type: integer", "- name: machine", "machine is declared integer, build.sql gives VARCHAR"),
    "a change that is not told": ("product.yaml", "treatment: rounded", "treatment: none", "- name: load", "load is changed by the recipe"),
    "a rule over no field": ("checks.yaml", "load_max <= 200", "load_mox <= 200", "load_mox", "spindle-load-in-range cannot be checked"),
    "a rule that is no condition": ("checks.yaml", "load_max <= 200", "load_max + 200", "load_max + 200", "DOUBLE, no condition"),
    "expected by no field": ("checks.yaml", "per: [machine]", "per: [machin]", "per:", "machin is no field"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_on_its_line(folder: Path, mistake: str) -> None:
    """One line that names file, line and what is wrong."""
    file, old, new, where, said = MISTAKES[mistake]
    edited(folder / file, old, new)
    found = product_problems(folder)

    assert len(found) == 1, [str(problem) for problem in found]
    with pytest.raises(DefinitionError, match=said):
        raise DefinitionError(found)
    if where:
        assert (found[0].file, found[0].line) == (f"cnc-spindle/{file}", line_of(folder / file, where))


def test_mistakes_of_all_files_come_at_once(folder: Path) -> None:
    """A version, a listing and a statement."""
    edited(folder / "product.yaml", "version: 1", "version: one")
    edited(folder / "listing.yaml", "scene:", "szene:")
    edited(folder / "build.sql", "SELECT p.equipment", "SELECT p..equipment")

    assert {problem.file for problem in product_problems(folder)} == {
        "cnc-spindle/build.sql",
        "cnc-spindle/listing.yaml",
        "cnc-spindle/product.yaml",
    }


def test_the_key_of_the_plant_in_any_file_is_a_mistake(folder: Path) -> None:
    """On its line, and without telling it."""
    key = bytes(range(32))
    edited(folder / "build.sql", "ORDER BY", f"-- {key.hex().upper()}\nORDER BY")
    (found,) = product_problems(folder, key)

    assert (found.file, found.line) == ("cnc-spindle/build.sql", line_of(folder / "build.sql", key.hex().upper()))
    assert key.hex() not in str(found).lower()


def test_a_template_is_copied_under_another_name(tmp_path: Path) -> None:
    """The product bears the new name, comments and all else stay; a name that is taken, or none at all, is refused."""
    target = copy_template("energy-hourly", "our-energy", tmp_path)

    assert product_folder(target).product.product == "our-energy"
    assert (target / "build.sql").read_bytes() == (data_dir("datasets") / "energy-hourly" / "build.sql").read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        copy_template("energy-hourly", "our-energy", tmp_path)
    with pytest.raises(UsageError, match=r"'\.\./x' is no name of a product"):
        copy_template("energy-hourly", "../x", tmp_path)
    with pytest.raises(UsageError, match="known: cnc-spindle,"):
        copy_template("energy", "x", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["our-energy"]


def test_new_without_a_name_lists_the_templates(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with what it is and which roles it needs."""
    monkeypatch.setenv("FACTORY_KIT_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    assert run("pack", "new") == 0
    shown = capsys.readouterr().out

    assert [each.product for each in templates() if each.product not in shown] == []
    assert "spindle_load" in shown


def test_new_says_what_the_store_has_for_each_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workspace with a store the list names the roles that are lacking; a new name without a template is told to name one."""
    monkeypatch.setenv("FACTORY_KIT_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    make_example("energy-hourly", tmp_path / "w")

    assert run("pack", "new", "-w", tmp_path / "w") == 0
    rows = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if len(line.split()) > 3}

    assert rows["energy-hourly"].rstrip(" │").endswith("nothing")
    assert rows["oee-events"].rstrip(" │").endswith("state, total_count, good_count")
    assert run("pack", "new", "our-energy", "-w", tmp_path / "w") == 2
    assert "Name it with --template" in " ".join(capsys.readouterr().err.split())


def test_check_on_the_command_line(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name from the workspace or a folder; mistakes end with 2, and each is a line."""
    site = {
        "site": 1, "kind": "demo",
        "plant": {"id": "p", "name": {"zh": "厂", "en": "P"}, "credit_code": "91310117MA00000000", "type": "discrete", "industry": {"code": "3484"}},
        "equipment": [],
    }  # fmt: skip
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True), encoding="utf-8")
    assert run("pack", "check", "energy-hourly", "-w", tmp_path) == 0
    assert run("pack", "check", folder) == 0
    edited(folder / "checks.yaml", "load_max <= 200", "load_mox <= 200")

    assert run("pack", "check", folder) == 2
    assert "cnc-spindle/checks.yaml:" in capsys.readouterr().err
