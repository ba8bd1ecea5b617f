"""The Modbus server in which each register answers with its own address."""

from __future__ import annotations

import time

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from factory_kit.testing import NumberedServer, Request

pytestmark = pytest.mark.wire


def _client_of(server: NumberedServer, timeout: float = 3.0) -> ModbusTcpClient:
    client = ModbusTcpClient(server.host, port=server.port, timeout=timeout, retries=0)
    assert client.connect()
    return client


def test_registers_and_bits_answer_with_their_number() -> None:
    """Holding and input registers hold their address up to the last one; bits tell odd from even."""
    with NumberedServer() as server, _client_of(server) as client:
        assert client.read_holding_registers(120, count=5).registers == [120, 121, 122, 123, 124]
        assert client.read_input_registers(65535, count=1).registers == [65535]
        assert client.read_coils(7, count=4).bits[:4] == [True, False, True, False]
        assert client.read_discrete_inputs(8, count=2).bits[:2] == [False, True]


def test_requests_are_kept_in_order() -> None:
    """What was asked can be compared whole with a plan."""
    with NumberedServer(units=(1, 9)) as server, _client_of(server) as client:
        client.read_holding_registers(5, count=2, device_id=9)
        client.read_coils(0, count=3)
        assert server.requests == [Request(9, 3, 5, 2), Request(1, 1, 0, 3)]


def test_a_hole_spoils_every_request_that_touches_it() -> None:
    """The whole block gets exception 2; beside the hole it is fine."""
    with NumberedServer(holes=[range(1000, 1010)]) as server, _client_of(server) as client:
        assert client.read_holding_registers(995, count=10).exception_code == 2
        assert client.read_holding_registers(1009, count=1).exception_code == 2
        assert client.read_holding_registers(990, count=10).registers == list(range(990, 1000))
        assert client.read_holding_registers(1010, count=1).registers == [1010]


def test_a_silent_unit_never_answers() -> None:
    """The reader waits in vain, and the others go on answering."""
    with NumberedServer(silent=(4,)) as server, _client_of(server, timeout=0.2) as client:
        with pytest.raises(ModbusIOException):
            client.read_holding_registers(0, count=1, device_id=4)
        assert client.read_holding_registers(3, count=1).registers == [3]


def test_latency_is_kept_for_every_answer() -> None:
    """Ten answers at 10 ms take at least 100 ms."""
    with NumberedServer(latency_s=0.01) as server, _client_of(server) as client:
        began = time.monotonic()
        for address in range(10):
            client.read_holding_registers(address, count=1)
        assert time.monotonic() - began >= 0.1


def test_nothing_can_be_written() -> None:
    """A write gets an exception and changes nothing."""
    with NumberedServer() as server, _client_of(server) as client:
        assert client.write_register(5, 77).isError()
        assert client.write_coil(5, value=False).isError()
        assert client.read_holding_registers(5, count=1).registers == [5]
