"""Modbus frames and answers, byte by byte, without a line."""

from __future__ import annotations

import numpy as np
import pytest

from factory_kit.drivers.base import ReadRequest
from factory_kit.drivers.modbus.framing import ASCII, RTU, Found, crc16
from factory_kit.drivers.modbus.requests import (
    Objects,
    identification,
    identify,
    reading,
    require_reading,
    words_of,
)
from factory_kit.errors import DeviceRefused

TWO = ReadRequest(17, "holding", 0x6B, 2)
ANSWER = bytes([3, 4, 0xAE, 0x41, 0x56, 0x52])
REFUSED = bytes([0x83, 2])


def test_the_checks_are_those_of_the_standard() -> None:
    """Examples whose sums are published: CRC-16/MODBUS of 123456789 is 4B37, low byte first; the sum of an ASCII frame makes all bytes 0."""
    assert crc16(b"123456789") == bytes.fromhex("374B")
    assert RTU.wrap(1, bytes.fromhex("0300000001")) == bytes.fromhex("010300000001840A")
    assert ASCII.wrap(0xF7, bytes.fromhex("031389000A")) == b":F7031389000A60\r\n"


@pytest.mark.parametrize(
    ("request_", "pdu", "size", "service"),
    [
        (TWO, "03006B0002", 6, "function 3"),
        (ReadRequest(1, "input", 8, 125), "040008007D", 252, "function 4"),
        (ReadRequest(1, "coil", 19, 8), "0100130008", 3, "function 1"),
        (ReadRequest(1, "discrete", 0xC4, 9), "0200C40009", 4, "function 2"),
    ],
)
def test_a_question_says_how_long_its_answer_is(request_: ReadRequest, pdu: str, size: int, service: str) -> None:
    """Two bytes for each register, one for each eight bits begun, and two in front."""
    question = reading(request_)

    assert (question.unit, question.pdu.hex().upper(), question.size, question.service) == (
        request_.unit,
        pdu,
        size,
        service,
    )
    assert identify(5, 3) == (5, bytes([43, 14, 2, 3]), 0)
    assert (identify(5), identify(5).service) == ((5, bytes([43, 14, 2, 0]), 0), "function 43/14")


@pytest.mark.parametrize(
    "pdu", [b"", b"\x05\0\0\xff\0", b"\x06\0\0\0\0", b"\x10", b"\x2b", b"\x2b\x0d\x02\0", b"\0", b"\x17"]
)
def test_nothing_but_reading_is_ever_sent(pdu: bytes) -> None:
    """Writing, broadcasts, and what stands beside device identification under its function."""
    with pytest.raises(DeviceRefused, match=f"Modbus function {pdu[0] if pdu else 0} is not a reading one"):
        require_reading(pdu)


@pytest.mark.parametrize("pdu", [b"\x01", b"\x02", b"\x03", b"\x04", b"\x2b\x0e\x02\0"])
def test_reading_is_sent(pdu: bytes) -> None:
    """The four reading functions and device identification."""
    assert require_reading(pdu) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("request_", "answer", "words"),
    [
        (TWO, ANSWER, [0xAE41, 0x5652]),
        (TWO, ANSWER + b"\0", None),
        (TWO, ANSWER[:-1], None),
        (TWO, bytes([3, 3]) + ANSWER[2:], None),
        (ReadRequest(1, "coil", 0, 9), bytes([1, 2, 0b10000101, 0b11]), [1, 0, 1, 0, 0, 0, 0, 1, 1]),
        (ReadRequest(1, "coil", 0, 8), bytes([1, 1, 0b10000000]), [0, 0, 0, 0, 0, 0, 0, 1]),
        (ReadRequest(1, "discrete", 0, 9), bytes([2, 1, 0xFF]), None),
    ],
)
def test_an_answer_is_read_when_it_is_as_long_as_it_must_be(
    request_: ReadRequest, answer: bytes, words: list[int] | None
) -> None:
    """Registers most significant byte first, bits least significant first; neither shorter nor longer, and by its own count of bytes too."""
    found = words_of(answer, request_)

    assert (None if found is None else found.tolist()) == words
    assert found is None or found.dtype == np.uint16


HEAD = bytes([43, 14, 2, 0x81])


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (HEAD + bytes([0, 0, 0]), Objects({}, None)),
        (HEAD + bytes([0, 0, 2, 0, 2]) + b"AB" + bytes([1, 0]), Objects({0: b"AB", 1: b""}, None)),
        (HEAD + bytes([0, 0, 2, 0, 3]) + b"ABC" + bytes([5, 1]) + b"D", Objects({0: b"ABC", 5: b"D"}, None)),
        (HEAD + bytes([0xFF, 7, 1, 0, 1]) + b"A", Objects({0: b"A"}, 7)),
        (HEAD + bytes([0xFE, 7, 1, 0, 1]) + b"A", Objects({0: b"A"}, None)),
        (HEAD + bytes([0, 0, 1, 0, 2]) + b"A", None),
        (HEAD + bytes([0, 0, 2, 0, 1]) + b"A" + b"\1", None),
        (HEAD + bytes([0, 0]), None),
        (bytes([43, 13, 2, 0x81, 0, 0, 0]), None),
    ],
)
def test_an_identification_is_read_object_by_object(answer: bytes, found: Objects | None) -> None:
    """With the object to go on with where the device says that more follows; None where an object is cut off."""
    assert identification(answer) == found


@pytest.mark.parametrize("framing", [RTU, ASCII], ids=["RTU", "ASCII"])
@pytest.mark.parametrize("pdu", [ANSWER, REFUSED], ids=["answered", "refused"])
@pytest.mark.parametrize("noise", [b"", b"\0", b":", b"\x11", b"\x11\x03", b":11\r\n", b"\x11\x83\x02\xc1"])
def test_an_answer_is_found_behind_noise_and_not_before_its_end(framing: object, pdu: bytes, noise: bytes) -> None:
    """Where it begins and ends; with its last byte missing, or any byte wrong, it is none."""
    assert framing in {RTU, ASCII}
    chosen = RTU if framing is RTU else ASCII
    frame, question = chosen.wrap(17, pdu), reading(TWO)
    good = noise + frame

    assert chosen.find(good + b"rest", question) == Found(pdu, len(noise), len(good))
    assert chosen.find(good[:-1], question) is None
    assert chosen.size(question) == len(chosen.wrap(17, ANSWER))
    for place in range(len(noise), len(good)):
        changed = bytes([*good[:place], good[place] ^ 1, *good[place + 1 :]])
        assert chosen.find(changed, question) is None


@pytest.mark.parametrize("framing", [RTU, ASCII], ids=["RTU", "ASCII"])
@pytest.mark.parametrize(
    ("unit", "pdu"),
    [
        (18, ANSWER),
        (17, bytes([4]) + ANSWER[1:]),
        (17, bytes([3, 2, 1, 2])),
        (17, bytes([3, 4, 1, 2])),
        (17, bytes([3, 6]) + ANSWER[2:]),
        (17, bytes([3, 6]) + ANSWER[2:] + b"\0\0"),
        (17, bytes([0x84, 2])),
        (17, bytes([0x83, 2, 0])),
    ],
)
def test_what_answers_another_question_is_no_answer(framing: object, unit: int, pdu: bytes) -> None:
    """Another unit, function or length, however right its sum is."""
    chosen = RTU if framing is RTU else ASCII

    assert chosen.find(chosen.wrap(unit, pdu), reading(TWO)) is None


@pytest.mark.parametrize("framing", [RTU, ASCII], ids=["RTU", "ASCII"])
def test_an_identification_tells_its_length_itself(framing: object) -> None:
    """It is found whole and never in part; under its function another kind of answer is none; a refusal is one."""
    chosen = RTU if framing is RTU else ASCII
    question, pdu = identify(9), HEAD + bytes([0, 0, 2, 0, 3]) + b"ABB" + bytes([1, 2]) + b"M2"
    frame = chosen.wrap(9, pdu)

    assert chosen.find(frame, question) == Found(pdu, 0, len(frame))
    assert chosen.find(b"\0\1" + frame + b"\0", question) == Found(pdu, 2, 2 + len(frame))
    assert chosen.find(chosen.wrap(9, bytes([3, *pdu[1:]])), question) is None
    assert chosen.find(chosen.wrap(9, bytes([43])), question) is None
    assert all(chosen.find(frame[:size], question) is None for size in range(len(frame)))
    assert chosen.find(chosen.wrap(9, bytes([43, 13]) + pdu[2:]), question) is None
    assert chosen.find(chosen.wrap(9, bytes([0xAB, 1])), question) == Found(
        bytes([0xAB, 1]), 0, len(chosen.wrap(9, bytes([0xAB, 1])))
    )
    assert chosen.size(question) == len(chosen.wrap(9, bytes(7)))


@pytest.mark.parametrize("framing", [RTU, ASCII], ids=["RTU", "ASCII"])
def test_the_request_of_another_master_is_recognised(framing: object) -> None:
    """A request for reading or for writing one value, anywhere in what was heard; answers, other functions and noise are none."""
    chosen = RTU if framing is RTU else ASCII
    ask = bytes([0, 0x6B, 0, 2])

    for function, foreign in ((0, False), (1, True), (6, True), (7, False)):
        assert chosen.foreign(chosen.wrap(17, bytes([function]) + ask)) is foreign
    assert chosen.foreign(b"\0\1" + chosen.wrap(17, b"\3" + ask) + b"\2")
    assert not chosen.foreign(chosen.wrap(17, ANSWER))
    for cut in (slice(None, -1), slice(None, -2), slice(1, None)):
        assert not chosen.foreign(chosen.wrap(17, b"\3" + ask)[cut])
    assert not chosen.foreign(b"")


@pytest.mark.parametrize(
    "text", [b":1103\r\n", b":zz03\r\n", b":11 03 EC\r\n", b":\xff\xff\r\n", b"1103EC\r\n", b":\r\n", b":1103EC\n"]
)
def test_what_is_no_line_of_hexadecimal_digits_is_no_answer(text: bytes) -> None:
    """Too short, with other signs, blanks, without colon or end; a good one behind it is still found."""
    question = reading(TWO)
    frame = ASCII.wrap(17, ANSWER)

    assert ASCII.find(text, question) is None
    assert not ASCII.foreign(text)
    assert ASCII.find(text + frame, question) == Found(ANSWER, len(text), len(text) + len(frame))
    assert ASCII.find(b":11" + frame, question) == Found(ANSWER, 3, 3 + len(frame))


@pytest.mark.parametrize("blank", [b" ", b"\t", b"\n", b"\r", b"\v", b"\f"])
def test_an_answer_that_is_spelled_with_blanks_is_none(blank: bytes) -> None:
    """Python passes over them where it reads hexadecimal digits, the standard does not."""
    frame = ASCII.wrap(17, ANSWER)

    assert ASCII.find(frame[:3] + blank + frame[3:], reading(TWO)) is None
