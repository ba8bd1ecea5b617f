"""A serial line that misbehaves: two ends made by socat, and between them lost and flipped bytes, echo and answers that come late.

A device of any make listens at ``device``, whoever is tested speaks at ``master``. Only for systems with pseudo terminals.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from factory_kit.errors import DeviceUnavailable
from factory_kit.testing.background import Background

__all__ = ["Faults", "NoisyLine"]

READY_S = 10.0
OPEN: int = (
    os.O_RDWR | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0)
)  # Windows has neither, nor the terminals
FRAME_GAP_S = 0.002
"""Bytes of the device that follow each other faster than this are one answer, and are held back together."""


@dataclass
class Faults:
    """What happens to the bytes; all may be changed while the line is open."""

    lost: float = 0.0
    """Share of bytes that vanish, in both directions."""
    flipped: float = 0.0
    """Share of bytes of which one bit turns over."""
    late: float = 0.0
    """Share of answers that are held back for a random time up to ``latest_s``."""
    latest_s: float = 0.0
    echo: bool = False
    """Whether the master hears what it says, as on two-wire adapters."""


class NoisyLine:
    """The line, while the context is open. ``damaged`` counts the answers of which a byte was lost or flipped."""

    def __init__(self, faults: Faults | None = None, seed: int = 1) -> None:
        self.faults = faults or Faults()
        self.damaged = self.held = self.answers = 0
        self.said: list[bytes] = []
        """What the master said, as it came, for tests that watch the wire."""
        self._random = random.Random(seed)
        self._folder = tempfile.TemporaryDirectory(prefix="factory-kit-line-")
        self._background = Background()
        self._socats: list[subprocess.Popen[bytes]] = []
        self._master = self._device = -1
        self._pending = b""
        self._flush: asyncio.TimerHandle | None = None
        self._free_at = 0.0

    @property
    def master(self) -> str:
        """The serial port for whoever is tested."""
        return str(Path(self._folder.name) / "master")

    @property
    def device(self) -> str:
        """The serial port for the device."""
        return str(Path(self._folder.name) / "device")

    def __enter__(self) -> Self:
        """The line is open; ``DeviceUnavailable`` when socat does not come up."""
        for end in ("master", "device"):
            inner = Path(self._folder.name) / f"{end}-inner"
            outer = Path(self._folder.name) / end
            self._socats.append(
                subprocess.Popen(["socat", f"pty,raw,echo=0,link={outer}", f"pty,raw,echo=0,link={inner}"])  # noqa: S607
            )
            self._wait_for(outer, inner)
        self._master, self._device = (
            os.open(Path(self._folder.name) / f"{end}-inner", OPEN) for end in ("master", "device")
        )
        self._background.call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything is closed and tidied away."""
        self._background.call(self._deaf())
        self._background.close()
        for socat in self._socats:
            socat.terminate()
            socat.wait()
        for end in (self._master, self._device):
            os.close(end)
        self._folder.cleanup()

    def say(self, data: bytes) -> None:
        """*data* appears on the line as if another master or a disturbance had said it: the device and our master hear it."""
        self._background.call(self._both(data))

    def _wait_for(self, *places: Path) -> None:
        deadline = time.monotonic() + READY_S
        while not all(place.exists() for place in places):
            if time.monotonic() > deadline:
                raise DeviceUnavailable("socat: no pseudo terminals came up; is it installed?")
            time.sleep(0.01)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._master, self._from_master)
        loop.add_reader(self._device, self._from_device)

    async def _deaf(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_reader(self._device)
        if self._flush is not None:
            self._flush.cancel()

    async def _both(self, data: bytes) -> None:
        os.write(self._master, data)
        os.write(self._device, data)

    def _from_master(self) -> None:
        data = _read(self._master)
        self.said.append(data)
        heard = self._disturbed(data)
        if self.faults.echo:
            os.write(self._master, self._disturbed(data))
        if heard:
            os.write(self._device, heard)

    def _from_device(self) -> None:
        self._pending += _read(self._device)
        loop = asyncio.get_running_loop()
        if self._flush is not None:
            self._flush.cancel()
        self._flush = loop.call_later(FRAME_GAP_S, self._answer, loop)

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        """One answer of the device: damaged or held back, and never before the one before it."""
        whole, self._pending, self._flush = self._pending, b"", None
        data = self._disturbed(whole)
        self.answers += 1
        self.damaged += data != whole
        wait = 0.0
        if self.faults.late and self._random.random() < self.faults.late:
            wait = self._random.random() * self.faults.latest_s
            self.held += 1
        self._free_at = max(loop.time() + wait, self._free_at)
        if data:
            loop.call_at(self._free_at, self._tell, data)

    def _tell(self, data: bytes) -> None:
        os.write(self._master, data)

    def _disturbed(self, data: bytes) -> bytes:
        faults, chance = self.faults, self._random
        if not faults.lost and not faults.flipped:
            return data
        out = bytearray()
        for byte in data:
            fate = chance.random()
            if fate < faults.lost:
                continue
            out.append(byte ^ (1 << chance.randrange(8)) if fate < faults.lost + faults.flipped else byte)
        return bytes(out)


def _read(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except (BlockingIOError, OSError):
        return b""
