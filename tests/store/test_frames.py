from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from factory_kit.store.frames import PREFIX, Kind, encode, prefix, scan

IDENTITY = b"12345678"
payloads = st.lists(st.binary(max_size=40).map(lambda data: data.ljust(-(-len(data) // 8) * 8)), max_size=6)


def _file(parts: list[bytes], synced: int = PREFIX) -> bytes:
    frames = [encode(IDENTITY, Kind.SAMPLES, number, synced, part) for number, part in enumerate(parts)]
    return prefix(IDENTITY) + b"".join(frames)


@given(payloads)
def test_what_was_framed_comes_back(parts: list[bytes]) -> None:
    """Every payload comes back whole and in order, and nothing is bad."""
    result = scan(_file(parts), IDENTITY)

    assert [bytes(frame.payload) for frame in result.frames] == parts
    assert (result.bad, result.damaged) == ((), False)


@given(payloads, st.data())
def test_a_flipped_bit_never_passes(parts: list[bytes], data: st.DataObject) -> None:
    """With any one bit flipped, each payload that comes back is one that was written."""
    content = bytearray(_file(parts))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8

    result = scan(bytes(content), IDENTITY)

    assert result.bad
    assert len(result.frames) >= len(parts) - 1 or result.damaged
    assert all(bytes(frame.payload) == parts[frame.number] for frame in result.frames)


@given(payloads, st.data())
def test_a_cut_end_gives_the_records_before_it(parts: list[bytes], data: st.DataObject) -> None:
    """A file cut anywhere behind its first bytes gives exactly the records that are still whole."""
    content = _file(parts)
    cut = data.draw(st.integers(PREFIX, len(content)))

    result = scan(content[:cut], IDENTITY)

    assert [bytes(frame.payload) for frame in result.frames] == parts[: len(result.frames)]
    assert result.good_to <= cut
    assert not result.damaged


def test_a_bad_stretch_below_what_was_flushed_is_damage() -> None:
    """What had been on the disk and is no longer whole is damage; the torn end of a power cut is not."""
    first = prefix(IDENTITY) + encode(IDENTITY, Kind.SAMPLES, 0, PREFIX, b"a" * 8)
    flushed = first + encode(IDENTITY, Kind.SAMPLES, 1, len(first), b"b" * 8)
    unflushed = first + encode(IDENTITY, Kind.SAMPLES, 1, PREFIX, b"b" * 8)
    hole = slice(PREFIX + 36, PREFIX + 37)

    for content, damaged in ((flushed, True), (unflushed, False)):
        broken = bytearray(content)
        broken[hole] = b"?"
        result = scan(bytes(broken), IDENTITY)
        assert [frame.number for frame in result.frames] == [1]
        assert result.damaged is damaged


def test_a_record_of_another_file_is_not_taken() -> None:
    """A whole record that belongs to another segment, left over on the disk, is a bad stretch."""
    stale = encode(b"87654321", Kind.SAMPLES, 0, PREFIX, b"old data")

    assert scan(prefix(IDENTITY) + stale, IDENTITY).frames == ()
