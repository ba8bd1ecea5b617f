"""Discovery of a Modbus device: permission, the dry run that was shown, then few requests; drafts come out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from factory_kit import __version__
from factory_kit.collect.authorise import require_authorisation
from factory_kit.collect.draft_modbus import DraftedConnector, drafted, guesses, write_drafts
from factory_kit.collect.ending import INTERRUPTED, until_interrupted
from factory_kit.collect.rehearsal import require_rehearsal
from factory_kit.collect.requestlog import RequestLog
from factory_kit.drivers import driver
from factory_kit.drivers.address import address_range
from factory_kit.drivers.base import Context, RegisterDevice
from factory_kit.drivers.modbus.survey import Ended, Found, Gentle, Limits, Span, look
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.model.site import ModbusServer, Site

__all__ = ["Discovered", "Limits", "ModbusWish", "discover_modbus", "plan_of"]

SERIAL = ("rtu", "ascii")
USUAL_UNITS = "1-16"
"""Asked where the user names none; never on a serial line, where each silent unit holds up the whole line."""
TIMEOUT_MS = 500
GENTLE = Limits()
HOST = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
MANY = re.compile(r"[/*,;]|\.\d+-\d+$|\.\d+-\d+:")
"""What only a range of addresses would contain."""


@dataclass(frozen=True, slots=True)
class ModbusWish:
    """What is to be looked at: which server (its name in the site file, or one made of its address), which units, which registers."""

    name: str
    server: ModbusServer
    units: tuple[int, ...]
    spans: tuple[Span, ...] = ()
    rounds: int = 20
    every_s: float = 2.0
    limits: Limits = GENTLE

    @classmethod
    def of(
        cls,
        site: Site,
        server: str,
        *,
        units: str = "",
        registers: Sequence[str] = (),
        limits: Limits = GENTLE,
        rounds: int = 20,
        every_s: float = 2.0,
    ) -> ModbusWish:
        """The wish for *server*, the name or the address of a server of *site*, or ``host[:port]`` of a stranger; ``UsageError`` for anything else."""
        name, settings = _server(site, server)
        if settings.transport in SERIAL and not units:
            raise UsageError(
                "{server}: units on a serial line are not looked for by default, since every silent one holds up the line; name them with --units",
                server=server,
            )
        spans = tuple(Span(*address_range(each)) for each in registers)
        return cls(name, settings, _numbers(units or USUAL_UNITS), spans, rounds, every_s, limits)


def _server(site: Site, server: str) -> tuple[str, ModbusServer]:
    known = {name: each for name, each in site.servers.items() if isinstance(each, ModbusServer)}
    for name, each in known.items():
        if server in {name, each.address}:
            return name, each.model_copy(update={"retries": 0, "connections": 1})
    found = HOST.fullmatch(server)
    if MANY.search(server) or found is None:
        raise UsageError(
            "{server}: name one address such as 192.0.2.10 or 192.0.2.10:502, or a server of site.yaml; whole networks are never looked through",
            server=server,
        )
    try:
        settings = ModbusServer(
            driver="modbus", host=found["host"], port=int(found["port"] or 502), timeout_ms=TIMEOUT_MS, retries=0
        )
    except ValidationError as error:
        raise UsageError("{server}: is no address such as 192.0.2.10:502", server=server) from error
    for name, each in known.items():
        if each.address == settings.address:
            return name, each.model_copy(update={"retries": 0, "connections": 1})
    return "".join(sign if sign.isalnum() else "-" for sign in settings.address.lower()).strip("-"), settings


def _numbers(text: str) -> tuple[int, ...]:
    """The units that ``1-10,255`` names, in their order, each once."""
    units: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise UsageError("{text}: is no list of units such as 1-10,255", text=text)
        units += range(int(first), int(last or first) + 1)
    if not units or not all(1 <= unit <= 255 for unit in units):
        raise UsageError(
            "{text}: units are numbers from 1 to 255 (0 is the broadcast address and never sent)", text=text
        )
    return tuple(dict.fromkeys(units))


@dataclass(slots=True)
class Discovered:
    """Everything that was found, and the folder that now holds it."""

    address: str
    started: int
    allowed: str
    folder: Path
    found: list[Found] = field(default_factory=list)
    drafts: list[DraftedConnector] = field(default_factory=list)
    requests: int = 0
    ended: Ended | None = None
    """Why it ended before its time."""
    interrupted: bool = False
    """Whether that was Ctrl-C."""

    def interrupt(self) -> None:
        """Ctrl-C ended it; what there is, is a part."""
        self.interrupted, self.ended = True, Ended(INTERRUPTED)

    @property
    def points(self) -> int:
        """Points drafted."""
        return sum(len(draft.rows) for draft in self.drafts)

    def as_json(self) -> dict[str, object]:
        """What was found, as JSON values."""
        return {
            "form": 1,
            "address": self.address,
            "at": _iso(self.started),
            "allowed": self.allowed,
            "software": f"factory-kit {__version__}",
            "ended": str(self.ended) if self.ended else None,
            "requests": self.requests,
            "units": [_told(each) for each in self.found],
            "connectors": [draft.id for draft in self.drafts],
            "points": self.points,
            "folder": str(self.folder),
        }

    def rows(self) -> Iterator[tuple[object, ...]]:
        """One row a unit: what it calls itself, its SunSpec models, registers watched and clear or ambiguous guesses."""
        for each in self.found:
            proposals = [proposal for _table, proposal in guesses(each)]
            clear = sum(proposal.clear for proposal in proposals)
            said = " ".join(filter(None, (each.identity.vendor, each.identity.product, each.identity.version)))
            yield (
                each.unit,
                said,
                ", ".join(str(model.number) for model in each.models),
                sum(len(registers) for registers in each.rounds.values()) or "",
                f"{clear} / {len(proposals)}" if proposals else "",
            )


def plan_of(site: Site, wish: ModbusWish, now: int) -> dict[str, object]:
    """What would be sent, within which limits, and who allowed it; ``NotAuthorised`` when nobody did."""
    limits, units = wish.limits, len(wish.units)
    today = datetime.fromtimestamp(now / 1e6, ZoneInfo(site.plant.timezone)).date()
    registers = sum(span.last - span.first + 1 for span in wish.spans)
    blocks = sum(-(-(span.last - span.first + 1) // limits.block) for span in wish.spans)
    sends = [
        {"service": "function 3", "why": N_("which units answer: one register of each"), "at_most": units},
        {"service": "function 43/14", "why": N_("what each unit calls itself"), "at_most": 3 * units},
        {"service": "function 3", "why": N_("whether it holds SunSpec models, and those"), "at_most": 120 * units},
    ]
    for function, tables in (("function 1 to 4", wish.spans),):
        if tables:
            why = N_("registers named, which of them answer and how they change")
            sends.append({"service": function, "why": why, "at_most": units * (2 * registers + blocks * wish.rounds)})
    return {
        "address": wish.server.address,
        "transport": wish.server.transport,
        "allowed": require_authorisation(site, [wish.server.address], today),
        "units": list(wish.units),
        "registers": [str(span) for span in wish.spans],
        "rounds": wish.rounds,
        "every_s": wish.every_s,
        **asdict(limits),
        "timeout_ms": wish.server.timeout_ms,
        "sends": sends,
    }


def discover_modbus(
    site: Site,
    wish: ModbusWish,
    folder: Path,
    *,
    now: Callable[[], int],
    request_log: Path,
    clock: Callable[[], float] = monotonic,
    tell: Callable[[], None] = lambda: None,
) -> Discovered:
    """What the device tells, and drafts from it in a folder of its own below *folder*.

    ``UsageError`` unless the dry run of just this was shown; ``NotAuthorised`` before anything is sent; ``DeviceUnavailable``
    when nobody answers there. A limit, trouble under way, or Ctrl-C leaves a part that says so. *tell* is called with every request.
    """
    plan = plan_of(site, wish, now())
    require_rehearsal(folder, plan)
    started = now()
    moment = f"{datetime.fromtimestamp(started / 1e6, UTC):%Y%m%dT%H%M%SZ}"
    log = RequestLog(request_log, f"discover-{moment}", now)
    device = driver("modbus").device(wish.name, wish.server, Context(now, log.telling(tell)))
    found = Discovered(wish.server.address, started, str(plan["allowed"]), folder / moment)
    try:
        if asyncio.run(until_interrupted(_discover(found, wish, device, clock))):  # type: ignore[arg-type]
            found.interrupt()
    except KeyboardInterrupt:  # pressed again while it hung up
        found.interrupt()
    finally:
        log.flush(last=True)
    _keep(found, wish)
    return found


async def _discover(found: Discovered, wish: ModbusWish, device: RegisterDevice, clock: Callable[[], float]) -> None:
    await device.connect()
    gentle = Gentle(device, wish.limits, clock)
    try:
        await look(gentle, wish.units, wish.spans, rounds=wish.rounds, every_s=wish.every_s, found=found.found)
    except Ended as ended:
        found.ended = ended
    finally:
        found.requests = gentle.requests
        await device.aclose()


def _keep(found: Discovered, wish: ModbusWish) -> None:
    """What was found is on disk, also when it is only a part."""
    moment = _iso(found.started)
    origins = {each.unit: each.identity.origin.value for each in found.found}
    origin = ", ".join((*dict.fromkeys(origins.values()), f"device {wish.server.address}", moment))
    found.drafts = drafted(wish.name, wish.server, found.found, moment, origin)
    found.folder.mkdir(parents=True, exist_ok=True)
    write_drafts(found.drafts, wish.name, wish.server, found.folder)
    write_atomically(found.folder / "device.json", json.dumps(found.as_json(), ensure_ascii=False, indent=2) + "\n")
    watched = {str(each.unit): each.rounds for each in found.found if each.rounds}
    if watched:
        write_atomically(found.folder / "registers.json", json.dumps(watched) + "\n")


def _told(each: Found) -> dict[str, object]:
    proposals = [
        {
            "table": table,
            "address": one.address,
            "reading": str(one.reading),
            "clear": one.clear,
            "others": [str(other) for other in one.others],
            "because": one.because,
            "moves": one.moves,
        }
        for table, one in guesses(each)
    ]
    return {
        "unit": each.unit,
        "identifies": each.identifies,
        "identity": asdict(each.identity),
        "sunspec": [{"model": model.number, "address": model.address, "length": model.length} for model in each.models],
        "refused": [str(span) for span in each.refused],
        "guesses": proposals,
    }


def _iso(time: int) -> str:
    return datetime.fromtimestamp(time / 1e6, UTC).isoformat(timespec="seconds")
