"""Tables of the workspace that a product joins."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError, FactoryKitError
from factory_kit.model.definition import Text
from factory_kit.model.product import LabelTable
from factory_kit.pack.labels import read_labels

TABLE = LabelTable(
    table="inspection",
    description=Text(zh="检验", en="Inspection"),
    columns={"machine": "string", "at": "timestamp", "cycle": "integer", "length": "number", "good": "boolean"},
)


def written(folder: Path, text: str, encoding: str = "utf-8-sig") -> Path:
    """The folder with *text* as the table."""
    (folder / "inspection.csv").write_bytes(text.encode(encoding))
    return folder


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    """Columns in another order and more than asked; times become UTC, empty cells no value, empty lines nothing."""
    text = "at,machine,remark,cycle,good,length\n2026-03-02T08:00:00+08:00,m-1,x,7,是,1.5\n\n2026-03-02T00:00:05Z,m-1,x,,no,\n"

    (found,) = read_labels(written(tmp_path, text), [TABLE])

    assert found.rows.to_pylist() == [
        {"machine": "m-1", "at": datetime(2026, 3, 2), "cycle": 7, "length": 1.5, "good": True},  # noqa: DTZ001 - spans are naive UTC
        {"machine": "m-1", "at": datetime(2026, 3, 2, 0, 0, 5), "cycle": None, "length": None, "good": False},  # noqa: DTZ001
    ]
    assert found.source() == {"table": "inspection", "rows": "2", "sha256": found.sha256}


def test_all_mistakes_of_a_table_are_said_with_their_lines(tmp_path: Path) -> None:
    """A time without zone, half a cycle, a length that is none, and a word that is neither yes nor no."""
    text = "machine,at,cycle,length,good\nm,2026-03-02T08:00:00,1,1,yes\nm,2026-03-02T08:00:00Z,1.5,nan,maybe\n"

    with pytest.raises(DefinitionError) as caught:
        read_labels(written(tmp_path, text), [TABLE])

    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (2, "at"),
        (3, "cycle"),
        (3, "good"),
        (3, "length"),
    ]


def test_a_table_without_a_column_or_in_another_encoding_is_said(tmp_path: Path) -> None:
    """The columns that are missing by name; GB 18030 with what to do."""
    with pytest.raises(DefinitionError, match="lacks the columns cycle, length, good"):
        read_labels(written(tmp_path, "machine,at\n"), [TABLE])
    with pytest.raises(DefinitionError, match="is not UTF-8; save it as CSV UTF-8"):
        read_labels(written(tmp_path, "machine,at,cycle,length,good\n一号机,,,,\n", "gb18030"), [TABLE])


def test_a_table_that_must_be_there_is_asked_for(tmp_path: Path) -> None:
    """Missing where it is required: one line; empty with its columns where it is not."""
    with pytest.raises(FactoryKitError, match=r"inspection\.csv: is missing; the product joins this table"):
        read_labels(tmp_path, [TABLE])

    (empty,) = read_labels(None, [TABLE.model_copy(update={"required": False})])
    assert (empty.rows.num_rows, empty.rows.column_names, empty.sha256) == (0, list(TABLE.columns), "")


def test_a_table_cannot_take_the_place_of_the_samples() -> None:
    """Names that build.sql has already are refused."""
    with pytest.raises(ValueError, match=r"samples is a table that build\.sql has already"):
        LabelTable(table="samples", description=Text(zh="-", en="-"), columns={"a": "string"})
