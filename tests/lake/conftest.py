from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from factory_kit.lake import Pace, Remote, push
from factory_kit.lake.s3 import Bucket, client
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

T0 = 1_788_220_800_000_000  # 2026-09-01 00:00 UTC
DAY = 86_400_000_000
SITE = "plant:\n  id: songjiang-01\n"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="session", name="s3_port")
def _s3_port() -> Iterator[int]:
    """The port of moto's S3 server, which is not ours."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/moto-api/")
            yield port
        finally:
            server.terminate()


def _wait(url: str) -> None:
    """Until somebody answers at *url*."""
    for _try in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url) as answer:  # noqa: S310 - our own loopback
            answer.read()
            return
        time.sleep(0.1)
    pytest.fail(f"nobody answers at {url}")


@pytest.fixture(name="environ")
def _environ(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The credentials in the environment, for this process too; a cut line is told at once."""
    environ = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3_port}",
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


@pytest.fixture(name="bucket")
def _bucket(environ: dict[str, str], request: pytest.FixtureRequest) -> str:
    """The name of a new bucket."""
    name = f"b{abs(hash(request.node.nodeid)):x}"[:40]
    client(environ).create_bucket(Bucket=name)
    return name


@pytest.fixture(name="remote")
def _remote(bucket: str, environ: dict[str, str]) -> Bucket:
    """A prefix of the new bucket."""
    return Bucket(bucket, "district", client(environ))


def _made(folder: Path, *, days: int = 2, points: int = 3, seed: int = 1) -> Path:
    """A workspace whose store holds a value a second for an hour of each of *days*, merged and rolled up."""
    folder.mkdir(parents=True)
    (folder / "site.yaml").write_text(SITE, encoding="utf-8")
    add_days(folder, 0, days, points=points, seed=seed)
    return folder


def add_days(folder: Path, first: int, days: int, *, points: int = 3, seed: int = 1) -> None:
    """More days in the store of the workspace at *folder*."""
    store = Store(folder / "store", now=lambda: T0 + 30 * DAY)
    store.register(
        [
            CataloguePoint(f"m{number}", "load", "spindle_load", "%", "float64", "ns=1;i=1", "cnc", "1", "line")
            for number in range(1, points + 1)
        ]
    )
    random = np.random.default_rng(seed)
    with store.writer(Run(f"run-{first}", T0, Origin.SIMULATED, "demo", "collect", "", "test")) as writer:
        for day in range(first, first + days):
            time_us = np.tile(T0 + day * DAY + np.arange(3600) * 1_000_000, points)
            point = np.repeat(np.arange(1, points + 1, dtype=np.int32), 3600)
            values = random.normal(50, 5, len(point))
            writer.append(SampleBatch(point, time_us, values, np.zeros(len(point), np.int8)))
    store.compact()


@pytest.fixture(scope="session", name="built")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two days, made once; tests copy it."""
    return _made(tmp_path_factory.mktemp("built") / "plant")


@pytest.fixture(name="workspace")
def _workspace(built: Path, tmp_path: Path) -> Path:
    """A copy of the workspace of two days."""
    return Path(shutil.copytree(built, tmp_path / "plant"))


@pytest.fixture(name="new_workspace")
def _new_workspace() -> Callable[..., Path]:
    return _made


@pytest.fixture(name="add_days")
def _add_days() -> Callable[..., None]:
    return add_days


@pytest.fixture(name="pushed")
def _pushed(workspace: Path, remote: Remote) -> Callable[..., None]:
    """Push the workspace, with its samples."""

    def done(*, raw: bool = True) -> None:
        push(workspace, "songjiang-01", remote, raw=raw, pace=Pace(), now=lambda: T0 + 31 * DAY)

    return done
