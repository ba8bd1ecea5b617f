"""Sites over small servers: those of the driver tests, and the simulated plant."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factory_kit.collect.status import Notice, Status
from factory_kit.model.connector import Connector
from factory_kit.model.site import Site
from factory_kit.store import Store

_spec = importlib.util.spec_from_file_location(
    "driver_test_servers", Path(__file__).parents[1] / "drivers" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_servers = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _servers
_spec.loader.exec_module(_servers)

modbus_line = _servers.modbus_line
node_plant = _servers.node_plant

LABEL = {"zh": "值", "en": "value"}


def _now() -> int:
    return time.time_ns() // 1000


@pytest.fixture(scope="session")
def now() -> Callable[[], int]:
    """The system clock in microseconds."""
    return _now


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store", now=_now)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An OPC UA server with variables v0 to v11 behind a proxy; each test uses variables of its own."""
    made = _servers.Plant(tmp_path_factory.mktemp("plant")).start()
    yield made
    made.stop()


class CountingPlant:
    """asyncua's server whose variables v0 to v4 count every 100 ms, with what it counted; for comparison with node-opcua's."""

    POINTS = 5

    def __init__(self, folder: Path) -> None:
        self.plant = _servers.Plant(folder).start()
        self.port = self.plant.port
        self._ticks: dict[int, int] = {}
        self._task = self.plant.call(self._begin())

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    def ticks(self) -> dict[int, int]:
        return dict(self._ticks)

    def stop(self) -> None:
        self.plant.loop.call_soon_threadsafe(self._task.cancel)
        self.plant.stop()

    async def _begin(self) -> Any:
        return asyncio.get_running_loop().create_task(self._count())

    async def _count(self) -> None:
        number = 0
        while True:
            number += 1
            moment = datetime.fromtimestamp(_now() // 1000 / 1000, UTC)
            for point in range(self.POINTS):
                await self.plant._write(f"v{point}", float(number), moment, 0)
            self._ticks[number] = round(moment.timestamp() * 1e6)
            await asyncio.sleep(0.1)


@pytest.fixture
def counting_plant(tmp_path: Path) -> Iterator[CountingPlant]:
    """A counting server of asyncua."""
    made = CountingPlant(tmp_path)
    yield made
    made.stop()


@dataclass
class Watcher:
    """Keeps what the collection says."""

    lines: list[str] = field(default_factory=list)
    last: list[Status] = field(default_factory=list)
    on_notice: Callable[[Notice], None] = lambda _notice: None

    def status(self, status: Status) -> None:
        self.last.append(status)

    def notice(self, notice: Notice) -> None:
        self.lines.append(str(notice))
        self.on_notice(notice)


@pytest.fixture
def watcher() -> Watcher:
    """Somebody who watches."""
    return Watcher()


@pytest.fixture
def make_connector() -> Callable[..., Connector]:
    """A connector of some points, each ``(name, address, type)`` or with more fields."""

    def made(driver: str, *points: tuple[str, str, str] | dict[str, Any], **more: Any) -> Connector:
        rows = [
            {"name": row[0], "address": row[1], "type": row[2]} if isinstance(row, tuple) else row for row in points
        ]
        content = {
            "connector": driver, "version": "1", "label": LABEL, "driver": driver, "sources": [{"title": "manual"}],
            "quality": {"grade": "bronze", "because": "samples"}, "limits": {"min_interval_ms": 20},
            "points": [{"label": LABEL, "role": "other", **row} for row in rows], **more,
        }  # fmt: skip
        return Connector.model_validate(content, strict=False)

    return made


@pytest.fixture(scope="session")
def make_site() -> Callable[..., Site]:
    """A site of servers and equipment; all addresses are authorised unless *authorisation* says otherwise."""

    def made(servers: dict[str, dict[str, Any]], equipment: list[dict[str, Any]], **more: Any) -> Site:
        plant = {
            "id": "p",
            "name": LABEL,
            "credit_code": "91310117MA1J000003",
            "type": "discrete",
            "industry": {"code": "C3484"},
        }
        content = {
            "site": 1,
            "kind": "real",
            "plant": plant,
            "servers": servers,
            "equipment": [{"name": LABEL, **each} for each in equipment],
            **more,
        }
        bare = Site.model_validate(content, strict=False)
        record = {
            "granted_by": "plant",
            "reference": "permit 7",
            "granted_on": "2020-01-01",
            "valid_until": "2099-12-31",
        }
        addresses = [server.address for server in bare.servers.values()]
        allowed = {"authorisation": {**record, "addresses": addresses}} if addresses else {}
        return Site.model_validate({**allowed, **content}, strict=False)

    return made
