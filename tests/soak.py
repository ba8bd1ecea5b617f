"""The soak of OPC UA: a run that is restarted, cut, refused, shifted and delayed for long, and then accounts for every value.

    python tests/soak.py --minutes 5          (make soak: 40 minutes)

Three node-opcua servers count, each behind a proxy: ``kept`` is only cut, so that nothing may be lost; ``history`` keeps a
history and has a short queue, so that its history must fill every hole; ``restarted`` is killed and started again, so that
what it held is gone. Each value that a server still held is in the store once; every other one lies in a gap.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from factory_kit.collect.run import collect  # noqa: E402 - from the checkout, also without an installation
from factory_kit.model.connector import Connector  # noqa: E402
from factory_kit.model.site import Site  # noqa: E402
from factory_kit.store import Store  # noqa: E402
from factory_kit.testing import FaultProxy  # noqa: E402

POINTS = 5
LABEL = {"zh": "值", "en": "value"}
TROUBLES = ("cut", "cut", "hole", "half", "garble", "restart", "restart", "shift_clock")
NAMES = ("kept", "history", "restarted")


class Clock:
    """Our own clock, which somebody sets now and then."""

    def __init__(self) -> None:
        self.offset = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.offset


class Watcher:
    """Counts what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def status(self, status: Any) -> None:
        """Nothing: the end counts."""

    def notice(self, notice: Any) -> None:
        """A line."""
        self.lines.append(f"{time.strftime('%H:%M:%S')} {notice}")


def node_plants(pki: Path) -> dict[str, Any]:
    """The three servers."""
    spec = importlib.util.spec_from_file_location("servers", ROOT / "tests" / "drivers" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    servers = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = servers
    spec.loader.exec_module(servers)
    asked = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "node_package.py"), "node-opcua", "2.186.4"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    modules = Path(asked.stdout.strip()) / "node_modules"
    history = {"kept": 0, "history": 100_000, "restarted": 0}
    return {
        name: servers.NodePlant(modules, pki, points=POINTS, period_ms=100, history=history[name]).start()
        for name in NAMES
    }


def site_of(ports: dict[str, int]) -> Site:
    """All three servers; one has a queue that is too short for every cut."""
    queue = {"kept": 300, "history": 10, "restarted": 300}
    servers = {
        name: {
            "driver": "opcua", "url": f"opc.tcp://127.0.0.1:{port}", "security": "None", "publishing_ms": 200,
            "sampling_ms": 0, "queue_size": queue[name],
        }
        for name, port in ports.items()
    }  # fmt: skip
    record = {
        "granted_by": "plant", "reference": "soak", "granted_on": "2020-01-01", "valid_until": "2099-12-31",
        "addresses": [f"127.0.0.1:{port}" for port in ports.values()],
    }  # fmt: skip
    plant = {
        "id": "p", "name": LABEL, "credit_code": "91310117MA1J000003", "type": "discrete",
        "industry": {"code": "C3484"},
    }  # fmt: skip
    equipment = [{"id": name, "name": LABEL, "connector": "counter", "server": name} for name in ports]
    content = {
        "site": 1, "kind": "real", "plant": plant, "authorisation": record, "servers": servers, "equipment": equipment,
    }  # fmt: skip
    return Site.model_validate(content, strict=False)


def connector() -> Connector:
    """Points that number their values."""
    points = [
        {"name": f"v{n}", "label": LABEL, "role": "sequence", "address": f"ns=?;s=v{n}", "type": "float64"}
        for n in range(POINTS)
    ]
    content = {
        "connector": "counter", "version": "1", "label": LABEL, "driver": "opcua", "namespace": "urn:test:plant",
        "sources": [{"title": "soak"}], "quality": {"grade": "bronze", "because": "counts"}, "points": points,
    }  # fmt: skip
    return Connector.model_validate(content, strict=False)


class Trouble:
    """Makes trouble until the time is over; knows what the restarted server counted in each of its lives."""

    def __init__(self, nodes: dict[str, Any], lines: dict[str, FaultProxy], clock: Clock, seed: int) -> None:
        self.nodes = nodes
        self.lines = lines
        self.clock = clock
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.done: Counter[str] = Counter()
        self.counted: dict[int, int] = {}
        self.memory: list[int] = []

    def make(self, seconds: float) -> None:
        """One trouble after the other, and quiet at the end."""
        quiet = min(25.0, seconds / 3)
        until = time.monotonic() + seconds - quiet
        time.sleep(3)
        while time.monotonic() < until:
            self.memory.append(resident_kb())
            getattr(
                self, self.chance.choice(["cut", "cut", "hole", "half", "garble", "restart", "restart", "shift_clock"])
            )()
            time.sleep(self.chance.uniform(1, 3))
        for line in self.lines.values():
            line.heal()
        self.clock.offset = 0
        time.sleep(quiet - 3)
        self.counted |= self.nodes["restarted"].ticks()

    def cut(self) -> None:
        self._bad("cut", "cut", self.chance.uniform(0.2, 6))

    def hole(self) -> None:
        self._bad("hole", "black_hole", self.chance.uniform(0.5, 14))

    def half(self) -> None:
        self._bad("half", "half_close", self.chance.uniform(0.2, 3))

    def garble(self) -> None:
        self._bad("garble", "garble", self.chance.uniform(0.2, 2))

    def restart(self) -> None:
        """The server is killed; in its next life it counts on, under another namespace number."""
        node = self.nodes["restarted"]
        self.counted |= node.ticks()
        node.kill()
        time.sleep(self.chance.uniform(0, 2))
        node.start(shift=self.chance.randrange(4), first=max(self.counted) + 1000)
        self.done["restart"] += 1
        time.sleep(3)

    def shift_clock(self) -> None:
        """Somebody sets our clock."""
        self.clock.offset = self.chance.choice([-3600, -5, 5, 3600]) * 1_000_000
        self.done["clock"] += 1

    def _bad(self, name: str, fault: str, seconds: float) -> None:
        for line in self.lines.values():
            getattr(line, fault)()
        time.sleep(seconds)
        for line in self.lines.values():
            line.heal()
        self.done[name] += 1


def resident_kb() -> int:
    """Memory of this process now; 0 where the system does not tell."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def say(*what: object, sep: str = " ") -> None:
    """A line on standard output."""
    sys.stdout.write(sep.join(str(each) for each in what) + "\n")


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """What *sql* gives."""
    with store.connect() as con:
        return [tuple(row) for row in con.execute(sql).fetchall()]


def verdict(store: Store, ticks: dict[str, dict[int, int]]) -> dict[str, Any]:
    """For each server: stored twice, values that never were, lost without a gap, and lost at all, of all its points."""
    found: dict[tuple[str, str], Counter[tuple[int, int]]] = {}
    for server, name, value, moment in rows(
        store,
        "select server, name, value::BIGINT, epoch_us(time) from samples join points using (point) where value > 0",
    ):
        found.setdefault((server, name), Counter())[value, moment] += 1
    gaps: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for server, name, start, end in rows(
        store, 'select server, name, epoch_us(start), epoch_us("end") from gaps join points using (point)'
    ):
        gaps.setdefault((server, name), []).append((start, end))
    said = {name: Counter() for name in NAMES}  # type: dict[str, Counter[str]]
    for (server, name), counted in found.items():
        true = ticks[server]
        said[server]["delivered"] += len(counted)
        said[server]["twice"] += sum(count - 1 for count in counted.values())
        said[server]["never were"] += sum((number, moment) not in true.items() for number, moment in counted)
        first, last = min(counted)[0], max(counted)[0]
        for number in range(first, last + 1):
            if number in true and (number, true[number]) not in counted:
                said[server]["lost"] += 1
                covered = any(start <= true[number] < end for start, end in gaps.get((server, name), ()))
                said[server]["lost without a gap"] += not covered
    return {name: dict(each) for name, each in said.items()}


def main() -> int:
    """0 when every value is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    wanted = parser.parse_args()
    clock, watcher = Clock(), Watcher()
    with tempfile.TemporaryDirectory() as folder:
        nodes = node_plants(Path(folder) / "pki")
        store = Store(Path(folder) / "plant" / "store", now=clock)
        try:
            trouble = soak(nodes, store, clock, watcher, wanted)
            ticks = {name: nodes[name].ticks() for name in NAMES} | {"restarted": trouble.counted}
        finally:
            for node in nodes.values():
                node.kill()
        return report(trouble, watcher, verdict(store, ticks), store, verbose=wanted.verbose)


def soak(nodes: dict[str, Any], store: Store, clock: Clock, watcher: Watcher, wanted: Any) -> Trouble:
    """The run and its trouble."""
    with (
        FaultProxy("127.0.0.1", nodes["kept"].port) as kept,
        FaultProxy("127.0.0.1", nodes["history"].port) as history,
        FaultProxy("127.0.0.1", nodes["restarted"].port) as restarted,
    ):
        lines = dict(zip(NAMES, (kept, history, restarted), strict=True))
        trouble = Trouble(nodes, lines, clock, wanted.seed)
        site = site_of({name: line.port for name, line in lines.items()})

        async def run() -> None:
            stop = asyncio.Event()
            running = asyncio.create_task(
                collect(site, {"counter": connector()}, store, now=clock, stop=stop, observer=watcher)
            )
            making = asyncio.create_task(asyncio.to_thread(trouble.make, wanted.minutes * 60))
            await asyncio.wait({running, making}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await running
            await making

        asyncio.run(run())
    return trouble


def report(trouble: Trouble, watcher: Watcher, found: dict[str, Any], store: Store, *, verbose: bool) -> int:
    """Print what happened; 1 when something is not accounted for."""
    ledger = rows(
        store,
        "select server, sum(delivered), sum(sequence_gaps), sum(overflows), sum(dropped), sum(outages) from loss_ledger join points using (point) group by 1 order by 1",
    )
    settled = trouble.memory[len(trouble.memory) // 4 :] or [0]
    say(
        json.dumps(
            {"trouble": trouble.done, "servers": found, "lines": len(watcher.lines)}, ensure_ascii=False, indent=1
        )
    )
    say("ledger (server, delivered, missing by number, overflows, dropped, outages):", *ledger, sep="\n  ")
    say(f"memory: {trouble.memory[0] // 1024} MB at first, {max(settled) // 1024} MB at most later")
    if verbose:
        say(*watcher.lines, sep="\n")
    bad = [
        f"{name}: {each.get(what, 0)} {what}"
        for name, each in found.items()
        for what in ("twice", "never were", "lost without a gap")
        if each.get(what, 0)
    ]
    bad += [
        f"{name}: {found[name]['lost']} lost, though the server held them"
        for name in ("kept", "history")
        if found[name].get("lost")
    ]
    bad += [f"{name}: nothing was delivered" for name in NAMES if not found[name].get("delivered")]
    say(*bad or ["every value is accounted for"], sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
