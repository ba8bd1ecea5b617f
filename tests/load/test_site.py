"""Loading the site file."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.site import site_file

TEN_MISTAKES = """\
site: 1
kind: dmeo
plant:
  id: demo
  name: {zh: 示例, en: Example}
  credit_code: 91310117MA1J0000
  type: discrete
  industry: {code: 3484}
  timezone: Asia/Shangai
authorisation: {granted_by: A, reference: r, granted_on: 2026-13-01, valid_until: 2026-12-31, addresses: ["a:1"]}
servers:
  a: {driver: modbus, host: x, port: 99999}
  b: {driver: opcux, url: "opc.tcp://x:1"}
equipment:
  - {id: c1, name: {zh: 甲, en: b}, key: no, conector: x}
  - {id: c1, name: {zh: 乙, en: b}, connector: nothing, server: c}
"""

GOOD = """\
site: 1
kind: demo
plant:
  id: demo
  name: {zh: 示例, en: Example}
  credit_code: "913101170000000000"
  type: discrete
  industry: {code: "3484"}
equipment:
  - {id: c1, name: {zh: 甲, en: a}}
"""


def test_all_mistakes_of_a_site_file_are_reported_at_once(tmp_path: Path) -> None:
    """Twelve mistakes give twelve lines, each with file, line and path, in file order."""
    (tmp_path / "site.yaml").write_text(TEN_MISTAKES, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        site_file(tmp_path / "site.yaml", [])

    assert [str(problem).partition(": ")[0] + " " + problem.path for problem in caught.value.problems] == [
        "site.yaml:2 kind",
        "site.yaml:6 plant.credit_code",
        "site.yaml:8 plant.industry.code",
        "site.yaml:9 plant.timezone",
        "site.yaml:10 authorisation.granted_on",
        "site.yaml:12 servers.a.port",
        "site.yaml:13 servers.b",
        "site.yaml:15 equipment[0].conector",
        "site.yaml:15 equipment[0].key",
        "site.yaml:16 equipment[1].connector",
        "site.yaml:16 equipment[1].id",
        "site.yaml:16 equipment[1].server",
    ]


def test_no_is_not_read_as_false(tmp_path: Path) -> None:
    """``key: no`` is a mistake, not a silent false."""
    (tmp_path / "site.yaml").write_text(GOOD.replace("en: a}}", "en: a}, key: no}"), encoding="utf-8")

    with pytest.raises(DefinitionError, match="'no' is neither true nor false"):
        site_file(tmp_path / "site.yaml", [])


def test_a_good_site_is_read_with_or_without_bom(tmp_path: Path) -> None:
    """A byte order mark, as Windows editors write it, changes nothing."""
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8-sig")

    assert site_file(tmp_path / "a.yaml", []) == site_file(tmp_path / "b.yaml", [])


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (GOOD.replace("kind: demo", "kind: demo\nkind: real"), r"site.yaml:3: kind: given twice \(first on line 2\)"),
        (GOOD.replace("  type: discrete", "\ttype: discrete"), r"site.yaml:7: is indented with a tab; use blanks"),
        ("", r"site.yaml:1: is empty"),
        ("[1, 2", r"site.yaml:2: is not YAML"),
        (GOOD.rstrip() + "\n- id: pasted\n", r"site.yaml:\d+: is not YAML: this line stands further left or right"),
        ("- 1\n- 2\n", r"site.yaml:1: must be a group of keys and values"),
        (GOOD.replace("demo\nplant", "demo\nplannt"), r"site.yaml:3: plannt: is not a known key \(plant\?\)"),
    ],
    ids=["duplicate key", "tab", "empty", "half", "pasted at another indent", "list", "typo"],
)
def test_a_broken_file_says_where_and_what(tmp_path: Path, broken: str, expected: str) -> None:
    """Duplicate keys, tabs, empty files, cut files, wrong shapes and mistyped keys each give their place."""
    (tmp_path / "site.yaml").write_text(broken, encoding="utf-8")

    with pytest.raises(DefinitionError, match=expected):
        site_file(tmp_path / "site.yaml", [])


def test_a_gbk_file_is_named_as_such(tmp_path: Path) -> None:
    """A file saved in GBK is refused with the line of the first foreign byte and the remedy."""
    (tmp_path / "site.yaml").write_bytes(GOOD.encode("gbk"))

    with pytest.raises(DefinitionError, match=r"site.yaml:5: is not UTF-8 \(looks like GBK\); save it again as UTF-8"):
        site_file(tmp_path / "site.yaml", [])


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """A path that does not exist is said in one line."""
    with pytest.raises(DefinitionError, match=r"^site.yaml: does not exist; check the path$"):
        site_file(tmp_path / "site.yaml", [])


OPERATION = "operations:\n  - {{id: turning, name: {{zh: 车, en: t}}{more}}}\n"
SHIFTS = "calendar: {{shifts: [{{name: {{zh: 白班, en: Day}}, start: '08:00', end: '{end}', days: [mon, sun]}}, {{name: {{zh: 夜班, en: Night}}, start: '20:00', end: '{night}', days: [{day}]}}]}}\n"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (GOOD.replace("en: a}}", "en: a}, ideal_cycle_s: '-1'}"), "equipment[0].ideal_cycle_s: '-1' is too small"),
        (GOOD.replace("en: a}}", "en: a}, ideal_cycle_s: '1e400'}"), "equipment[0].ideal_cycle_s: '1e400' is too large"),
        (GOOD.replace("en: a}}", "en: a}, ideal_cycle_s: 'NaN'}"), "equipment[0].ideal_cycle_s: 'NaN' is not a number"),
        (GOOD.replace("en: a}}", "en: a}, feeds: [c9]}"), "equipment[0].feeds[0]: 'c9' is no equipment of this file"),
        (GOOD.replace("en: a}}", "en: a}, feeds: [c1]}"), "equipment[0].feeds[0]: a meter does not feed itself"),
        (GOOD.replace("en: a}}", "en: a}, control: wizard}"), "equipment[0].control: "),
        (GOOD + OPERATION.format(more=", equipment: [c9]"), "operations[0].equipment[0]: 'c9' is no equipment of this file"),
        (GOOD + OPERATION.format(more="") + OPERATION.format(more="").split("\n")[1], "operations[1].id: 'turning' is given twice"),
        (GOOD.replace("discrete", "discrete\n  timezone: Asia"), "plant.timezone: 'Asia' is no time zone"),
        (GOOD + "servers: {a: {driver: opcua, url: 'opc.tcp://[::1'}}\n", "servers.a.url: 'opc.tcp://[::1' does not have"),
        (GOOD + SHIFTS.format(end="22:00", night="06:00", day="mon"), "calendar.shifts[1]: overlaps with calendar.shifts[0]"),
        (GOOD + SHIFTS.format(end="20:00", night="09:00", day="sat"), "calendar.shifts[1]: overlaps with calendar.shifts[0]"),
        (GOOD + SHIFTS.format(end="20:00", night="08:01", day="sun"), "calendar.shifts[1]: overlaps with calendar.shifts[0]"),
    ],
)  # fmt: skip
def test_what_no_plant_can_have_is_named(tmp_path: Path, wrong: str, expected: str) -> None:
    """Numbers, names, zones and shifts that would only fail later are found when the file is read."""
    (tmp_path / "site.yaml").write_text(wrong, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        site_file(tmp_path / "site.yaml", [])

    assert [expected in str(problem) for problem in caught.value.problems] == [True]


def test_shifts_that_touch_are_right(tmp_path: Path) -> None:
    """A shift may begin where another ends, also over midnight and over the end of the week."""
    (tmp_path / "site.yaml").write_text(GOOD + SHIFTS.format(end="20:00", night="08:00", day="sun"), encoding="utf-8")

    assert len(site_file(tmp_path / "site.yaml", [])[0].calendar.shifts) == 2


def test_a_bomb_of_aliases_is_one_line(tmp_path: Path) -> None:
    """A few lines that would become billions of values are refused at once."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise("abcdefghijkl")]
    (tmp_path / "site.yaml").write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(DefinitionError, match=r"^site.yaml:1: its aliases \(\*\) repeat more than 10000 groups"):
        site_file(tmp_path / "site.yaml", [])


LINES = """\
servers:
  a: {driver: modbus, transport: rtu, host: x}
  b: {driver: modbus, transport: udp, host: x, connections: 2}
  c: {driver: modbus, transport: tcp}
  d: {driver: modbus, host: x, units: {300: {timeout_ms: 50}}}
  e: {driver: modbus, transport: rtu, serial: COM3, units: {3: {timeout_ms: 5}, 4: {timeout_ms: 50}}}
equipment:
  - {id: c1, name: {zh: 甲, en: a}, connector: meter, server: d, unit: 300}
"""


def test_mistakes_of_lines_and_units_come_with_those_of_the_connector(tmp_path: Path) -> None:
    """A serial line without its port, two connections over UDP, unit 300 and a point beyond address 65535: all at once, each with its line."""
    (tmp_path / "meter").mkdir()
    (tmp_path / "meter" / "connector.yaml").write_text(
        "connector: meter\nversion: '1'\nlabel: {zh: 表, en: m}\ndriver: modbus\nsources: [{title: m}]\nquality: {grade: bronze, because: x}\n",
        encoding="utf-8",
    )
    (tmp_path / "meter" / "points.csv").write_text(
        "name,label_zh,label_en,role,address,type\nend,末,End,other,holding:65535,uint32\n", encoding="utf-8"
    )
    (tmp_path / "site.yaml").write_text(GOOD[: GOOD.index("equipment:")] + LINES, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        site_file(tmp_path / "site.yaml", [tmp_path])

    said = [str(problem) for problem in caught.value.problems]
    assert [line.partition(": ")[0] for line in said] == [
        "connectors/meter/points.csv:2",
        "site.yaml:10",
        "site.yaml:11",
        "site.yaml:12",
        "site.yaml:13",
        "site.yaml:14",
        "site.yaml:16",
    ]
    assert "holding:65535 with 2 registers ends beyond address 65535" in said[0]
    assert "the transport rtu needs serial, the name of a serial port, and no host" in said[1]
    assert "300 is too large, expected at most 255" in said[6]


def test_operations_may_be_done_by_hand(tmp_path: Path) -> None:
    """An operation names its machines, or none."""
    text = GOOD + OPERATION.format(more=", key: true, equipment: [c1]") + "  - {id: deburring, name: {zh: 刺, en: d}}\n"
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")

    operations = site_file(tmp_path / "site.yaml", [])[0].operations
    assert [(each.id, each.key, each.equipment) for each in operations] == [
        ("turning", True, ("c1",)),
        ("deburring", False, ()),
    ]
