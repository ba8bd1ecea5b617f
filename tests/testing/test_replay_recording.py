"""What a file says, row by row, and the registers it becomes. Nothing is served here."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import DefinitionError, UsageError
from factory_kit.model.history import HistoryMap, MappedPoint
from factory_kit.model.sample import Quality
from factory_kit.testing.replay_modbus import FIRST_VALUE, block_of, units_of
from factory_kit.testing.replay_recording import EMPTY, Column, Recording, map_for, recording

SECOND = 1_000_000
AT = 1_773_022_473 * SECOND
"""2026-03-09 10:14:33 in Shanghai."""


def the_recording(tmp_path: Path, text: str, **more: bool) -> Recording:
    """What *text* says by the map that is proposed for it."""
    file = tmp_path / "pump.csv"
    file.write_text(text, encoding="utf-8")
    return recording(file, map_for(file, None, "Asia/Shanghai", "pump")[0], **more)


def test_rows_stand_in_the_order_of_time_and_of_two_values_the_later_one_counts(tmp_path: Path) -> None:
    """As in the store after an import: rows may come in any order, and a time that comes twice is one row."""
    rows = the_recording(
        tmp_path,
        "时间;a;b\n2026-03-09 10:14:35;3;x\n2026-03-09 10:14:33;1;y\n2026-03-09 10:14:35;4;\n2026-03-09 10:14:34;2;\n",
    )

    number, text = rows.columns
    assert rows.times.tolist() == [AT, AT + SECOND, AT + 2 * SECOND]
    assert number.value.tolist() == [1.0, 2.0, 4.0]
    assert (text.text, text.quality.tolist()) == (["y", None, "x"], [Quality.GOOD, EMPTY, Quality.GOOD])


def test_a_bad_mark_is_a_bad_value_and_an_empty_cell_is_none(tmp_path: Path) -> None:
    """A column whose first cells are empty begins later; one without any value is named and left out."""
    rows = the_recording(
        tmp_path, "时间;a;b;c\n2026-03-09 10:14:33;1;;\n2026-03-09 10:14:34;坏点;5;\n2026-03-09 10:14:35;;6;\n"
    )

    a, b = rows.columns
    assert a.quality.tolist() == [Quality.GOOD, Quality.BAD, EMPTY]
    assert b.first == 1
    assert rows.empty == ("c",)


def test_broken_rows_are_named_unless_they_may_be_left_out(tmp_path: Path) -> None:
    """The same lines as from an import."""
    whole = "".join(f"2026-03-09 10:15:{second:02};{second}\n" for second in range(20))
    broken = f"时间;a\n2026-03-09 10:14:33;1\n2026-02-30 10:14:34;2\n{whole}"
    with pytest.raises(DefinitionError, match=r"^pump\.csv:3: 时间: '2026-02-30 10:14:34' is no time"):
        the_recording(tmp_path, broken)

    assert the_recording(tmp_path, broken, skip_broken=True).columns[0].value.tolist() == [1.0, *range(20)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("时间\n2026-03-09 10:14:33\n", "no column besides the time"),
        ("时间;a\n2026-03-09 10:14:33;\n", "has no values; there is nothing to replay"),
        ("时间;a\n1926-03-09 10:14:33;1\n", "'1926-03-09 10:14:33' lies outside the years 1970 to 2199"),
    ],
)
def test_a_file_without_anything_to_replay_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong is said before anything is served."""
    with pytest.raises((UsageError, DefinitionError)) as caught:
        the_recording(tmp_path, text)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_columns_than_a_read_can_hold_go_on_in_another_unit(tmp_path: Path) -> None:
    """59 values beside row number and time fill the 125 registers of a read; each unit is a piece of equipment."""
    header = ";".join(f"c{number}" for number in range(130))
    rows = the_recording(tmp_path, f"时间;{header}\n2026-03-09 10:14:33;{';'.join('1' * 130)}\n")

    units = units_of(rows)
    assert [(unit.number, unit.equipment, len(unit.columns)) for unit in units] == [
        (1, "pump-modbus", 59),
        (2, "pump-modbus-2", 59),
        (3, "pump-modbus-3", 12),
    ]
    assert block_of(rows, units[0].columns).shape == (1, 124)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**53),
            st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=2, max_size=2),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[0],
    )
)
def test_a_block_gives_back_what_was_recorded(rows: list[tuple[int, list[float | None]]]) -> None:
    """Row number, time to the microsecond and every value as the nearest float32; NaN where there is no good one."""
    ordered = sorted(rows)
    columns = tuple(
        Column(
            MappedPoint(column=f"c{place}", equipment="pump", point=f"c{place}"),
            np.array([Quality.BAD if values[place] is None else Quality.GOOD for _time, values in ordered], np.int8),
            np.array([np.nan if values[place] is None else values[place] for _time, values in ordered]),
        )
        for place in range(2)
    )
    made = Recording("pump.csv", "", "UTC", np.array([time for time, _values in ordered]), columns)

    for row, words in enumerate(block_of(made, columns).tolist()):
        number, time, *values = struct.unpack(">IQff", struct.pack(f">{FIRST_VALUE + 4}H", *words))
        assert (number, time) == (row + 1, ordered[row][0])
        with np.errstate(over="ignore"):
            wanted = [float("nan") if value is None else float(np.float32(value)) for value in ordered[row][1]]
        assert np.array_equal(values, wanted, equal_nan=True)


def test_a_map_of_ones_own_is_used(tmp_path: Path) -> None:
    """Names, units and what is left out come from the map, as with an import."""
    (tmp_path / "pump.csv").write_text("t,a,b\n2026-03-09 10:14:33,1,2\n", encoding="utf-8")
    text = "map: 1\ntime: {columns: [t], timezone: Europe/Moscow}\nignore: [b]\npoints:\n  - {column: a, equipment: p1, point: speed}\n"
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")

    mapping, said = map_for(tmp_path / "pump.csv", tmp_path / "map.yaml", "UTC", "pump")

    assert isinstance(mapping, HistoryMap)
    assert said == text
    assert recording(tmp_path / "pump.csv", mapping).equipment == ("p1",)
