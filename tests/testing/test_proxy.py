"""The TCP proxy that misbehaves on command."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Never

import pytest

from factory_kit.testing import FaultProxy

pytestmark = pytest.mark.wire


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture(name="proxy")
def _proxy() -> Iterator[FaultProxy]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with FaultProxy("127.0.0.1", server.server_address[1]) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


def _connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def _ask(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(65536)


def test_it_passes_everything_and_counts_connections(proxy: FaultProxy) -> None:
    """Two connections are two, each with its own answers."""
    with _connect(proxy) as one, _connect(proxy) as two:
        assert _ask(one, b"one") == b"one"
        assert _ask(two, b"two") == b"two"
    assert proxy.connections == 2


def test_a_cut_breaks_old_and_new_connections_until_it_heals(proxy: FaultProxy) -> Never:
    """Standing connections end, new ones end at once, and after healing a new one works."""
    with _connect(proxy) as standing:
        assert _ask(standing, b"before") == b"before"
        proxy.cut()
        with pytest.raises(ConnectionError):
            raise ConnectionResetError if standing.recv(10) == b"" else AssertionError
    with _connect(proxy) as refused, pytest.raises(ConnectionError):
        raise ConnectionResetError if _ask(refused, b"during") == b"" else AssertionError
    proxy.heal()
    with _connect(proxy) as again:
        assert _ask(again, b"after") == b"after"


def test_a_black_hole_holds_what_was_sent_until_it_heals(proxy: FaultProxy) -> None:
    """Nothing comes through while it lasts; then everything does, in order."""
    with _connect(proxy) as connection:
        assert _ask(connection, b"1") == b"1"
        proxy.black_hole()
        connection.settimeout(0.2)
        connection.sendall(b"2")
        with pytest.raises(TimeoutError):
            connection.recv(10)
        connection.sendall(b"3")
        connection.settimeout(5)
        proxy.heal()
        received = connection.recv(10)
        while len(received) < 2:
            received += connection.recv(10)
        assert received == b"23"


def test_a_delay_holds_each_direction(proxy: FaultProxy) -> None:
    """An answer comes after twice the delay."""
    proxy.delay(0.05)
    with _connect(proxy) as connection:
        began = time.monotonic()
        assert _ask(connection, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.1


def test_a_target_that_is_away_looks_like_a_cut() -> Never:
    """The proxy takes the connection and breaks it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with FaultProxy("127.0.0.1", port) as proxy, _connect(proxy) as connection, pytest.raises(ConnectionError):
        raise ConnectionResetError if _ask(connection, b"?") == b"" else AssertionError
