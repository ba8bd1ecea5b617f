"""A server that is not ours, in a process of its own: node-opcua."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from factory_kit.model.definition import Text
from factory_kit.model.site import Authorisation, Equipment, Industry, OpcUaServer, Plant, Site

HERE = Path(__file__).parent
NODE_OPCUA = "2.186.4"
COMPANIONS = [
    "standard",
    "di",
    "ia",
    "machinery",
    "isa95JobControl",
    "machineryJobs",
    "machineTool",
    "packML",
    "autoId",
]


@dataclass
class Peer:
    """A running server, and the folder of its certificates."""

    port: int
    folder: Path
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    def trust(self, certificate: bytes) -> None:
        """The server takes *certificate* (DER) of a user."""
        folder = self.folder / "users" / "trusted" / "certs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "user.der").write_bytes(certificate)


@pytest.fixture(scope="session")
def peer(
    node_package: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Peer]]:
    """Starts a server as wished; all are stopped when the tests are done."""
    packages = node_package("node-opcua", NODE_OPCUA)
    running: list[subprocess.Popen[str]] = []

    def start(**wish: Any) -> Peer:
        folder = tmp_path_factory.mktemp("peer")
        process = subprocess.Popen(
            ["node", str(HERE / "peer.js"), json.dumps({"folder": str(folder), **wish})],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "NODE_PATH": str(packages), "HOME": str(folder)},
        )
        running.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"port"'):
                return Peer(json.loads(line)["port"], folder, process)
        pytest.fail("node-opcua did not start")

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def allowed() -> Callable[..., Site]:
    """Makes a site with the given servers, all of which may be read; with ``until`` in the past none."""

    def site(*servers: OpcUaServer, until: date = date(2030, 1, 1)) -> Site:
        record = Authorisation(
            granted_by="A",
            reference="R",
            granted_on=date(2020, 1, 1),
            valid_until=until,
            addresses=tuple(server.address for server in servers),
        )
        plant = Plant(
            id="p",
            name=Text(zh="厂", en="p"),
            credit_code="91310117MA00000000",
            type="discrete",
            industry=Industry(code="3484"),
        )
        return Site(
            site=1,
            kind="real",
            plant=plant,
            authorisation=record,
            servers={f"server-{number}": server for number, server in enumerate(servers, 1)},
            equipment=(Equipment(id="m", name=Text(zh="机", en="m")),),
        )

    return site


@pytest.fixture(scope="session")
def machines(peer: Callable[..., Peer]) -> Peer:
    """A foreign server with companion types, structures, an oven and a folder of 1,200 variables."""
    return peer(nodesets=COMPANIONS, content=str(HERE / "content.js"))
