"""Serial lines through real pseudo terminals, with a device built on libmodbus at the other end and trouble in between."""

from __future__ import annotations

import asyncio
import math
import os
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerAscii, FramerRTU
from pymodbus.pdu import DecodePDU

from factory_kit.collect.plausible import Plausible
from factory_kit.drivers.base import Answer, Context, ReadRequest
from factory_kit.drivers.modbus.framing import ASCII, RTU, crc16
from factory_kit.drivers.modbus.line import Line, Pace
from factory_kit.drivers.modbus.reader import ModbusDevice
from factory_kit.drivers.modbus.requests import Question, identify, reading
from factory_kit.drivers.modbus.wire import Crowded
from factory_kit.drivers.status import Status
from factory_kit.model.connector import Point
from factory_kit.model.site import ModbusServer
from factory_kit.testing.noisyline import Faults, NoisyLine

SOAK = int(os.environ.get("FACTORY_KIT_SOAK_REQUESTS", "0"))
"""How many requests the long form sends; the short form, in the suite, sends some hundred."""
LINES = 8
"""How many lines the long form reads at once."""


@dataclass
class Rig:
    """A line with a libmodbus device, unit 1, at its other end."""

    line: NoisyLine
    faults: Faults

    def device(self, **more: Any) -> ModbusDevice:
        settings = {
            "transport": "rtu",
            "serial": self.line.master,
            "baud": 115200,
            "parity": "none",
            "timeout_ms": 400,
            "retries": 0,
        }
        server = ModbusServer.model_validate({"driver": "modbus", **settings, **more})
        return ModbusDevice(server, Context(now=lambda: 0))

    def run(self, test: Callable[[ModbusDevice], Awaitable[None]], **more: Any) -> None:
        async def main() -> None:
            device = self.device(**more)
            await device.connect()
            try:
                await test(device)
            finally:
                await device.aclose()

        asyncio.run(asyncio.wait_for(main(), 3600))


@pytest.fixture
def rig(system_tool: Callable[[str], str], modbus_program: Callable[[str], Path]) -> Iterator[Callable[..., Rig]]:
    """A line with the faults asked for, and a libmodbus device behind it."""
    system_tool("socat")
    program = modbus_program("modbus_server")
    open_lines: list[tuple[NoisyLine, subprocess.Popen[bytes]]] = []

    def made(seed: int = 1, device: bool = True, **faults: Any) -> Rig:
        wanted = Faults(**faults)
        line = NoisyLine(wanted, seed).__enter__()
        process = subprocess.Popen(
            [program, "rtu", line.device] if device else ["sleep", "600"], stdout=subprocess.PIPE
        )
        if device:
            assert process.stdout is not None
            process.stdout.readline()
        open_lines.append((line, process))
        return Rig(line, wanted)

    yield made
    for line, process in open_lines:
        process.terminate()
        process.communicate()
        line.__exit__(None, None, None)


def _right(answer: Answer, request: ReadRequest) -> bool:
    assert answer.words is not None
    return answer.words.tolist() == list(range(request.address, request.address + request.count))


@pytest.mark.wire
@pytest.mark.system
@pytest.mark.parametrize("echo", [False, True])
def test_a_libmodbus_device_is_read_over_a_serial_line(rig: Any, echo: bool) -> None:
    """Every table and length comes right, also where the line echoes what is said."""

    async def test(device: ModbusDevice) -> None:
        for first, count in [(0, 1), (100, 125), (65535, 1), (0x0A00, 5), (1, 61)]:
            for _again in range(2):
                request = ReadRequest(1, "holding", first, count)
                assert _right(await device.read(request), request)
        inputs = (await device.read(ReadRequest(1, "input", 5, 3))).words
        bits = (await device.read(ReadRequest(1, "coil", 0, 7))).words
        assert inputs is not None
        assert bits is not None
        assert inputs.tolist() == [10, 12, 14]
        assert bits.tolist() == [1, 0, 0, 1, 0, 0, 1]
        assert (await device.read(ReadRequest(1, "holding", 60000, 1))).status == 2

    rig(echo=echo).run(test, timeout_ms=3000)


@pytest.mark.wire
@pytest.mark.system
def test_an_answer_to_the_request_before_is_never_taken(rig: Any) -> None:
    """An answer that comes after its time-out, while another request of the same unit, function and length waits, is not its answer."""
    made = rig(late=1.0, latest_s=0.0)

    async def test(device: ModbusDevice) -> None:
        made.faults.late, made.faults.latest_s = 1.0, 0.0
        for round_ in range(6):
            made.faults.latest_s = 0.2
            first = ReadRequest(1, "holding", 100 * round_, 4)
            answer = await device.read(first)
            assert answer.words is None or _right(answer, first)
            made.faults.latest_s = 0.0
            second = ReadRequest(1, "holding", 1000 + 100 * round_, 4)
            answer = await device.read(second)
            assert answer.words is None or _right(answer, second)

    made.run(test, timeout_ms=100)


@pytest.mark.wire
@pytest.mark.system
def test_a_late_unit_is_given_its_time_and_then_read(rig: Any) -> None:
    """After a time-out the next request waits until the owed answer has come; both units of trouble end in good values."""
    made = rig()

    async def test(device: ModbusDevice) -> None:
        made.faults.late, made.faults.latest_s = 1.0, 0.0
        made.line._free_at = asyncio.get_running_loop().time() + 0.27  # the next answer comes well after its time-out
        assert (await device.read(ReadRequest(1, "holding", 10, 2))).status == Status.BAD_TIMEOUT
        request = ReadRequest(1, "holding", 500, 2)
        answer = await device.read(request)
        assert answer.words is None or _right(answer, request)
        for _ in range(20):
            if (answer := await device.read(request)).words is not None:
                break
        assert _right(answer, request)

    made.run(test, timeout_ms=100)


@pytest.mark.wire
@pytest.mark.system
def test_another_master_is_noticed_and_its_answers_are_not_ours(rig: Any) -> None:
    """A second master asks the same unit for as many registers of another place: what comes of it is never taken for ours."""
    made = rig()
    foreign = RTU.wrap(1, reading(ReadRequest(1, "holding", 4000, 4)).pdu)
    seen: list[Answer] = []

    async def test(device: ModbusDevice) -> None:
        async def other() -> None:
            chance = random.Random(4)  # noqa: S311 - repeatable
            for _ in range(40):
                await asyncio.to_thread(made.line.say, foreign)
                await asyncio.sleep(chance.random() * 0.02)

        speaking = asyncio.create_task(other())
        while not speaking.done():
            request = ReadRequest(1, "holding", 100 + len(seen) % 500, 4)
            answer = await device.read(request)
            assert answer.words is None or _right(answer, request)
            seen.append(answer)
            await asyncio.sleep(
                0.001
            )  # a unit that is left alone answers at once, so that the others would never have their turn
        await speaking
        request = ReadRequest(1, "holding", 7, 4)
        for _ in range(600):
            if (answer := await device.read(request)).words is not None:
                break
            await asyncio.sleep(0.1)
        assert _right(answer, request)

    made.run(test, timeout_ms=200)
    assert seen


class _Told:
    """A link whose other end is the test; what is sent is answered at once with *answer*."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.sent = answer, 0
        self.hears: Callable[[bytes], None] = lambda _data: None

    async def open(self, hears: Callable[[bytes], None], _lost: Callable[[], None]) -> _Told:
        self.hears = hears
        return self

    def write(self, _data: bytes) -> None:
        self.sent += 1
        asyncio.get_running_loop().call_soon(self.hears, self.answer)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("framing", [RTU, ASCII], ids=["RTU", "ASCII"])
def test_nothing_is_asked_while_another_master_waits_for_its_answer(framing: Any) -> None:
    """Whether its request was heard alone or in one piece behind our answer: its answer could be taken for ours."""
    question = reading(ReadRequest(1, "holding", 7, 1))
    answer, foreign = framing.wrap(1, b"\x03\x02\x00\x07"), framing.wrap(1, question.pdu)

    async def asked(link: _Told, *heard: bytes) -> None:
        line = Line(framing, link.open, Pace(gap=600.0))
        await line.open(60)
        assert await line.ask(question, 60, 0) == b"\x03\x02\x00\x07"
        for data in heard:
            link.hears(data)
        await line.ask(question, 0, 0)

    for link, heard in (
        (_Told(answer), (foreign,)),
        (_Told(answer + foreign), ()),
        (_Told(answer + foreign[:3]), (foreign[3:],)),
    ):
        with pytest.raises(Crowded, match="another master"):
            asyncio.run(asked(link, *heard))
        assert link.sent == 1


@pytest.mark.wire
@pytest.mark.system
def test_a_dead_line_is_a_bad_answer_and_a_missing_port_one_line(rig: Any, tmp_path: Path) -> None:
    """Nobody at the other end is a time-out; a port that does not exist says so with its name."""
    made = rig(device=False)

    async def test(device: ModbusDevice) -> None:
        answer = await device.read(ReadRequest(1, "holding", 0, 1))
        assert (answer.words, answer.status) == (None, Status.BAD_TIMEOUT)

    made.run(test, timeout_ms=50)
    with pytest.raises(Exception, match=r"ttyX: the serial port cannot be used"):
        made.run(test, serial=str(tmp_path / "ttyX"))


@dataclass
class Tally:
    """What came of many requests: right values, bad samples, wrong values, and wrong ones that the rules of a point believed."""

    good: int = 0
    bad: int = 0
    wrong: int = 0
    believed: int = 0

    def count(self, request: ReadRequest, answer: Answer) -> None:
        """Note one answer."""
        if answer.words is None:
            assert answer.reason is not None
            self.bad += 1
        elif _right(answer, request):
            self.good += 1
        else:
            self.wrong += 1
            rules = Plausible([JUMPY] * request.count)
            rules.wrong(np.arange(request.address, request.address + request.count).astype(float), 0.0)
            self.believed += not rules.wrong(answer.words.astype(float), 1.0).any()


JUMPY = Point.model_validate(
    {
        "name": "v",
        "label": {"zh": "值", "en": "v"},
        "role": "other",
        "address": "holding:0",
        "type": "uint16",
        "rate": 1,
    },
    strict=False,
)


async def _soak(made: Rig, requests: int, timeout_ms: int, tally: Tally, seed: int) -> None:
    """So many requests for other places and lengths each time."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    device = made.device(timeout_ms=timeout_ms, retries=1)
    await device.connect()
    for _ in range(requests):
        request = ReadRequest(1, "holding", chance.randrange(50_000), chance.choice((2, 2, 10, 10, 10, 40)))
        tally.count(request, await device.read(request))
        device._units[1].breaker.reset()
    await device.aclose()


@pytest.mark.wire
@pytest.mark.system
@pytest.mark.parametrize("echo", [False, True])
def test_a_noisy_line_gives_right_values_or_bad_ones(rig: Any, tmp_path: Path, echo: bool) -> None:
    """One byte in a hundred lost or flipped, answers up to two time-outs late, echo: nothing wrong comes but what CRC-16 lets through.

    With FACTORY_KIT_SOAK_REQUESTS so many requests are sent (``make soak``), else some hundred.
    """
    timeout_ms, tally = 60, Tally()
    faults = {"lost": 0.005, "flipped": 0.005, "late": 0.02, "latest_s": 3 * timeout_ms / 1000, "echo": echo}
    rigs = [rig(seed=seed, **faults) for seed in range(LINES if SOAK else 1)]

    async def all_lines() -> None:
        share = SOAK // 2 // LINES or 60
        await asyncio.gather(*(_soak(each, share, timeout_ms, tally, seed) for seed, each in enumerate(rigs)))

    asyncio.run(all_lines())

    damaged = sum(each.line.damaged for each in rigs)
    residue = damaged / 65536
    assert tally.good > tally.bad
    assert tally.wrong <= residue + 4 * math.sqrt(residue)
    assert not tally.believed
    told = f"echo {echo}: {tally}, damaged answers {damaged}, expected to pass CRC-16 {residue:.2f}"
    (tmp_path / "soak.txt").write_text(told, encoding="utf-8")
    if SOAK:
        sys.stderr.write(f"\n{told}\n")


QUESTIONS = st.builds(
    ReadRequest,
    unit=st.integers(1, 247),
    table=st.sampled_from(["coil", "discrete", "holding", "input"]),
    address=st.integers(0, 65000),
    count=st.integers(1, 125),
).map(reading)


@given(QUESTIONS, st.binary(max_size=12), st.binary(min_size=250, max_size=250), st.sampled_from(["rtu", "ascii"]))
def test_an_answer_is_found_behind_noise(question: Question, noise: bytes, data: bytes, kind: str) -> None:
    """Whatever stands in front, the answer is found whole, and before its last byte has come it is not."""
    framing = RTU if kind == "rtu" else ASCII
    pdu = bytes([question.pdu[0], question.size - 2]) + data[: question.size - 2]
    frame = framing.wrap(question.unit, pdu)
    noise = noise if kind == "rtu" else noise.replace(b":", b"").replace(b"\r", b"")

    found = framing.find(noise + frame, question)
    early = framing.find(noise + frame[:-1], question)

    assert found is not None
    assert found.pdu == pdu or found.start < len(noise)
    assert early is None or early.start < len(noise)
    assert framing.size(question) == len(frame)


@given(QUESTIONS, st.sampled_from(["rtu", "ascii"]))
def test_frames_are_those_of_pymodbus(question: Question, kind: str) -> None:
    """Requests are byte for byte what another implementation sends."""
    framer = (FramerRTU if kind == "rtu" else FramerAscii)(DecodePDU(is_server=False))

    assert (RTU if kind == "rtu" else ASCII).wrap(question.unit, question.pdu) == framer.encode(
        question.pdu, question.unit, 0
    )


@given(st.binary(min_size=1, max_size=260), st.integers(0, 259), st.integers(1, 255))
def test_one_damaged_byte_never_passes_the_checksum(data: bytes, place: int, change: int) -> None:
    """CRC-16 finds every burst of up to 16 bits."""
    damaged = bytearray(data)
    damaged[place % len(data)] ^= change

    assert crc16(bytes(damaged)) != crc16(data)


def test_an_identification_tells_its_length_itself() -> None:
    """The answer to 43/14 is found once all its objects have come, not before."""
    question = identify(9)
    frame = RTU.wrap(9, bytes([43, 14, 2, 0x82, 0, 0, 2, 0, 3]) + b"ABB" + bytes([1, 2]) + b"M2")

    assert all(RTU.find(frame[:size], question) is None for size in range(len(frame)))
    assert RTU.find(frame, question) is not None
