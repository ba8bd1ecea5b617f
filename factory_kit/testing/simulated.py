"""The simulated plant in a process of its own, for tests and for the demonstration."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any, Self

from factory_kit.errors import DeviceUnavailable
from factory_kit.testing.faults import PlantedFault
from factory_kit.testing.plantmodel import PlantModel, Truth, analog_step
from factory_kit.testing.shifts import DEFAULT_START, SECOND, microseconds

__all__ = ["SimulatedPlant"]

_READY_S = 60.0
_STOP_S = 5.0


class SimulatedPlant:
    """A plant of eight machines (OPC UA), four meters and a compressor (Modbus TCP) that runs while the context is open.

    *seed* chooses the history, *speed* the plant seconds per second, *start* the plant time at which it begins (a time
    without a zone is Shanghai time), *until* the plant time at which it stands still, *faults* whether the planted
    faults happen, *step_s* the plant seconds between analog values, *wait* whether plant time stands still until a client has
    subscribed to the machines. Port 0 means any free one. The process ends with the context, and also when the process that
    opened it dies.
    """

    def __init__(  # noqa: PLR0913 - what a plant can be asked to be
        self,
        *,
        seed: int = 1,
        speed: float = 1.0,
        start: datetime | str | int = DEFAULT_START,
        until: datetime | str | int | None = None,
        faults: bool = True,
        step_s: int | None = None,
        wait: bool = False,
        opcua_port: int = 0,
        modbus_port: int = 0,
    ) -> None:
        self.speed = speed
        self.start = microseconds(start)
        self.until = None if until is None else microseconds(until)
        step = analog_step(speed) if step_s is None else step_s * SECOND
        self.model = PlantModel(seed, self.start, faults=faults, step=step)
        self.opcua_url = ""
        """Where the OPC UA server answers; known inside the context."""
        self.modbus_host = "127.0.0.1"
        self.modbus_port = 0
        """Where the Modbus server answers; known inside the context."""
        self._ports = (opcua_port, modbus_port)
        self._wait = wait
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    @property
    def planted_faults(self) -> tuple[PlantedFault, ...]:
        """What goes wrong on purpose, and when; empty for a clean plant."""
        return self.model.planted_faults

    @property
    def pid(self) -> int | None:
        """The process that serves; None outside the context."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process that serves is alive."""
        return self._process is not None and self._process.poll() is None

    def truth(self, start: datetime | str | int, end: datetime | str | int) -> Truth:
        """What every machine and meter really did between two plant times, from the pure model."""
        return self.model.truth(microseconds(start), microseconds(end))

    def __enter__(self) -> Self:
        """Start the process; ``DeviceUnavailable`` when it does not come up."""
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, **_own_group()
        )
        try:
            self._read_ready(self._process)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process: ask, then insist; does nothing when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        for ask in (_close_input, subprocess.Popen.terminate, subprocess.Popen.kill):
            ask(process)
            try:
                process.wait(_STOP_S)
                break
            except subprocess.TimeoutExpired:
                continue
        for stream in (process.stdout, self._stderr):
            if stream is not None:
                stream.close()

    def _command(self) -> list[str]:
        options = ["--seed", str(self.model.seed), "--speed", str(self.speed), "--start", _iso(self.start), "--parent"]
        options += [
            "--step",
            str(self.model.step // SECOND),
            "--opcua-port",
            str(self._ports[0]),
            "--modbus-port",
            str(self._ports[1]),
        ]
        if self.until is not None:
            options += ["--until", _iso(self.until)]
        if self._wait:
            options.append("--wait")
        if not self.planted_faults:
            options.append("--no-faults")
        return [sys.executable, "-m", "factory_kit.testing.plant", *options]

    def _read_ready(self, process: subprocess.Popen[bytes]) -> None:
        # A process that hangs before it is ready is killed, which ends the read.
        watchdog = threading.Timer(_READY_S, process.kill)
        watchdog.start()
        try:
            line = process.stdout.readline() if process.stdout else b""
        finally:
            watchdog.cancel()
        if not line:
            raise DeviceUnavailable(
                "simulated plant: it ended before it was ready ({reason}); check that the ports are free",
                reason=self._last_words(process),
            )
        ready = json.loads(line)
        self.opcua_url, self.modbus_host, self.modbus_port = (
            ready["opcua_url"],
            ready["modbus_host"],
            ready["modbus_port"],
        )

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        code = process.wait()
        if self._stderr is None:
            return f"exit code {code}"
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _own_group() -> dict[str, Any]:
    """Options that keep Ctrl-C in the terminal from reaching the plant before its owner has closed it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:  # noqa: RET505 - mypy skips the branch of the other platform only in this form
        return {"start_new_session": True}


def _iso(time: int) -> str:
    return datetime.fromtimestamp(time // SECOND, UTC).replace(microsecond=time % SECOND).isoformat()
