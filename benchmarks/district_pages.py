"""The district's overview with fifty readers at once: each asks again as soon as it was answered, with filters of its own."""

from __future__ import annotations

import http.client
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.frame import Bar, Row, Scale
from factory_kit.district.office import Office
from factory_kit.web.district.users import User, Users, hashed

READERS = 50
PASSWORD = "a password of the benchmark"  # noqa: S105 - of a user that lives in a folder of its own
FILTERS: tuple[dict[str, str], ...] = (
    {}, {}, {"street": "310117105"}, {"street": "310117106"}, {"division": "34"}, {"division": "39", "size": "small"},
    {"street": "310117105", "division": "36"}, {"size": "medium"}, {"provider": "服务商 03"}, {"type": "provider"},
)  # fmt: skip


def overview(office: Office, scale: Scale, assessments: int) -> Iterator[Row]:
    """How long fifty readers at once wait for the overview of *office*."""
    Users(office.path).add(User("reader", "reader", hashed(PASSWORD)))
    command = [sys.executable, "-m", "factory_kit", "district", "serve", "-d", str(office.path)]
    root = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout
        try:
            port = int(re.findall(r":(\d+)/", server.stdout.readline())[0])
            cookie = log_in(port)
            began = time.perf_counter()
            ask(http.client.HTTPConnection("127.0.0.1", port, timeout=600), cookie, {})
            yield Row(
                f"first overview over {assessments} assessments, everything counted", "s", time.perf_counter() - began
            )
            waits = sorted(asked(port, cookie, scale.of(20, 5)))
            note = f"median {statistics.median(waits) * 1000:.0f} ms, {READERS} readers, {len(waits)} pages, filters of their own"
            p95 = waits[int(len(waits) * 0.95)] * 1000
            yield Row(
                f"overview over {assessments} assessments, p95",
                "ms",
                p95,
                bar=Bar("ours", "at most", 200, 5000),
                note=note,
            )
        finally:
            server.kill()


def asked(port: int, cookie: str, times: int) -> list[float]:
    """Seconds that each page took, the readers side by side."""
    waits: list[float] = []

    def read(number: int) -> None:
        draw = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        for _ in range(times):
            wanted = draw.choice(FILTERS)
            began = time.perf_counter()
            ask(connection, cookie, wanted)
            waits.append(time.perf_counter() - began)
        connection.close()

    readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(waits) == READERS * times
    return waits


def ask(connection: http.client.HTTPConnection, cookie: str, wanted: dict[str, str]) -> bytes:
    """The page with the filters *wanted*."""
    connection.request("GET", f"/dashboard?{urlencode(wanted)}", headers={"Cookie": cookie})
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    return body


def log_in(port: int) -> str:
    """The cookie of a reader who logged in."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", "/login")
    page = connection.getresponse()
    csrf = re.findall(r'name="csrf" content="([0-9a-f]+)"', page.read().decode())[0]
    guest = str(page.getheader("set-cookie")).partition(";")[0]
    body = urlencode({"csrf": csrf, "name": "reader", "password": PASSWORD})
    headers = {"Cookie": guest, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login", body, headers)
    answered = connection.getresponse()
    answered.read()
    assert answered.status == 303
    connection.close()
    return str(answered.getheader("set-cookie")).partition(";")[0]
