from __future__ import annotations

from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import StoreDamaged
from factory_kit.store.disk import Disk
from factory_kit.store.lines import append_line, encode, parse, read_lines

ENTRIES = [{"n": 1, "name": "水泵\r\n\u2028"}, {"n": 2}, {"n": 3, "list": [1, None]}]
LOG = Path("log")


def test_lines_come_back(tmp_path: Path) -> None:
    """Entries come back as they were, Chinese and line ends inside them too."""
    for entry in ENTRIES:
        append_line(Disk(), tmp_path / "log", entry)

    assert read_lines(tmp_path / "log") == ENTRIES


@pytest.mark.parametrize("line", [b"00000000 ", b"00000000", b"%08x {" % google_crc32c.value(b"{")])
def test_a_line_that_says_nothing_is_damage(line: bytes) -> None:
    """The right checksum makes no line of what is no JSON; zeros are the checksum of nothing."""
    with pytest.raises(StoreDamaged, match="line 2 is damaged"):
        parse(encode(ENTRIES[0]) + line + b"\n" + encode(ENTRIES[1]), LOG)


@given(st.data())
def test_a_flipped_bit_is_damage(data: st.DataObject) -> None:
    """Any one flipped bit is found; no entry changes or goes silently."""
    content = bytearray(b"".join(encode(entry) for entry in ENTRIES))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8

    with pytest.raises(StoreDamaged, match=r"line \d is damaged"):
        parse(bytes(content), LOG)


@given(st.integers(1, 60))
def test_a_torn_last_line_counts_as_not_written(missing: int) -> None:
    """A log whose last line is not whole is the log without it."""
    whole = b"".join(encode(entry) for entry in ENTRIES)
    last = len(encode(ENTRIES[-1]))

    entries, good = parse(whole[: len(whole) - min(missing, last)], LOG)

    assert (entries, good) == (ENTRIES[:-1], len(whole) - last)


def test_zeros_at_the_end_are_a_torn_line(tmp_path: Path) -> None:
    """Blocks that a power cut left empty are cut off before the next line is written."""
    path = tmp_path / "log"
    path.write_bytes(encode(ENTRIES[0]) + bytes(600))

    append_line(Disk(), path, ENTRIES[1])

    assert read_lines(path) == ENTRIES[:2]
