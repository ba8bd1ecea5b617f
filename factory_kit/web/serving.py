"""A server for this computer only, until it is told to end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress

from factory_kit.errors import UsageError
from factory_kit.web.guard import App

__all__ = ["LOOPBACK", "hosts_of", "listening", "serve"]

LOOPBACK = "127.0.0.1"
MOST_AT_ONCE = 64
"""Requests; browsers send a handful."""
LONGEST_HEAD = 32 << 10
GRACE = 5
"""Seconds that requests have to end when the server is told to."""


def listening(port: int, host: str = LOOPBACK) -> socket.socket:
    """A socket at *host* (IPv4); *port* 0 takes a free one. ``UsageError`` when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port whose last server just ended is free on POSIX with this word; on Windows the same word would let us share a port that is taken.
    if os.name == "posix":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(MOST_AT_ONCE)
    except (OSError, OverflowError) as error:
        sock.close()
        raise UsageError(
            "port {port} of this computer cannot be used; leave --port out to take a free one", port=port
        ) from error
    return sock


def hosts_of(sock: socket.socket) -> tuple[str, ...]:
    """What browsers of this computer call the server behind *sock*."""
    port = sock.getsockname()[1]
    return f"{LOOPBACK}:{port}", f"localhost:{port}"


def serve(app: App, sock: socket.socket, ready: Callable[[], None], most: int = MOST_AT_ONCE) -> None:
    """*app* answers at *sock*, *most* requests at once, until Ctrl-C or a signal to end; *ready* is called when requests will be answered."""
    import uvicorn  # noqa: PLC0415 - only for who serves pages

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=most,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=GRACE,
    )
    ready()
    with sock, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[sock])
