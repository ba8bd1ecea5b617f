"""Importing the exports of historians."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from factory_kit.collect import history
from factory_kit.collect.history import import_history
from factory_kit.collect.history_map import proposed_map
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_yaml
from factory_kit.model.history import HistoryMap
from factory_kit.store import Store

WIDE = """时间;主轴温度(℃);产量;备注
2026-03-09 10:14:33;25.5;1,200;开机
2026-03-09 10:14:34;坏点;1,201;
2026-03-09 10:14:35;;1,202;换刀
"""

LONG = """Historian export of line 1
Tag\tTimestamp\tValue\tQuality
T1\t2026/03/09 10:14:33\t25.5\tGood
T2\t2026/03/09 10:14:33\t7\tGood
T1\t2026/03/09 10:14:34\t25.6\tBad
"""


def a_map(text: str) -> HistoryMap:
    """The map that *text* writes."""
    return checked(parse_yaml(text, "map.yaml"), HistoryMap)


def rows_of(store: Store) -> list[tuple[object, ...]]:
    """Everything the store holds, readable."""
    table = store.query(
        "SELECT equipment, name, time, value, text, quality, origin FROM samples JOIN points USING (point) ORDER BY name, time"
    )
    return [tuple(str(cell) if key == "time" else cell for key, cell in row.items()) for row in table.to_pylist()]


def imported(tmp_path: Path, content: bytes, mapping: HistoryMap, *, skip_broken: bool = False) -> Store:
    """A store after the import of *content*."""
    (tmp_path / "export.csv").write_bytes(content)
    store = Store(tmp_path / "store")
    import_history(
        tmp_path / "export.csv",
        mapping,
        store,
        kind="demo",
        clock=lambda: 1_800_000_000_000_000,
        skip_broken=skip_broken,
    )
    return store


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_a_wide_export_with_chinese_headers_becomes_samples(tmp_path: Path, encoding: str) -> None:
    """Local time goes to UTC, thousands lose their commas, a bad mark becomes a bad sample, an empty cell none, whatever the encoding."""
    (tmp_path / "export.csv").write_bytes(WIDE.encode(encoding))
    mapping = a_map(proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "cnc-01"))

    store = imported(tmp_path, WIDE.encode(encoding), mapping)

    assert [
        (row[0], row[2], row[3] if row[3] == row[3] else None, row[4], row[5], row[6]) for row in rows_of(store)
    ] == [
        ("cnc-01", "2026-03-09 02:14:33", 25.5, None, 0, "imported"),
        ("cnc-01", "2026-03-09 02:14:34", None, None, 2, "imported"),
        ("cnc-01", "2026-03-09 02:14:33", 1200.0, None, 0, "imported"),
        ("cnc-01", "2026-03-09 02:14:34", 1201.0, None, 0, "imported"),
        ("cnc-01", "2026-03-09 02:14:35", 1202.0, None, 0, "imported"),
        ("cnc-01", "2026-03-09 02:14:33", None, "开机", 0, "imported"),
        ("cnc-01", "2026-03-09 02:14:35", None, "换刀", 0, "imported"),
    ]


def test_a_long_export_below_a_title_becomes_samples(tmp_path: Path) -> None:
    """Names become points, the quality column decides the quality, and the title line above the header is skipped."""
    (tmp_path / "export.csv").write_text(LONG, encoding="utf-8")
    mapping = a_map(proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "line-1"))

    store = imported(tmp_path, LONG.encode(), mapping)

    assert [(row[1], row[2], row[3], row[5]) for row in rows_of(store)] == [
        ("t1", "2026-03-09 02:14:33", 25.5, 0),
        ("t1", "2026-03-09 02:14:34", 25.6, 2),
        ("t2", "2026-03-09 02:14:33", 7.0, 0),
    ]


def test_european_numbers_are_read(tmp_path: Path) -> None:
    """A decimal comma with dots between thousands is proposed and read."""
    text = "Datum;Uhrzeit;Leistung (kW)\n09.03.2026;10:14:33;1.234,5\n09.03.2026;10:14:34;1.235,25\n"
    (tmp_path / "export.csv").write_text(text, encoding="utf-8")
    mapping = a_map(proposed_map(tmp_path / "export.csv", "Europe/Berlin", "m1"))

    assert [row[3] for row in rows_of(imported(tmp_path, text.encode(), mapping))] == [1234.5, 1235.25]


BROKEN = """时间;a
2026-03-09 10:14:33;1
2026-02-30 10:14:34;2
2026-03-09 10:14:35;3;4
2026-03-09 10:14:36;x
2026-03-09 10:14:37;5
"""

MAP = """map: 1
separator: ";"
time: {columns: [时间], timezone: Asia/Shanghai}
points:
  - {column: a, equipment: m, point: a}
"""


def test_broken_rows_are_all_named_and_nothing_is_written(tmp_path: Path) -> None:
    """A date that does not exist, a row of another width and a word among numbers give three lines; the store stays empty."""
    with pytest.raises(DefinitionError) as caught:
        imported(tmp_path, BROKEN.encode(), a_map(MAP))

    assert str(caught.value).splitlines() == [
        "export.csv:3: 时间: '2026-02-30 10:14:34' is no time of the form %Y-%m-%d %H:%M:%S in Asia/Shanghai",
        "export.csv:4: has 3 cells, expected 2",
        "export.csv:5: a: 'x' is no number; mark it in bad, or give the column the type string",
    ]
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_broken_rows_can_be_left_out_and_are_counted(tmp_path: Path) -> None:
    """With skip_broken the whole rows arrive and the loss ledger counts the others."""
    store = imported(tmp_path, BROKEN.encode(), a_map(MAP), skip_broken=True)

    assert [row[3] for row in rows_of(store)] == [1.0, 5.0]
    assert store.query("SELECT delivered, dropped FROM loss_ledger").to_pylist() == [{"delivered": 2, "dropped": 3}]


def test_an_hour_that_does_not_exist_in_the_zone_is_a_broken_row(tmp_path: Path) -> None:
    """02:30 on the night the clocks go forward never was."""
    text = "时间;a\n2026-03-29 02:30:00;1\n2026-03-29 03:30:00;2\n"

    with pytest.raises(DefinitionError, match=r"export\.csv:2: 时间: '2026-03-29 02:30:00' is no time"):
        imported(tmp_path, text.encode(), a_map(MAP.replace("Asia/Shanghai", "Europe/Berlin")))


def test_a_column_that_nobody_mapped_is_named(tmp_path: Path) -> None:
    """A column must be mapped or ignored on purpose: silence loses data."""
    with pytest.raises(DefinitionError, match=r"export\.csv:1: b: this column is neither mapped nor ignored"):
        imported(tmp_path, "时间;a;b\n2026-03-09 10:14:33;1;2\n".encode(), a_map(MAP))


def test_two_names_that_look_alike_become_two_points(tmp_path: Path) -> None:
    """Proposed point names never collide."""
    text = "时间;温度;压力;temp (C);temp (K)\n2026-03-09 10:14:33;1;2;3;4\n"
    (tmp_path / "export.csv").write_text(text, encoding="utf-8")

    mapping = a_map(proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "m"))

    assert [point.point for point in mapping.points] == ["point_1", "point_2", "temp", "temp_4"]


def test_a_time_without_offset_among_times_with_one_is_a_broken_row(tmp_path: Path) -> None:
    """Nobody can say what the second row means, so it is named instead of being taken for UTC."""
    text = "时间;a\n2026-03-09T10:14:33+08:00;1\n2026-03-09T10:14:34;2\n"
    mapping = a_map(MAP.replace("timezone:", "format: iso, timezone:"))

    with pytest.raises(DefinitionError, match=r"export\.csv:3: 时间: "):
        imported(tmp_path, text.encode(), mapping)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2026-03-09 10:14:33;1e400", "export.csv:2: x: '1e400' is no number"),
        ("2026-03-09 10:14:33;-inf", "export.csv:2: x: '-inf' is no number"),
        ("0001-01-01 00:00:00;1", "export.csv:2: t: '0001-01-01 00:00:00' lies outside the years 1970 to 2199"),
        ("9999-12-31 23:59:59;1", "export.csv:2: t: '9999-12-31 23:59:59' lies outside the years 1970 to 2199"),
    ],
)
def test_numbers_and_times_that_cannot_be_are_broken_rows(tmp_path: Path, row: str, expected: str) -> None:
    """A number too large for a double and the days with which historians say "unknown" are named with their line."""
    mapping = a_map(
        'map: 1\nseparator: ";"\nlayout: wide\ntime: {columns: [t], format: "%Y-%m-%d %H:%M:%S", timezone: Asia/Shanghai}\n'
        'points: [{column: x, equipment: m, point: x, role: other, unit: ""}]\n'
    )

    with pytest.raises(DefinitionError) as caught:
        imported(tmp_path, f"t;x\n{row}\n2026-03-09 10:14:34;1\n".encode(), mapping)

    assert [str(problem).startswith(expected) for problem in caught.value.problems] == [True]
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "export.csv:1: is empty"), (b"\n\n", "export.csv:1: is empty"), (b"\0" * 300_000, "export.csv: cannot be read as a table")],
)  # fmt: skip
def test_no_map_is_proposed_from_what_is_no_table(tmp_path: Path, content: bytes, expected: str) -> None:
    """An empty file and one long line are said in one line."""
    (tmp_path / "export.csv").write_bytes(content)

    with pytest.raises(DefinitionError) as caught:
        proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "line-1")

    assert [str(problem).startswith(expected) for problem in caught.value.problems] == [True]


def test_a_proposed_map_keeps_every_sign_of_a_header(tmp_path: Path) -> None:
    """Line ends, quotes and backslashes inside a column name do not break the map."""
    (tmp_path / "export.csv").write_text('t,"a: {b}\n ""#"" \\x"\n2026-03-09 10:14:33,1\n', encoding="utf-8")

    mapping = a_map(proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "line-1"))

    assert [point.column for point in mapping.points] == ['a: {b}\n "#" \\x']


@pytest.mark.parametrize(
    ("zone", "equipment"), [("Mars/X", "line-1"), ("Asia", "line-1"), ("Asia/Shanghai", "A {b}: \n x")]
)
def test_a_map_is_not_proposed_with_words_it_could_not_hold(tmp_path: Path, zone: str, equipment: str) -> None:
    """A zone that does not exist and a name that is none are wrong use."""
    (tmp_path / "export.csv").write_text("t,x\n2026-03-09 10:14:33,1\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"is no time zone|cannot be the name of equipment"):
        proposed_map(tmp_path / "export.csv", zone, equipment)


@pytest.mark.skipif(sys.platform != "linux", reason="only here a file can have any bytes for a name")
def test_an_export_whose_name_is_no_utf_8_is_imported(tmp_path: Path) -> None:
    """Old zip programs unpack names in GBK: the run names the file so."""
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + "一车间.csv".encode("gbk")))
    file.write_text("时间;a\n2026-03-09 10:14:33;1\n", encoding="utf-8")
    store = Store(tmp_path / "store")

    import_history(file, a_map(MAP), store, kind="demo", clock=lambda: 1_800_000_000_000_000)

    assert store.query("SELECT what FROM runs").to_pylist() == [{"what": "import 一车间.csv"}]


@pytest.mark.parametrize(
    ("signs", "cell", "expected"),
    [
        ('thousands: ","', "3,5", None),
        ('thousands: ","', "1,2,3", None),
        ('thousands: ","', "1234,567", None),
        ('thousands: ","', ",5", None),
        ('thousands: ","', "-1,234,567.5", -1234567.5),
        ('thousands: ","', "1e3", 1000.0),
        ('decimal: ",", thousands: "."', "3.5", None),
        ('decimal: ",", thousands: "."', "1.234,5", 1234.5),
        ('decimal: ",", thousands: "."', "1.234", 1234.0),
        ('thousands: "\'"', "12'345", 12345.0),
    ],
)
def test_thousands_stand_in_groups_of_three(tmp_path: Path, signs: str, cell: str, expected: float | None) -> None:
    """A sign between thousands that stands elsewhere is no number: 3,5 does not become 35."""
    mapping = a_map(MAP + "\n".join(signs.split(", ")) + "\n")
    content = f"时间;a\n2026-03-09 10:14:33;{cell}\n2026-03-09 10:14:34;7\n".encode()

    assert [row[3] for row in rows_of(imported(tmp_path, content, mapping, skip_broken=True))] == (
        [7.0] if expected is None else [expected, 7.0]
    )


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("08/03/2026 10:14:33.250", "%d/%m/%Y %H:%M:%S.%f"),
        ("3/28/2026 1:05:00 PM", "%m/%d/%Y %I:%M:%S %p"),
        ("2026-03-08T10:14:33.5+08:00", "%Y-%m-%dT%H:%M:%S.%f%z"),
        ("2026/03/08 10:14:33.125", "%Y/%m/%d %H:%M:%S.%f"),
        ("28.03.2026 10:14", "%d.%m.%Y %H:%M"),
    ],
)
def test_the_time_of_other_historians_is_recognised(tmp_path: Path, said: str, form: str) -> None:
    """Parts of a second, twelve hours and offsets are proposed as they are written."""
    (tmp_path / "export.csv").write_text(f"t;a\n{said};1\n", encoding="utf-8")

    assert a_map(proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "m")).time.format == form


def test_a_map_says_where_day_and_month_could_change_places(tmp_path: Path) -> None:
    """3/8 may be a day of March or of August: the other form stands in a remark, unless some day is above twelve."""
    (tmp_path / "export.csv").write_text("t;a\n03/08/2026 10:14:33;1\n", encoding="utf-8")
    (tmp_path / "clear.csv").write_text("t;a\n13/08/2026 10:14:33;1\n", encoding="utf-8")

    doubtful, clear = (proposed_map(tmp_path / name, "Asia/Shanghai", "m") for name in ("export.csv", "clear.csv"))

    assert "could be the other way round: %m/%d/%Y %H:%M:%S" in doubtful
    assert "other way round" not in clear


@pytest.mark.parametrize(
    ("seen", "good"),
    [
        (("192", "0", "216", "64"), {"192", "216"}),
        (("0", "2150891520"), {"0"}),
        (("Good", "Bad", "Uncertain"), {"Good"}),
    ],
)
def test_what_good_means_is_proposed_from_the_file(tmp_path: Path, seen: tuple[str, ...], good: set[str]) -> None:
    """0 is good among the codes of OPC UA and bad among those of OPC DA, where 192 is good."""
    rows = "".join(f"T1;2026-03-09 10:14:{second};1;{text}\n" for second, text in enumerate(seen, 10))
    (tmp_path / "export.csv").write_text("Tag;Time;Value;Quality\n" + rows, encoding="utf-8")

    assert set(a_map(proposed_map(tmp_path / "export.csv", "Asia/Shanghai", "m")).good) & set(seen) == good


ONE = """map: 1
separator: ";"
decimal: "{decimal}"
time: {{columns: [t], format: "{form}", timezone: Asia/Shanghai}}
points: [{{column: a, equipment: m1, point: a, type: {kind}}}]
"""


def one_column(
    tmp_path: Path, rows: str, *, form: str = "%Y-%m-%d %H:%M", decimal: str = ".", kind: str = "float64"
) -> list[tuple[str, object]]:
    """Time and value or text of what is imported from *rows* of a time and one column."""
    mapping = a_map(ONE.format(form=form, decimal=decimal, kind=kind))
    store = imported(tmp_path, f"t;a\n{rows}".encode(), mapping, skip_broken=True)
    return [(str(time), value if text is None else text) for _, _, time, value, text, _, _ in rows_of(store)]


@pytest.mark.parametrize("kind", ["float64", "string"])
def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path: Path, kind: str) -> None:
    """It would take the rest of the file into one cell: the file is refused even where broken rows are left out."""
    rows = '2026-03-09 10:14;1\n2026-03-09 10:15;"2\n2026-03-09 10:16;3\n2026-03-09 10:17;4\n'

    with pytest.raises(DefinitionError, match="the quote opened on line 3 is never closed"):
        one_column(tmp_path, rows, kind=kind)


def test_quotes_round_lines_are_texts(tmp_path: Path) -> None:
    """A closed quote may hold line ends, also at the very end of the file, and quotes of its own."""
    assert one_column(tmp_path, '2026-03-09 10:14;"a\n""b"""', kind="string") == [("2026-03-09 02:14:00", 'a\n"b"')]


def test_a_point_is_no_decimal_sign_where_the_comma_is(tmp_path: Path) -> None:
    """1.500 in a file with decimal commas is no 1.5: it is a broken row, unless thousands are said to have points."""
    rows = "2026-03-09 10:14;1,5\n2026-03-09 10:15;1.500\n"

    assert one_column(tmp_path, rows, decimal=",") == [("2026-03-09 02:14:00", 1.5)]


@pytest.mark.parametrize("form", ["iso", "%Y-%m-%d %H:%M"])
def test_words_are_no_times(tmp_path: Path, form: str) -> None:
    """What some libraries take for a time, now or today, is never the time of a sample."""
    assert one_column(tmp_path, "2026-03-09 10:14;1\nnow;2\ntoday;3\n", form=form) == [("2026-03-09 02:14:00", 1.0)]


def test_offsets_of_hours_alone_are_offsets(tmp_path: Path) -> None:
    """PostgreSQL writes +08; a time without any among them is a broken row, as among other offsets."""
    rows = "2026-03-09 10:14:33+08;1\n2026-03-09 10:14:34+09;2\n2026-03-09 10:14:35+08:00;3\n2026-03-09 10:14:36;4\n"

    assert one_column(tmp_path, rows, form="iso") == [
        ("2026-03-09 01:14:34", 2.0), ("2026-03-09 02:14:33", 1.0), ("2026-03-09 02:14:35", 3.0),
    ]  # fmt: skip


def test_a_named_zone_is_the_zone(tmp_path: Path) -> None:
    """A time that says UTC is one of UTC."""
    assert one_column(tmp_path, "2026-03-09 10:14 UTC;1\n", form="%Y-%m-%d %H:%M %Z") == [("2026-03-09 10:14:00", 1.0)]


@pytest.mark.parametrize("form", ["%Q", "mixed", "yyyy-MM-dd"])
def test_a_form_that_is_none_is_told(tmp_path: Path, form: str) -> None:
    """A form of time that nobody understands, or that lets a library guess day and month, is one line."""
    with pytest.raises(DefinitionError, match=r"export\.csv: time\.format: cannot be read \(.*\)$"):
        one_column(tmp_path, "2026-03-09 10:14;1\n", form=form)


def test_different_values_of_one_moment_are_counted(tmp_path: Path) -> None:
    """Times to the minute with a value a second: only the last of each minute stands, and the import says how many do not."""
    (tmp_path / "export.csv").write_text("t;a\n" + "".join(f"2026-03-09 10:1{at // 4};{at // 2}\n" for at in range(8)))
    mapping = a_map(ONE.format(form="%Y-%m-%d %H:%M", decimal=".", kind="float64"))
    store = Store(tmp_path / "store")

    done = import_history(tmp_path / "export.csv", mapping, store, kind="demo", clock=lambda: 1_800_000_000_000_000)

    assert (done.samples, done.overruled) == (8, 2)
    assert [value for _, _, _, value, _, _, _ in rows_of(store)] == [1.0, 3.0]


def test_wide_tables_are_read_in_pieces_of_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wider the table the fewer rows at once, with the same samples."""
    whole = imported(tmp_path / "1", *_wide(tmp_path / "1"))
    monkeypatch.setattr(history, "CELLS_AT_ONCE", 10)

    assert rows_of(imported(tmp_path / "2", *_wide(tmp_path / "2"))) == rows_of(whole)
    assert len(rows_of(whole)) == 7 * 9
    assert max(map(len, history.read_history(tmp_path / "2" / "export.csv", _wide(tmp_path / "2")[1]))) == 1


def _wide(folder: Path) -> tuple[bytes, HistoryMap]:
    folder.mkdir(exist_ok=True)
    names = [f"c{number}" for number in range(9)]
    rows = "".join(f"2026-03-09 10:1{row};" + ";".join(str(row * 9 + at) for at in range(9)) + "\n" for row in range(7))
    points = ", ".join(f"{{column: {name}, equipment: m1, point: {name}}}" for name in names)
    head = ONE.format(form="%Y-%m-%d %H:%M", decimal=".", kind="float64").rpartition("points:")[0]
    return f"t;{';'.join(names)}\n{rows}".encode(), a_map(f"{head}points: [{points}]\n")
