"""The simulated plant as a program of its own: ``python -m factory_kit.testing.plant --speed 3600``.

One line of JSON on stdout says where both servers answer once they do; then plant time begins, with ``--wait`` as soon as somebody
subscribes to the machines. The program ends with SIGINT or SIGTERM, with ``--parent`` also when its standard input ends, so that it
never outlives whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from factory_kit.testing.clock import PlantClock
from factory_kit.testing.plantmodel import PlantModel, analog_step
from factory_kit.testing.shifts import DEFAULT_START, SECOND, microseconds

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the plant until it is told to stop; 0 when it was, 1 when a server could not run."""
    options = _parser().parse_args(arguments)
    # Both libraries log every refused request and lost client; here stderr is for what ends the program.
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(_run(options))
    except (OSError, RuntimeError) as error:
        print(f"simulated plant: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m factory_kit.testing.plant", description="A simulated plant over OPC UA and Modbus TCP."
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another history (default 1)")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="plant seconds per second (default 1; 3600: an hour per second)"
    )
    parser.add_argument(
        "--start",
        type=microseconds,
        default=DEFAULT_START,
        help="plant time at the start, ISO 8601 (Shanghai if without zone)",
    )
    parser.add_argument("--until", type=microseconds, default=None, help="plant time at which time stands still")
    parser.add_argument(
        "--step",
        type=float,
        default=None,
        help="plant seconds between analog values (default: speed / 120, at least 1)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--opcua-port", type=int, default=0, help="port of the OPC UA server (default: any free one)")
    parser.add_argument("--modbus-port", type=int, default=0, help="port of the Modbus server (default: any free one)")
    parser.add_argument(
        "--no-faults", dest="faults", action="store_false", help="a plant in which nothing goes wrong on purpose"
    )
    parser.add_argument("--wait", action="store_true", help="plant time stands still until a client has subscribed")
    parser.add_argument("--parent", action="store_true", help="end when standard input ends")
    return parser


async def _run(options: argparse.Namespace) -> None:
    # asyncua takes most of a second to import: only the process that serves pays for it.
    from factory_kit.testing.modbus_server import EnergyServer  # noqa: PLC0415
    from factory_kit.testing.opcua_server import MachineServer  # noqa: PLC0415

    step = analog_step(options.speed) if options.step is None else round(options.step * SECOND)
    model = PlantModel(options.seed, options.start, faults=options.faults, step=step)
    clock = PlantClock(options.start, options.speed, options.until)
    stop = _stop_signal(parent=options.parent)
    async with (
        EnergyServer(model, clock, options.host, options.modbus_port) as meters,
        MachineServer(model, clock, options.host, options.opcua_port) as machines,
    ):
        if not options.wait:
            clock.begin()
        _announce(machines.url, options.host, meters.port, model)
        stopped = asyncio.ensure_future(stop.wait())
        if options.wait:
            watched = asyncio.ensure_future(machines.watched.wait())
            await asyncio.wait({watched, stopped}, return_when=asyncio.FIRST_COMPLETED)
            watched.cancel()
            clock.begin()
        following = machines.follow()
        await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()


def _announce(opcua_url: str, host: str, modbus_port: int, model: PlantModel) -> None:
    ready = {
        "opcua_url": opcua_url,
        "modbus_host": host,
        "modbus_port": modbus_port,
        "start": model.start,
        "step": model.step,
        "planted_faults": [fault.as_dict() for fault in model.planted_faults],
    }
    print(json.dumps(ready), flush=True)  # noqa: T201


def _stop_signal(*, parent: bool) -> asyncio.Event:
    """An event that is set by SIGINT, SIGTERM and, with *parent*, by the end of standard input or of the parent."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def request(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    signal.signal(signal.SIGINT, request)
    signal.signal(signal.SIGTERM, request)
    if parent:
        threading.Thread(target=_wait_for_end_of_input, args=(request,), daemon=True).start()
    return stop


def _wait_for_end_of_input(request: Callable[[], None]) -> None:
    # os.read holds no lock of sys.stdin, which the interpreter would wait for when it ends.
    while os.read(0, 1024):
        pass
    request()


if __name__ == "__main__":
    raise SystemExit(main())
