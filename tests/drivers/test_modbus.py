from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import numpy as np
import pytest

from factory_kit.drivers import driver
from factory_kit.drivers.base import Context, Identity, ReadRequest
from factory_kit.drivers.modbus.breaker import LONGEST_REST, Breaker
from factory_kit.drivers.modbus.errors import translated
from factory_kit.drivers.modbus.framing import ASCII, RTU
from factory_kit.drivers.modbus.lanes import Lanes
from factory_kit.drivers.modbus.line import Line as SerialLine
from factory_kit.drivers.modbus.line import Pace
from factory_kit.drivers.modbus.mbap import Mbap
from factory_kit.drivers.modbus.reader import ModbusDevice
from factory_kit.drivers.modbus.requests import Question
from factory_kit.drivers.modbus.wire import Spoiled
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable, MissingExtra, UsageError
from factory_kit.model.sample import Origin
from factory_kit.model.site import ModbusServer, OpcUaServer


def _device(
    port: int, count: Callable[[str, str], None] = lambda _address, _service: None, **more: Any
) -> ModbusDevice:
    server = ModbusServer(driver="modbus", host="127.0.0.1", port=port, **more)
    return ModbusDevice(server, Context(now=lambda: 0, count=count))


def _run(line: Any, test: Callable[[ModbusDevice], Awaitable[None]], **more: Any) -> None:
    async def main() -> None:
        await line.start()
        device = _device(line.port, **more)
        try:
            await device.connect()
            await test(device)
        finally:
            await device.aclose()
            await line.stop()

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.wire
@pytest.mark.parametrize(("table", "function"), [("coil", 1), ("discrete", 2), ("holding", 3), ("input", 4)])
def test_each_table_is_read_with_its_own_function(modbus_line: Any, table: Any, function: int) -> None:
    """The four tables are read with function codes 1 to 4, and the values are those of the addresses asked for."""
    line = modbus_line()

    async def test(device: ModbusDevice) -> None:
        answer = await device.read(ReadRequest(1, table, 10, 20))

        assert answer.status == 0
        assert answer.words is not None
        expected = [n + 1 for n in range(10, 30)] if function > 2 else [int(n % 3 == 0) for n in range(10, 30)]
        assert answer.words.tolist() == expected
        assert answer.words.dtype == np.uint16

    _run(line, test)
    assert line.requests == [(1, function, 10, 20)]


@pytest.mark.wire
def test_only_reading_functions_reach_the_wire(modbus_line: Any) -> None:
    """All that a device can be asked for arrives as function codes 1 to 4 and 43/14, and each request is counted."""
    line = modbus_line(identity={0: b"Maker"})
    logged: Counter[str] = Counter()

    async def test(device: ModbusDevice) -> None:
        await device.identify([1])
        for table in ("coil", "discrete", "holding", "input"):
            await device.read(ReadRequest(1, table, 0, 5))

    _run(line, test, count=lambda _address, service: logged.update([service]))
    assert set(line.functions) == {"1", "2", "3", "4", "43/14"}
    assert logged == {f"function {code}": count for code, count in line.functions.items()}


@pytest.mark.wire
@pytest.mark.parametrize("transport", ["mbap", "rtu", "ascii"])
def test_a_write_is_refused_before_a_byte_is_sent(transport: str) -> None:
    """Whatever is not reading, pushed through the lowest layer of each transport, raises, and nothing has been written."""
    written: list[bytes] = []

    class Ear:
        def write(self, data: bytes) -> None:
            written.append(data)

        def close(self) -> None:
            pass

    async def main() -> None:
        wire: Any = (
            Mbap("127.0.0.1", 1)
            if transport == "mbap"
            else SerialLine(RTU if transport == "rtu" else ASCII, _opened, Pace())
        )
        if transport == "mbap":
            wire._transport = Ear()
        else:
            await wire.open(1)
        for function in {*range(256)} - {1, 2, 3, 4}:
            with pytest.raises(DeviceRefused, match=f"function {function} is not a reading one"):
                await wire.ask(Question(1, bytes([function, 0, 1, 0, 1]), 4), 0.1, 0.1)

    async def _opened(_receive: Any, _lost: Any) -> Any:
        return Ear()

    asyncio.run(main())
    assert not written


@pytest.mark.parametrize("second", [0, 13, 15, 255])
def test_of_function_43_only_identification_is_sent(second: int) -> None:
    """Function 43 with another type than 14 could be CANopen, which writes."""
    with pytest.raises(DeviceRefused, match="function 43 is not a reading one"):
        asyncio.run(Mbap("127.0.0.1", 1).ask(Question(1, bytes([43, second, 2, 0]), 0), 0.1, 0.1))


@pytest.mark.wire
def test_an_exception_of_the_device_is_an_answer(modbus_line: Any) -> None:
    """An illegal address becomes status 2 with a clear line, and the unit is still asked."""

    async def illegal(_line: Any, _transaction: int, _unit: int, function: int, _start: int, _count: int) -> bytes:
        return bytes([0x80 | function, 2])

    async def test(device: ModbusDevice) -> None:
        for _ in range(5):
            answer = await device.read(ReadRequest(1, "holding", 950, 100))
            assert (answer.words, answer.status) == (None, 2)
        assert (
            str(answer.reason)
            == f"{device.address} unit 1: function 3 at 950 × 100 answered with exception 2 (illegal data address)"
        )

    line = modbus_line(units={1: illegal})
    _run(line, test)
    assert len(line.requests) == 5


@pytest.mark.wire
def test_a_dead_unit_hardly_slows_its_neighbours(modbus_line: Any) -> None:
    """Seven units and a dead one on one connection: probing it takes at most a fifth of the time at first, then ever less."""
    line = modbus_line(units=dict.fromkeys(range(1, 8), modbus_line.well))

    async def test(device: ModbusDevice) -> None:
        for unit in (*range(1, 9), *range(1, 9)):
            await device.read(ReadRequest(unit, "holding", 0, 10))
        began, dead = monotonic(), 0.0
        for _ in range(25):
            for unit in range(1, 9):
                asked = monotonic()
                answer = await device.read(ReadRequest(unit, "holding", 0, 10))
                dead += monotonic() - asked if unit == 8 else 0.0
                assert (answer.status == 0) == (unit != 8)
            await asyncio.sleep(0.02)
        assert dead / (monotonic() - began) < 0.2
        assert 1 / (1 + LONGEST_REST) < 0.1  # the share in the long run
        assert device.connected

    _run(line, test, timeout_ms=150, retries=1)
    assert line.connections == 1


@pytest.mark.wire
def test_a_silent_unit_is_found_again(modbus_line: Any) -> None:
    """A unit that begins to answer is read again after its rest, with no help from outside."""
    line = modbus_line(units={1: modbus_line.well})

    async def test(device: ModbusDevice) -> None:
        statuses = [(await device.read(ReadRequest(2, "holding", 0, 1))).status for _ in range(4)]
        assert statuses == [
            Status.BAD_TIMEOUT,
            Status.BAD_TIMEOUT,
            Status.BAD_NO_COMMUNICATION,
            Status.BAD_NO_COMMUNICATION,
        ]
        line.units[2] = modbus_line.well
        device._units[2].breaker.ask_at = 0.0
        assert (await device.read(ReadRequest(2, "holding", 0, 1))).status == 0

    line.units[1] = modbus_line.well
    _run(line, _first_unit_one(test), timeout_ms=50, retries=0)


def _first_unit_one(test: Callable[[ModbusDevice], Awaitable[None]]) -> Callable[[ModbusDevice], Awaitable[None]]:
    async def both(device: ModbusDevice) -> None:
        assert (await device.read(ReadRequest(1, "holding", 0, 1))).status == 0
        await test(device)

    return both


@pytest.mark.wire
def test_requests_are_repeated_as_often_as_the_site_says(modbus_line: Any) -> None:
    """With two retries a unit that answers the third time has answered."""
    tries = []

    async def third(line: Any, transaction: int, unit: int, function: int, start: int, count: int) -> bytes | None:
        tries.append(transaction)
        return await line.well(line, transaction, unit, function, start, count) if len(tries) == 3 else None

    async def test(device: ModbusDevice) -> None:
        assert (await device.read(ReadRequest(1, "holding", 0, 1))).status == 0

    _run(modbus_line(units={1: third}), test, timeout_ms=50, retries=2)
    assert len(tries) == 3


@pytest.mark.wire
def test_a_late_answer_is_not_taken_for_the_next_one(modbus_line: Any) -> None:
    """An answer that comes after its time-out, when another question is under way, is not mixed up with it."""

    async def late(line: Any, _transaction: int, unit: int, function: int, start: int, count: int) -> bytes | None:
        await asyncio.sleep(0.12 if start == 0 else 0.0)
        return await line.well(line, 0, unit, function, start, count)

    async def test(device: ModbusDevice) -> None:
        assert (await device.read(ReadRequest(1, "holding", 0, 2))).status == Status.BAD_TIMEOUT
        answer = await device.read(ReadRequest(1, "holding", 500, 2))
        assert answer.words is not None
        assert answer.words.tolist() == [501, 502]

    _run(modbus_line(units={1: late}), test, timeout_ms=100, retries=0)


@pytest.mark.wire
def test_an_answer_of_the_wrong_length_is_refused(modbus_line: Any) -> None:
    """Fewer registers than asked for are no values."""

    async def short(line: Any, transaction: int, unit: int, function: int, start: int, count: int) -> bytes | None:
        return await line.well(line, transaction, unit, function, start, count - 1)

    async def test(device: ModbusDevice) -> None:
        answer = await device.read(ReadRequest(1, "holding", 0, 4))
        assert answer.words is None
        assert answer.status == Status.BAD_DECODING_ERROR
        assert "3 values answered, 4 asked for" in str(answer.reason)

    _run(modbus_line(units={1: short}), test)


@pytest.mark.wire
def test_a_hang_up_is_noticed_at_once_and_mended(modbus_line: Any) -> None:
    """When the server goes away reads say so without waiting for the time-out, and go on when it is back."""
    line = modbus_line()

    async def test(device: ModbusDevice) -> None:
        await line.stop()
        await asyncio.sleep(0.05)
        began = monotonic()
        answer = await device.read(ReadRequest(1, "holding", 0, 1))
        assert answer.status == Status.BAD_NOT_CONNECTED
        assert monotonic() - began < 1
        await line.start()
        for _ in range(60):
            if (await device.read(ReadRequest(1, "holding", 0, 1))).status == 0:
                break
            await asyncio.sleep(0.05)
        assert device.connected
        assert monotonic() - began < 4

    _run(line, test, timeout_ms=2000)
    assert line.connections == 2


@pytest.mark.wire
def test_a_hang_up_during_a_request_wakes_it(modbus_line: Any) -> None:
    """A request under way ends when the device hangs up, not at its time-out."""

    async def hang_up(line: Any, *_request: int) -> None:
        line.writers[-1].close()

    async def test(device: ModbusDevice) -> None:
        began = monotonic()
        assert (await device.read(ReadRequest(1, "holding", 0, 1))).status == Status.BAD_NOT_CONNECTED
        assert monotonic() - began < 1

    _run(modbus_line(units={1: hang_up}), test, timeout_ms=5000, retries=0)


@pytest.mark.wire
@pytest.mark.parametrize("stays", ["oldest", "newest"])
def test_a_device_that_keeps_one_connection_of_several_is_read(modbus_line: Any, stays: str) -> None:
    """Whether it ends the new connection at once or the old one for it: every value comes; one that bore none is not tried again soon."""

    class OneStays(modbus_line):  # type: ignore[misc]
        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.open_now:
                (writer if stays == "oldest" else self.writers[-1]).close()
            if self.open_now and stays == "oldest":
                self.connections += 1
                return
            await super()._serve(reader, writer)

    line = OneStays()

    async def test(device: ModbusDevice) -> None:
        for _round in range(3):
            several = await asyncio.gather(*(device.read(ReadRequest(1, "holding", place, 2)) for place in range(12)))
            read = [None if each.words is None else each.words.tolist() for each in several]
            assert read == [[place + 1, place + 2] for place in range(12)]

    _run(line, test, connections=3)
    assert 2 <= line.connections <= (3 if stays == "oldest" else 100)


def test_a_connection_that_is_not_borne_is_tried_again_later() -> None:
    """It is done without for a minute, then for two, at most for an hour; the open ones are used before it."""

    async def main() -> None:
        loop, lanes = asyncio.get_running_loop(), Lanes([Mbap("127.0.0.1", 1), Mbap("127.0.0.1", 1)])
        first, second = await lanes.take(0), await lanes.take(0)
        rests: list[float] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "call_later", lambda rest, back, lane: (rests.append(rest), loop.call_soon(back, lane)))
            for _ in range(8):
                assert lanes.has_beside(second)
                lanes.drop(second)
                assert lanes.all == [first]
                assert not lanes.has_beside(first)
                await asyncio.sleep(0)
                assert lanes.all == [first, second]
                assert not lanes.has_beside(first)
                assert await lanes.take(0) is second
        assert rests == [60, 120, 240, 480, 960, 1920, 3600, 3600]
        lanes.drop(second)
        lanes.give(first)
        lanes._back(second)
        assert await lanes.take(0) is first

    asyncio.run(main())


@pytest.mark.wire
def test_a_device_that_hangs_up_after_each_answer_is_read(modbus_line: Any) -> None:
    """Every value comes, on a connection of its own, one after the other and several at once."""

    async def answer_and_leave(line: Any, _number: int, unit: int, function: int, _start: int, count: int) -> bytes:
        asyncio.get_running_loop().call_soon(line.writers[-1].close)
        return bytes([function, 2 * count]) + unit.to_bytes(2, "big") * count

    line = modbus_line(units={1: answer_and_leave})

    async def test(device: ModbusDevice) -> None:
        for pause in (0.0, 0.05, 0.0):
            several = await asyncio.gather(*(device.read(ReadRequest(1, "holding", place, 2)) for place in range(3)))
            assert [None if each.words is None else each.words.tolist() for each in several] == [[1, 1]] * 3
            await asyncio.sleep(pause)

    _run(line, test, timeout_ms=3000)


@pytest.mark.wire
def test_an_exception_without_a_number_is_no_good_answer(modbus_line: Any) -> None:
    """Exception 0, which the standard does not have, is a bad status as every other."""

    async def refuse(_line: Any, _number: int, _unit: int, function: int, *_rest: int) -> bytes:
        return bytes([function | 0x80, 0])

    async def test(device: ModbusDevice) -> None:
        answer = await device.read(ReadRequest(1, "holding", 0, 1))
        assert (answer.words, answer.status) == (None, Status.BAD_DECODING_ERROR)
        assert "exception 0" in str(answer.reason)

    _run(modbus_line(units={1: refuse}), test, timeout_ms=3000)


@pytest.mark.wire
def test_the_simulator_and_the_replay_declare_themselves(modbus_line: Any) -> None:
    """Vendor and product of the device identification make the origin; any other device is live."""

    def origin(identity: dict[int, bytes] | None) -> tuple[Identity, Origin]:
        found: list[Identity] = []

        async def test(device: ModbusDevice) -> None:
            found.append(await device.identify([7, 1]))

        _run(modbus_line(identity=identity), test, timeout_ms=400)
        return found[0], found[0].origin

    assert origin({0: b"Factory Kit", 1: b"x", 2: b"0.1", 4: b"Simulated plant"}) == (
        Identity("Factory Kit", "Simulated plant", "0.1"),
        Origin.SIMULATED,
    )
    assert origin({0: b"Factory Kit", 4: b"Replay"})[1] is Origin.REPLAYED
    assert origin({0: b"Eastron", 1: b"SDM630"}) == (Identity("Eastron", "SDM630"), Origin.LIVE)
    assert origin(None) == (Identity(), Origin.LIVE)


@pytest.mark.wire
def test_a_device_that_is_busy_is_asked_who_it_is_once_more(modbus_line: Any) -> None:
    """A simulator that says busy (exception 6) twice is still taken for a simulator, not for a live device."""
    found: list[Identity] = []

    async def test(device: ModbusDevice) -> None:
        found.append(await device.identify([1]))

    _run(modbus_line(identity={0: b"Factory Kit", 4: b"Simulated plant"}, busy=2), test, timeout_ms=500)

    assert found[0].origin is Origin.SIMULATED


@pytest.mark.wire
def test_no_unit_that_answers_is_no_identity(modbus_line: Any) -> None:
    """When no unit answers at all, that is said, and it is not taken for a live device."""

    async def test(device: ModbusDevice) -> None:
        with pytest.raises(DeviceUnavailable, match="no unit of"):
            await device.identify([7, 8])

    _run(modbus_line(), test, timeout_ms=30)


@pytest.mark.wire
def test_nobody_there_is_one_clear_line(modbus_line: Any) -> None:
    """Connecting to a port without a server says what to check."""
    line = modbus_line()

    async def main() -> None:
        await line.start()
        await line.stop()
        with pytest.raises(
            DeviceUnavailable,
            match=rf"127\.0\.0\.1:{line.port}: no connection; check the address, the cable and that the device is on",
        ):
            await _device(line.port).connect()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (TimeoutError(), True), (ConnectionError("it\nbroke"), True), (OSError(5, "it broke"), True), (Spoiled("the answer is damaged"), True),
        (ValueError("it\nbroke"), False),
    ],
)  # fmt: skip
def test_every_error_of_a_line_becomes_one_of_ours(error: Exception, retry: bool) -> None:
    """What may be better next time says so, and each is one line that names the address."""
    mapped = translated(error, "10.0.0.5:502")

    assert isinstance(mapped, DeviceError)
    assert mapped.retry is retry
    assert str(mapped).startswith("10.0.0.5:502: ")
    assert "\n" not in str(mapped)


def test_a_breaker_rests_longer_each_time_and_probes_with_less_patience() -> None:
    """After two silences the unit is skipped, then asked once after ever longer rests, as long as its pace makes sense."""
    breaker = Breaker(timeout=5.0)
    breaker.answered(0.02)
    at = 100.0
    for _ in range(2):
        assert not breaker.skips(at)
        assert breaker.patience() == 5.0
        breaker.missed(at)
    rests = []
    for _ in range(8):
        rests.append(breaker.ask_at - at)
        assert breaker.skips(breaker.ask_at - 0.1)
        at = breaker.ask_at
        assert not breaker.skips(at)
        assert breaker.patience() == 0.3
        breaker.missed(at)

    assert rests == [20.0, 40.0, 80.0, 160.0, 160.0, 160.0, 160.0, 160.0]
    breaker.answered(0.25)
    assert not breaker.skips(0.0)
    breaker.missed(500.0)
    assert (breaker.skips(500.0), breaker.patience()) == (False, 5.0)
    breaker.missed(500.0)
    assert (breaker.ask_at, breaker.patience()) == (520.0, 0.75)


def test_a_unit_that_never_answered_is_probed_with_full_patience() -> None:
    """A slow unit that was off at the start is not missed by impatient probes."""
    breaker = Breaker(timeout=5.0)
    breaker.missed(0.0)
    breaker.missed(0.0)

    assert (breaker.silent, breaker.ask_at, breaker.patience()) == (True, 20.0, 5.0)


def test_drivers_are_found_by_name() -> None:
    """The two own drivers are there; an unknown one is said to be missing."""
    assert driver("modbus").validate
    with pytest.raises(MissingExtra, match="driver s7 is not installed"):
        driver("s7")


def test_a_server_of_another_protocol_is_refused() -> None:
    """The Modbus driver opens no OPC UA server."""
    with pytest.raises(UsageError, match="press: is no Modbus server"):
        driver("modbus").device(
            "press", OpcUaServer(driver="opcua", url="opc.tcp://10.0.0.5:4840"), Context(now=lambda: 0)
        )
