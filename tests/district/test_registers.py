from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from factory_kit.district.office import Office
from factory_kit.district.receive import Receipt
from factory_kit.district.register import Edition, forms, industries, keep_edition
from factory_kit.district.sheet_import import MISTAKES, read_sheet
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.seal.keys import new_key
from factory_kit.seal.ring import SignatureState
from factory_kit.testing.district import Submission, fictional_code

Take = Callable[..., list[Receipt]]
NOW = 1_790_000_000_000_000
CODE, OTHER = fictional_code(1000), fictional_code(1001)
HEAD = ["序号", "统一社会信用代码", "企业名称", "街镇", "行业代码", "企业规模", "占地面积（亩）", "纳入日期"]


def sheet(path: Path, *rows: Sequence[Any], title: str = "名录") -> Path:
    """A workbook with *rows* on one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(list(row))
    book.save(path)
    return path


def imported(office: Office, path: Path, register: str = "plants") -> Edition:
    """The sheet taken into the register."""
    found = read_sheet(path, register, office.units(), office.registers())
    return keep_edition(office.registers().folder, register, found.rows, path, lambda: NOW)


def mistakes(office: Office, path: Path, register: str = "plants") -> list[tuple[str, str, str]]:
    """Number, sheet and cell of every mistake in the sheet."""
    with pytest.raises(DefinitionError) as caught:
        read_sheet(path, register, office.units(), office.registers())
    return [(problem.message[:3], problem.file, problem.path) for problem in caught.value.problems]


def test_a_sheet_as_an_officer_has_it_is_read(office: Office, tmp_path: Path) -> None:
    """Titles above the headings, columns in another order, names of streets, dates and numbers in cells, an empty row."""
    path = sheet(
        tmp_path / "名录.xlsx",
        ["松江区规上制造业企业名录", None], [], HEAD,
        [1, f" {CODE[:8].lower()} {CODE[8:]}", "示例甲", "新桥镇", 3484, "中型", 12.5, datetime(2024, 3, 1)],  # noqa: DTZ001
        [],
        [2, OTHER, "示例乙", "洞泾镇", "C39", "大型", None, "2024年5月6日"],
    )  # fmt: skip
    found = imported(office, path)

    assert found.rows[0] == {
        "credit_code": CODE, "site_no": "01", "name": "示例甲", "street": "310117105", "industry": "3484", "size": "medium",
        "above_scale": "yes", "mu": "12.5", "since": "2024-03-01",
    }  # fmt: skip
    assert (found.rows[1]["industry"], found.rows[1]["since"]) == ("39", "2024-05-06")


def test_every_kind_of_mistake_has_its_number_sheet_and_cell(office: Office, tmp_path: Path) -> None:
    """All mistakes of a sheet come at once, each at its cell; a credit code that Excel holds as a number is refused."""
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
    path = sheet(
        tmp_path / "a.xlsx", HEAD,
        [1, 913101170000000000, "甲", "新桥镇", "3484", "中型", 1, None],
        [2, CODE[:-1], "甲", "新桥镇", "3484", "中型", 1, None],
        [3, CODE[:-1] + "O", "甲", "新桥镇", "3484", "中型", 1, None],
        [4, wrong, "甲", "新桥镇", "3484", "中型", 1, None],
        [5, CODE, None, "某某镇", "0111", "巨型", "多", "昨天"],
        [6, None, "乙", "新桥镇", "3484", "中型", -1, "#N/A"],
    )  # fmt: skip

    page = "a.xlsx [名录]"
    assert mistakes(office, path) == [
        ("E03", page, "B2"), ("E04", page, "B3"), ("E05", page, "B4"), ("E06", page, "B5"),
        ("E02", page, "C6"), ("E09", page, "D6"), ("E10", page, "E6"), ("E12", page, "F6"), ("E11", page, "G6"), ("E08", page, "H6"),
        ("E02", page, "B7"), ("E11", page, "G7"), ("E18", page, "H7"),
    ]  # fmt: skip


def test_codes_that_begin_with_letters_are_taken(office: Office, tmp_path: Path) -> None:
    """The example of the standard and a code with a letter in front; a foreign inner check sign is a warning only."""
    from factory_kit.model.credit_code import check_sign

    strange = "Y1310117MA1J00001"
    strange += check_sign(strange)
    path = sheet(tmp_path / "a.xlsx", HEAD[1:3], [strange, "甲"], ["91350100M000100Y43", "乙"])
    found = read_sheet(path, "plants", office.units(), office.registers())

    assert {row["credit_code"] for row in found.rows} == {strange, "91350100M000100Y43"}
    assert {warning.message[:3] for warning in found.warnings} <= {"E07"}


def test_other_mistakes_are_numbered_too(office: Office, tmp_path: Path) -> None:
    """No headings, an entry twice, an end before its beginning, a plant nobody knows, a strange key."""
    assert mistakes(office, sheet(tmp_path / "a.xlsx", ["a", "b"]))[0][0] == "E01"
    assert mistakes(office, sheet(tmp_path / "b.xlsx", HEAD[1:3], [CODE, "甲"], [CODE, "乙"]))[0][0] == "E13"
    providers = sheet(
        tmp_path / "c.xlsx", ["服务商名称", "有效期起", "有效期止", "公钥"], ["甲", "2026-02-01", "2026-01-01", "RWkey"]
    )
    assert [each[0] for each in mistakes(office, providers, "providers")] == ["E14", "E17"]
    imported(office, sheet(tmp_path / "d.xlsx", HEAD[1:3], [CODE, "甲"]))
    unknown = sheet(tmp_path / "e.xlsx", ["信用代码", "填报单位", "起始日期"], [OTHER, "新桥镇", "2026-01-01"])
    assert mistakes(office, unknown, "plant_units")[0][0] == "E15"
    assert {number for number, text in MISTAKES.items() if not text.startswith(number.removesuffix("+"))} == set()


def test_unknown_columns_are_left_out_with_a_warning(office: Office, tmp_path: Path) -> None:
    """A column that no register has does not stop the import."""
    path = sheet(tmp_path / "a.xlsx", [*HEAD[1:3], "备注"], [CODE, "甲", "x"])

    found = read_sheet(path, "plants", office.units(), office.registers())
    assert [warning.message[:3] for warning in found.warnings] == ["E16"]


def test_editions_are_kept_and_the_same_sheet_twice_is_one(office: Office, tmp_path: Path) -> None:
    """A second import of the same rows changes nothing, another one is the next edition, the first stays."""
    first = imported(office, sheet(tmp_path / "a.xlsx", HEAD[1:3], [CODE, "甲"]))
    again = imported(office, sheet(tmp_path / "b.xlsx", HEAD[1:3], [CODE, "甲"]))
    second = imported(office, sheet(tmp_path / "c.xlsx", HEAD[1:3], [CODE, "甲"], [OTHER, "乙"]))

    assert [(each.number, each.new) for each in (first, again, second)] == [(1, True), (1, False), (2, True)]
    assert len(office.registers().plants) == 2
    assert sorted(path.name for path in (office.path / "registers").glob("plants-*")) == [
        "plants-0001.json",
        "plants-0002.json",
    ]


def test_an_edition_changed_by_hand_is_refused(office: Office, tmp_path: Path) -> None:
    """Registers are hashed like everything else."""
    imported(office, sheet(tmp_path / "a.xlsx", HEAD[1:3], [CODE, "甲"]))
    path = office.path / "registers" / "plants-0001.json"
    path.write_bytes(path.read_bytes().replace("甲".encode(), "乙".encode()))

    with pytest.raises(UsageError, match=r"plants-0001\.json: was changed by hand"):
        assert office.registers().plants


def test_units_have_dates_and_a_plant_may_have_several(office: Office, tmp_path: Path) -> None:
    """A plant of a town reports to a park from one day until another."""
    imported(office, sheet(tmp_path / "a.xlsx", HEAD[1:4], [CODE, "甲", "新桥镇"]))
    imported(
        office,
        sheet(
            tmp_path / "b.xlsx",
            ["信用代码", "填报单位", "起始日期", "终止日期"],
            [CODE, "松江经济技术开发区", "2026-02-01", "2026-03-01"],
        ),
        "plant_units",
    )
    registers = office.registers()

    days = (date(2026, 1, 31), date(2026, 2, 1), date(2026, 3, 2))
    assert [registers.units_of(CODE, "01", day) for day in days] == [
        ("310117105",),
        ("310117105", "sedz"),
        ("310117105",),
    ]


def test_plants_outside_the_register_are_marked_as_new(
    take: Take, office: Office, inbox: list[Submission], tmp_path: Path, change: Callable[[str, str], None]
) -> None:
    """A warning by default; returned where the campaign says so; a registered plant gets no word."""
    imported(office, sheet(tmp_path / "a.xlsx", HEAD[1:3], [CODE, "甲"]))
    known, new = take(inbox[0].path, inbox[1].path)
    change("kind: demo", "unknown_plants: return\nkind: demo")
    (returned,) = take(inbox[2].path)

    assert (known.rulings, new.outcome, [each.rule for each in new.rulings]) == ((), "accepted", ["R03"])
    assert (returned.outcome, [each.rule for each in returned.rulings]) == ("returned", ["R03"])
    assert "marked as new" in new.rulings[0].text()
    assert "ask the district to enter it" in returned.rulings[0].text()


def test_a_wrong_code_is_told_once(take: Take, office: Office, inbox: list[Submission], tmp_path: Path) -> None:
    """A code with a wrong last sign is in no register either; that goes without saying."""
    imported(office, sheet(tmp_path / "a.xlsx", HEAD[1:3], [CODE, "甲"]))
    (wrong,) = take(next(each.path for each in inbox if each.fault == "wrong credit code"))

    assert ["last sign" in each.text() for each in wrong.rulings] == [True]


def test_a_listed_providers_key_counts_while_it_is_listed(office: Office, tmp_path: Path) -> None:
    """The key in the sheet joins the ring with the dates of the list."""
    public = new_key(tmp_path / "p.key", "a long passphrase").public
    head = ["服务商名称", "有效期起", "有效期止", "公钥"]
    imported(
        office, sheet(tmp_path / "p.xlsx", head, ["示例诊断甲", "2026-01-01", "2026-12-31", public.text]), "providers"
    )

    trusted = office.keys().keys[public.key_id]
    assert (trusted.holder, trusted.roles, trusted.until) == ("示例诊断甲", ("provider",), "2026-12-31T23:59:59Z")
    assert SignatureState.VALID.value == "valid"


def test_unlisted_providers_are_named(take: Take, office: Office, inbox: list[Submission], tmp_path: Path) -> None:
    """R13 as a warning once there is a list; the period of the assessment decides."""
    head = ["服务商名称", "有效期起", "有效期止"]
    rows = [["示例诊断甲", "2026-01-01", None], ["示例诊断乙", "2026-09-15", None]]
    imported(office, sheet(tmp_path / "p.xlsx", head, *rows), "providers")

    listed, half, unknown = take(*(each.path for each in inbox[:3]))
    assert [[ruling.rule for ruling in each.rulings] for each in (listed, half, unknown)] == [[], ["R13"], ["R13"]]


@pytest.mark.parametrize("register", list(forms()))
def test_every_register_can_be_filled_by_its_own_headings(office: Office, tmp_path: Path, register: str) -> None:
    """A sheet with the first heading of every column and a fitting value is taken, in all registers."""
    values = {
        "credit_code": CODE, "site": "01", "text": "某", "unit": "新桥镇", "units": "新桥镇、松江经济技术开发区", "industry": "3484",
        "number": 3, "date": "2026-01-01", "class": "3484", "public_key": new_key(tmp_path / "k.key", "a long passphrase").public.text,
    }  # fmt: skip
    columns = forms()[register].columns
    row = [next(iter(c.choices.values()))[0] if c.choices else values[c.kind] for c in columns.values()]
    path = sheet(tmp_path / "a.xlsx", [column.heads[0] for column in columns.values()], row)

    found = read_sheet(path, register, office.units(), office.registers())
    assert set(found.rows[0]) == set(columns)
    assert found.warnings == ()


def test_the_divisions_of_manufacturing_are_complete() -> None:
    """13 to 43 without a gap, with their source and how sure it is."""
    assert list(industries().divisions) == [str(number) for number in range(13, 44)]
    assert industries().sources[0].confidence == "memory"


def test_csv_is_read_like_excel(office: Office, tmp_path: Path) -> None:
    """Saved by Excel as GBK, the same rows come out."""
    path = tmp_path / "a.csv"
    path.write_bytes(f"统一社会信用代码,企业名称,街镇\r\n{CODE},甲,新桥镇\r\n".encode("gb18030"))

    assert read_sheet(path, "plants", office.units(), office.registers()).rows[0]["street"] == "310117105"
