"""Loading indicators."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.indicator import all_indicators, indicator_folder

YAML = """\
indicator: share
rev: 1
label: {zh: 甲, en: a}
what: {zh: 甲, en: a}
unit: "1"
measure: {zh: 台, en: machines}
subjects: [plant]
roles: [state]
ledger: {zh: 台账, en: ledger}
least_coverage: "0.9"
sources: [{title: t}]
criteria:
  - model: m@1
    criterion: A.1.a
    bands: [{at_least: "0.95", score: "1"}, {at_least: "0.3", score: "0.5"}]
    source: {title: t}
"""


def folder(tmp_path: Path, text: str = YAML, sql: bytes = b"SELECT 1\n", name: str = "share") -> Path:
    """An indicator's folder."""
    made = tmp_path / name
    made.mkdir()
    (made / "indicator.yaml").write_text(text, encoding="utf-8")
    (made / "query.sql").write_bytes(sql)
    return made


def test_an_indicator_keeps_its_sql_byte_for_byte(tmp_path: Path) -> None:
    """The hash in every record is the hash of the file."""
    indicator = indicator_folder(folder(tmp_path, sql="SELECT 1 -- 占比\n".encode()))
    assert indicator.sql == "SELECT 1 -- 占比\n"
    assert indicator.sql_sha256 == "9b54007d68f519c789aea3cec2b6b851a1748ff4baa410d702e9cadc8e165215"


def test_all_mistakes_of_both_files_come_at_once(tmp_path: Path) -> None:
    """Bands that rise, an unknown role, a share above 1, Windows line ends: four lines, each with its place."""
    text = (
        YAML.replace('"0.95", score: "1"', '"0.2", score: "1"').replace("[state]", "[stat]").replace('"0.9"', '"1.9"')
    )
    with pytest.raises(DefinitionError) as caught:
        indicator_folder(folder(tmp_path, text, b"SELECT\r\n1\n"), "share")

    assert [str(problem).split(": ")[:2] for problem in caught.value.problems] == [
        ["share/indicator.yaml:8", "roles[0]"],
        ["share/indicator.yaml:10", "least_coverage"],
        ["share/indicator.yaml:13", "criteria[0]"],
        [
            "share/query.sql:1",
            "has Windows line ends or a byte order mark; save it with LF line ends, its hash counts every byte",
        ],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (YAML.replace("subjects: [plant]", "subjects: [equipment]"), "only a record of the plant proposes scores"),
        (YAML + "per: 60\n", "per is 60, expected a power of ten"),
        (YAML.replace("indicator: share", "indicator: other"), "'other' differs from the name of its folder"),
    ],
)
def test_a_definition_that_does_not_fit_together_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake is said in one line."""
    with pytest.raises(DefinitionError, match=message):
        indicator_folder(folder(tmp_path, text))


def test_a_missing_query_is_told(tmp_path: Path) -> None:
    """The folder needs both files."""
    made = folder(tmp_path)
    (made / "query.sql").unlink()
    with pytest.raises(DefinitionError, match=r"query\.sql: does not exist"):
        indicator_folder(made)


def test_the_first_folder_wins_and_ids_are_in_order(tmp_path: Path) -> None:
    """A workspace may replace a shipped indicator; the order does not depend on the disk."""
    (tmp_path / "own").mkdir()
    (tmp_path / "shipped").mkdir()
    folder(tmp_path / "own", sql=b"SELECT 2\n")
    folder(tmp_path / "shipped")
    folder(tmp_path / "shipped", YAML.replace("indicator: share", "indicator: age"), name="age")

    found = all_indicators([tmp_path / "own", tmp_path / "shipped", tmp_path / "missing"])
    assert [(name, each.sql) for name, each in found.items()] == [("age", "SELECT 1\n"), ("share", "SELECT 2\n")]
