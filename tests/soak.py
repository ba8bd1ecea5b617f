"""The soak of OPC UA: a run that is restarted, cut, refused, shifted and delayed for long, and then accounts for every value.

    python tests/soak.py --minutes 5          (make soak: 40 minutes)

Four node-opcua servers count. Three stand behind a proxy: ``kept`` is only cut, so that nothing may be lost; ``history`` keeps a
history and has a short queue, so that its history must fill every hole; ``restarted`` is killed and started again, so that
what it held is gone. ``secured`` speaks encrypted and gets another certificate now and then: its collection must stop with a
line that names it, and go on once somebody trusts it. Each value that a server still held is in the store once; every other
one lies in a gap. The full length holds 200 restarts, 50 cuts, 20 changes of certificates, 5 of ours and 5 clocks that jump.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from factory_kit.collect.run import collect  # noqa: E402 - from the checkout, also without an installation
from factory_kit.collect.trust import acquaint, trust_server  # noqa: E402
from factory_kit.drivers.opcua.security import own_certificate, pin  # noqa: E402
from factory_kit.model.connector import Connector  # noqa: E402
from factory_kit.model.site import Site  # noqa: E402
from factory_kit.store import Store  # noqa: E402
from factory_kit.testing import FaultProxy  # noqa: E402

POINTS = 5
LABEL = {"zh": "值", "en": "value"}
DECK = {"restart": 200, "cut": 50, "hole": 20, "half": 20, "garble": 20, "shift_clock": 5}
"""How often each trouble comes in the full length."""
BEHIND = ("kept", "history", "restarted")
NAMES = (*BEHIND, "secured")
FULL_MINUTES = 40
CERTIFICATES, OURS = 20, 5
"""Changes of the server's certificate, and of ours, in the full length."""
PATIENCE_S = 120
GAPS = """select distinct server, epoch_us(start), epoch_us("end"), reason from gaps join points using (point)"""
NEAR_US = 1_000_000
"""Lost values no further apart than this are told as one stretch."""
SETTLED = 100
"""With so many looks at the memory it is judged."""
FLAT_KB = 64 * 1024
"""What the last quarter may have more than the second: sealing and merging files takes its memory once, whenever the first hour ends."""


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


class Papers:
    """The certificates: those of the server ``secured``, one after the other, and the folder of ours with what we trust."""

    def __init__(self, folder: Path) -> None:
        self.own = folder / "keys"
        self._folder = folder / "papers"
        self._count = 0

    def another(self) -> dict[str, str]:
        """The files of a certificate that nobody has seen yet, as options of the server."""
        self._count += 1
        place = self._folder / str(self._count)
        own_certificate(place, time.time_ns() // 1000)
        return {"certificate": str(place / "factory-kit.der"), "key": str(place / "factory-kit.key")}

    def renew(self) -> None:
        """Ours is made anew at the next session, as when somebody deletes it because it ends."""
        for name in ("factory-kit.der", "factory-kit.key"):
            (self.own / name).unlink()


def node_plants(folder: Path, papers: Papers) -> dict[str, Any]:
    """The four servers."""
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
    options: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    options["history"] = {"history": 100_000}
    options["secured"] = {"policies": ["Basic256Sha256"], "modes": ["SignAndEncrypt"], **papers.another()}
    return {
        name: servers.NodePlant(modules, folder / "pki", points=POINTS, period_ms=100, **options[name]).start()
        for name in NAMES
    }


def site_of(ports: dict[str, int]) -> Site:
    """All servers; one has a queue that is too short for every cut, one is encrypted."""
    servers = {
        name: {
            "driver": "opcua", "url": f"opc.tcp://127.0.0.1:{port}", "security": "auto" if name == "secured" else "None",
            "publishing_ms": 200, "sampling_ms": 0, "queue_size": 10 if name == "history" else 300,
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
        self.log: list[tuple[int, str]] = []
        """When (µs, the true time) what was done."""
        self.counted: dict[int, int] = {}
        self.memory: list[int] = []
        self.objects: list[int] = []

    def make(self, seconds: float) -> None:
        """One trouble after the other, and quiet at the end."""
        quiet = min(25.0, seconds / 3)
        until = time.monotonic() + seconds - quiet
        time.sleep(3)
        for trouble in self._drawn():
            if time.monotonic() >= until:
                break
            self.memory.append(resident_kb())
            self.objects.append(len(gc.get_objects()))
            getattr(self, trouble)()
            time.sleep(self.chance.uniform(0.5, 1.5))
        for line in self.lines.values():
            line.heal()
        self.clock.offset = 0
        time.sleep(quiet - 3)

    def _drawn(self) -> Iterator[str]:
        """One of each, and then as the full length has them."""
        hand = list(DECK)
        while True:
            self.chance.shuffle(hand)
            yield from hand
            hand = [trouble for trouble, count in DECK.items() for _each in range(count)]

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
        self.counted |= last_ticks(node)
        node.kill()
        self._note("server killed")
        time.sleep(self.chance.uniform(0, 2))
        node.start(shift=self.chance.randrange(4), first=max(self.counted) + 1000)
        self._note("server back")
        self.done["restart"] += 1
        time.sleep(2)

    def shift_clock(self) -> None:
        """Somebody sets our clock."""
        self.clock.offset = self.chance.choice([-3600, -5, 5, 3600]) * 1_000_000
        self._note(f"our clock is off by {self.clock.offset / 1e6:.0f} s")
        self.done["clock"] += 1

    def _note(self, what: str) -> None:
        self.log.append((time.time_ns() // 1000, what))

    def _bad(self, name: str, fault: str, seconds: float) -> None:
        for line in self.lines.values():
            getattr(line, fault)()
        self._note(f"line: {name}")
        time.sleep(seconds)
        for line in self.lines.values():
            line.heal()
        self._note("line heals")
        self.done[name] += 1


class Changes:
    """Gives the secured server another certificate, and us another one, at even times; trusts only after the collection has stopped."""

    def __init__(self, node: Any, site: Site, papers: Papers, watcher: Watcher, clock: Clock) -> None:
        self.node = node
        self.site = site
        self.papers = papers
        self.watcher = watcher
        self.clock = clock
        self.done: Counter[str] = Counter()
        self.counted: dict[int, int] = {}
        self.wrong: list[str] = []

    def make(self, seconds: float) -> None:
        """As many changes as *seconds* have room for, and at least one."""
        share = seconds / (60 * FULL_MINUTES)
        theirs, ours = max(1, round(CERTIFICATES * share)), round(OURS * share)
        plan = [self.theirs] * theirs
        for number in range(ours):
            plan.insert((2 * number + 1) * len(plan) // (2 * ours), self.ours)
        begun = time.monotonic()
        for number, change in enumerate(plan):
            due = begun + seconds * 0.85 * number / len(plan) + 4
            time.sleep(max(0.0, due - time.monotonic()))
            change()
        time.sleep(3)

    def theirs(self) -> None:
        """The server comes back with a certificate that nobody trusts; then somebody does."""
        told = len(self.watcher.lines)
        self._again(**self.papers.another())
        self._until(lambda: self._lines(told, "another certificate"), "the new certificate was not noticed")
        time.sleep(1)
        found = acquaint(self.site, "secured", now=self.clock, request_log=self.papers.own / "requests.jsonl")
        trust_server(found, found.fingerprint, self.papers.own)
        self._back(told, "theirs")
        if self._lines(told, "another certificate") != 1:
            self.wrong.append(f"a new certificate was told {self._lines(told, 'another certificate')} times")

    def ours(self) -> None:
        """Ours is made anew, and the server, which learns to trust it, starts again."""
        told = len(self.watcher.lines)
        self.papers.renew()
        self._again()
        self._back(told, "ours")

    def _again(self, **changed: str) -> None:
        self.counted |= last_ticks(self.node)
        self.node.kill()
        self.node.start(first=max(self.counted) + 1000, **changed)

    def _back(self, told: int, what: str) -> None:
        self._until(lambda: self._lines(told, "connection is back"), f"no way back after a change of {what}")
        self.done[f"certificate: {what}"] += 1

    def _lines(self, told: int, text: str) -> int:
        return sum("secured: " in line and text in line for line in self.watcher.lines[told:])

    def _until(self, true: Callable[[], object], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > deadline:
                self.wrong.append(otherwise)
                return
            time.sleep(0.1)


def last_ticks(node: Any) -> dict[int, int]:
    """What *node* has counted, and counts no more."""
    node.ask("stop")
    return dict(node.ticks())


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


def verdict(store: Store, ticks: dict[str, dict[int, int]]) -> tuple[dict[str, Any], dict[tuple[str, int], list[str]]]:
    """For each server: stored twice, values that never were, lost without a gap, and lost at all, of all its points.

    And of what was lost without a gap: server and time, and the points whose value of that time is missing.
    """
    silent: dict[tuple[str, int], list[str]] = {}
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
                if not covered:
                    silent.setdefault((server, true[number]), []).append(name)
    return {name: dict(each) for name, each in said.items()}, silent


def told(silent: dict[tuple[str, int], list[str]], trouble: list[tuple[int, str]], store: Store) -> Iterator[str]:
    """Each stretch of values that were lost without a gap, with the trouble and the gaps around it."""
    stretches: list[list[tuple[str, int]]] = []
    for each in sorted(silent):
        if stretches and each[0] == stretches[-1][-1][0] and each[1] - stretches[-1][-1][1] < NEAR_US:
            stretches[-1].append(each)
        else:
            stretches.append([each])
    for stretch in stretches:
        (server, start), (_server, end) = stretch[0], stretch[-1]
        yield f"{server}: {len(stretch)} ticks lost without a gap, of {sorted({each for at in stretch for each in silent[at]})}"
        around = [(start, "first of them"), (end, "last of them")]
        around += [(at, what) for at, what in trouble if start - 20 * NEAR_US < at < end + 20 * NEAR_US]
        for name, since, until, reason in rows(store, GAPS):
            if name == server and until > start - 20 * NEAR_US and since < end + 20 * NEAR_US:
                around += [(since, f"gap begins: {reason}"), (until, "gap ends")]
        yield from (f"  {(at - start) / 1e6:+9.3f} s  {what}" for at, what in sorted(around))


def main() -> int:
    """0 when every value is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    wanted = parser.parse_args()
    clock, watcher = Clock(), Watcher()
    with tempfile.TemporaryDirectory() as folder:
        papers = Papers(Path(folder))
        nodes = node_plants(Path(folder), papers)
        store = Store(Path(folder) / "plant" / "store", now=clock)
        try:
            trouble, changes = soak(nodes, store, papers, clock, watcher, wanted)
            ticks = {name: nodes[name].ticks() for name in NAMES}
            ticks["restarted"] |= trouble.counted
            ticks["secured"] |= changes.counted
        finally:
            for node in nodes.values():
                node.kill()
        trouble.done += changes.done
        found, silent = verdict(store, ticks)
        for line in told(silent, trouble.log, store):
            say(line)
        return report(trouble, changes.wrong, watcher, found, store, verbose=wanted.verbose)


def soak(
    nodes: dict[str, Any], store: Store, papers: Papers, clock: Clock, watcher: Watcher, wanted: Any
) -> tuple[Trouble, Changes]:
    """The run and its trouble."""
    with (
        FaultProxy("127.0.0.1", nodes["kept"].port) as kept,
        FaultProxy("127.0.0.1", nodes["history"].port) as history,
        FaultProxy("127.0.0.1", nodes["restarted"].port) as restarted,
    ):
        lines = dict(zip(BEHIND, (kept, history, restarted), strict=True))
        trouble = Trouble(nodes, lines, clock, wanted.seed)
        ports = {name: line.port for name, line in lines.items()} | {"secured": nodes["secured"].port}
        site = site_of(ports)
        server = site.servers["secured"]
        assert server.driver == "opcua"
        pin(papers.own, server, Path(nodes["secured"].options["certificate"]).read_bytes())
        changes = Changes(nodes["secured"], site, papers, watcher, clock)

        async def run() -> None:
            stop = asyncio.Event()
            options = {"now": clock, "stop": stop, "observer": watcher, "certificates": papers.own}
            running = asyncio.create_task(collect(site, {"counter": connector()}, store, **options))
            making = [asyncio.create_task(_beside(each.make, wanted.minutes * 60)) for each in (trouble, changes)]
            everything = asyncio.gather(*making)
            await asyncio.wait({running, everything}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await running
            await everything

        asyncio.run(run())
    return trouble, changes


async def _beside(work: Callable[[float], None], seconds: float) -> None:
    """*work* in a thread of its own: those of the run are few."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    failed: list[BaseException] = []

    def all_of_it() -> None:
        try:
            work(seconds)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=all_of_it, daemon=True).start()
    await ended.wait()
    if failed:
        raise failed[0]


def report(
    trouble: Trouble, wrong: list[str], watcher: Watcher, found: dict[str, Any], store: Store, *, verbose: bool
) -> int:
    """Print what happened; 1 when something is not accounted for."""
    ledger = rows(
        store,
        "select server, sum(delivered), sum(sequence_gaps), sum(overflows), sum(dropped), sum(outages) from loss_ledger join points using (point) group by 1 order by 1",
    )
    say(
        json.dumps(
            {"trouble": trouble.done, "servers": found, "lines": len(watcher.lines)}, ensure_ascii=False, indent=1
        )
    )
    say("ledger (server, delivered, missing by number, overflows, dropped, outages):", *ledger, sep="\n  ")
    memory, objects = ([_median(part) for part in _quarters(looks)] for looks in (trouble.memory, trouble.objects))
    say("memory, median of each quarter in MB:", *(f"{each / 1024:.1f}" for each in memory))
    say("objects, median of each quarter:", *objects)
    if verbose:
        say(*watcher.lines, sep="\n")
    bad = list(wrong)
    if len(trouble.memory) >= SETTLED and memory[3] > memory[1] + FLAT_KB:
        bad.append("memory is not flat")
    bad += [
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


def _quarters(looks: list[int]) -> list[list[int]]:
    """*looks* in four parts, in their order."""
    size = max(1, len(looks) // 4)
    return [looks[part * size : (part + 1) * size] or looks[-1:] for part in range(4)]


def _median(looks: list[int]) -> int:
    return sorted(looks)[len(looks) // 2] if looks else 0


if __name__ == "__main__":
    sys.exit(main())
