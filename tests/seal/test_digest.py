"""Hashes."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import SealError
from factory_kit.seal import digest, digest_file
from factory_kit.seal.digest import Met


@pytest.mark.parametrize(
    ("content", "sm3"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_examples_of_the_standard(content: bytes, sm3: str) -> None:
    """The two examples of GB/T 32905-2016, annex A."""
    assert digest([content]).sm3 == sm3


@given(st.lists(st.binary(max_size=50)))
def test_pieces_do_not_matter(pieces: list[bytes]) -> None:
    """The digest of pieces is that of the whole."""
    whole = b"".join(pieces)

    assert digest(pieces) == digest([whole])
    assert digest(pieces).sha256 == hashlib.sha256(whole).hexdigest()
    assert digest(pieces).size == len(whole)


def test_what_was_met_is_known_by_every_byte() -> None:
    """The sha256 that somebody claims only says where to look: other bytes get their own digest."""
    met = Met(most=2)
    first = met.digest(b"model")
    assert first == digest([b"model"])
    assert met.digest(b"modem", claimed=first.sha256) == digest([b"modem"])
    assert met.digest(b"model", claimed=first.sha256) is first


def test_the_oldest_is_forgotten() -> None:
    """Not more is kept than was asked for, and nothing longer."""
    met = Met(most=2, longest=3)
    digests = [met.digest(content) for content in (b"a", b"b", b"c", b"long")]
    again = [met.digest(content) for content in (b"c", b"b", b"a", b"long")]
    assert [found is known for found, known in zip(again, digests[2::-1] + digests[3:], strict=True)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert again == digests[2::-1] + digests[3:]


def test_large_files_are_hashed_in_little_memory(tmp_path: Path) -> None:
    """A file of 40 MiB is hashed in less than 4 MiB."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(40 << 20)
    tracemalloc.start()

    found = digest_file(path)

    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert found.sha256 == hashlib.sha256(bytes(40 << 20)).hexdigest()


def test_a_missing_file_is_said_in_one_line(tmp_path: Path) -> None:
    """What cannot be read is named."""
    with pytest.raises(SealError, match=r"nothing: cannot be read \(No such file"):
        digest_file(tmp_path / "nothing")
