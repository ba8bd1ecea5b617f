"""Discovery of an OPC UA server: permission, the dry run that was shown, then few requests; drafts and findings come out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from factory_kit import __version__
from factory_kit.collect.authorise import in_the_open, require_authorisation
from factory_kit.collect.draft import Draft, draft
from factory_kit.collect.ending import until_interrupted
from factory_kit.collect.findings import Finding, security_findings
from factory_kit.collect.rehearsal import require_rehearsal
from factory_kit.collect.requestlog import RequestLog
from factory_kit.collect.securityrecord import Asked, endpoint, outcomes, security_record
from factory_kit.collect.wanted import asked_server
from factory_kit.drivers.base import Context, Identity
from factory_kit.drivers.opcua.browse import OBJECTS, Tree, beginning, beginning_at, walk
from factory_kit.drivers.opcua.errors import mapped
from factory_kit.drivers.opcua.facts import ServerFacts, server_facts
from factory_kit.drivers.opcua.gentle import Bounds, Gentle
from factory_kit.drivers.opcua.kinds import Kinds, kinds_of
from factory_kit.drivers.opcua.security import Offer
from factory_kit.drivers.opcua.session import ask_offers, close, open_session
from factory_kit.drivers.opcua.variables import Variable, variables_of
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.model.definition import Text
from factory_kit.model.evidence import Evidence
from factory_kit.model.sample import Origin
from factory_kit.model.site import OpcUaServer, Site

__all__ = ["Bounds", "Discovery", "Wish", "discover_opcua", "plan_of"]

NODES = "nodes.json"
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be discovered: which server (its name in the site file, or one made of its address), and how far."""

    name: str
    server: OpcUaServer
    bounds: Bounds
    under: str = ""
    match: str = ""
    resume: bool = False

    @classmethod
    def of(
        cls,
        site: Site,
        server: str,
        bounds: Bounds,
        *,
        under: str = "",
        match: str = "",
        resume: bool = False,
        in_the_open: bool = False,
    ) -> Wish:
        """The wish for *server*, the name or the URL of a server of *site*, or another URL; ``UsageError`` for neither."""
        name, found = asked_server(site, server, in_the_open=in_the_open)
        return cls(name, found, bounds, under, match, resume)


@dataclass(slots=True)
class Discovery:
    """Everything that was found, and the folder that now holds it."""

    address: str
    started: int
    allowed: str
    folder: Path
    offers: list[Offer]
    findings: list[Finding]
    facts: ServerFacts | None = None
    tree: Tree = field(default_factory=Tree)
    variables: list[Variable] = field(default_factory=list)
    kinds: Kinds = field(default_factory=Kinds)
    draft: Draft | None = None
    requests: int = 0
    record: Path | None = None
    """The evidence about the security of the server."""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it; what there is, is a part then."""
        return self.tree.ended == "interrupted"

    def interrupt(self) -> None:
        """Ctrl-C ended it."""
        self.tree.ended = "interrupted"

    @property
    def points(self) -> int:
        """Points drafted."""
        return self.draft.points if self.draft else 0

    def as_json(self) -> dict[str, object]:
        """What was found as JSON values, without the tree itself."""
        return {
            "form": 1,
            "address": self.address,
            "at": datetime.fromtimestamp(self.started / 1e6, UTC).isoformat(),
            "allowed": self.allowed,
            "software": f"factory-kit {__version__}",
            "endpoints": [endpoint(offer) for offer in self.offers],
            "findings": [finding.as_json() for finding in self.findings],
            "server": None if self.facts is None else asdict(self.facts),
            "nodes": len(self.tree.nodes),
            "open": len(self.tree.open),
            "ended": self.tree.ended,
            "remarks": [str(remark) for remark in self.tree.remarks],
            "variables": len(self.variables),
            "points": self.points,
            "requests": self.requests,
            "folder": str(self.folder),
        }

    def rows(self) -> Iterator[tuple[str, object]]:
        """What a person wants to see, as (message, value)."""
        yield N_("Security offered"), ", ".join(sorted({f"{each.policy}/{each.mode}" for each in self.offers}))
        yield N_("Users"), ", ".join(sorted({kind for each in self.offers for kind, _policy in each.tokens}))
        if self.facts is not None:
            said = self.facts.identity
            yield N_("Product"), " ".join(filter(None, (said.vendor, said.product, said.version)))
            yield N_("Limits"), ", ".join(f"{name} {value:g}" for name, value in self.facts.limits.items())
            if self.facts.clock_ahead_us is not None:
                ahead, doubt = self.facts.clock_ahead_us / 1e6, self.facts.clock_uncertain_us / 1e6
                yield N_("Clock ahead of ours"), f"{_long(ahead)} ± {doubt:.3f} s"
        yield N_("Nodes"), len(self.tree.nodes)
        yield N_("Variables"), len(self.variables)
        yield N_("Machines"), len(self.draft.machines) if self.draft else 0
        yield N_("Requests sent"), self.requests

    def checks(self) -> Iterator[tuple[Text, Fraction, str, str]]:
        """What a person wants to know of the security: each check, its score (0, 1/2, 1), and the item of the model it speaks for."""
        if self.offers:
            yield from (
                (check.label, score, check.model, check.criterion) for check, score, _because in outcomes(self.findings)
            )

    def evidence(self, wish: Wish, site: Site, ended: int) -> Evidence:
        """What the endpoints said, as evidence; no session is needed for it."""
        zone = ZoneInfo(site.plant.timezone)
        start, end = (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at) for at in (self.started, ended))
        return security_record(
            self.offers,
            Asked(
                address=self.address,
                name=wish.name,
                start=start.astimezone(zone).isoformat(),
                end=end.astimezone(zone).isoformat(),
                authorisation=self.allowed,
                origin=self._origin.value,
                machines=sum(each.server == wish.name for each in site.equipment),
                software=__version__,
            ),
        )

    @property
    def _origin(self) -> Origin:
        """What the session told, else what the endpoints call the product."""
        if self.facts is not None:
            return self.facts.identity.origin
        said = {Identity(product_uri=offer.product_uri).origin for offer in self.offers} - {Origin.LIVE}
        return min(said, default=Origin.LIVE)


def plan_of(site: Site, wish: Wish, now: int) -> dict[str, object]:
    """What would be sent, within which limits, and who allowed it; ``NotAuthorised`` when nobody did."""
    bounds = wish.bounds
    allowed = _allowed(site, wish, now)
    most = int(bounds.seconds * bounds.requests_per_s)
    return {
        "address": wish.server.address,
        "url": wish.server.url,
        "security": wish.server.security,
        "allowed": allowed,
        "under": wish.under or OBJECTS,
        "match": wish.match,
        "resume": wish.resume,
        **bounds.as_json(),
        "sends": [
            {"service": "GetEndpoints", "why": N_("how the server offers to speak"), "at_most": 2},
            {"service": "CreateSession, ActivateSession, CloseSession", "why": N_("one session"), "at_most": 3},
            {"service": "Browse, BrowseNext", "why": N_("the tree of nodes"), "at_most": most},
            {"service": "Read", "why": N_("limits, clock, types, units, one value of each point"), "at_most": most},
        ],
    }


def discover_opcua(  # noqa: PLR0913 - what a discovery needs from outside
    site: Site,
    wish: Wish,
    folder: Path,
    *,
    now: Callable[[], int],
    secret: Callable[[str], str | None],
    certificates: Path,
    request_log: Path,
    clock: Callable[[], float] = monotonic,
    tell: Callable[[], None] = lambda: None,
) -> Discovery:
    """What the server tells, and drafts from it in a folder of its own below *folder*.

    ``UsageError`` unless the dry run of just this was shown; ``NotAuthorised`` before anything is sent; ``DeviceError`` when
    no session can be had (what the endpoints told is on disk then). A limit, an error under way, or Ctrl-C leaves a part that says so.
    *tell* is called with every request.
    """
    plan = plan_of(site, wish, now())
    require_rehearsal(folder, plan)
    started = now()
    moment = f"{datetime.fromtimestamp(started / 1e6, UTC):%Y%m%dT%H%M%SZ}"
    log = RequestLog(request_log, f"discover-{moment}", now)
    found = Discovery(wish.server.address, started, str(plan["allowed"]), folder / moment, [], [])
    found.folder.mkdir(parents=True, exist_ok=True)
    try:
        context = Context(now, log.telling(tell), secret, certificates)
        if asyncio.run(until_interrupted(_discover(found, wish, context, clock))):
            found.interrupt()
    except KeyboardInterrupt:  # pressed again while it hung up
        found.interrupt()
    finally:
        log.flush(last=True)
        _keep(found, wish, site, now)
    return found


async def _discover(found: Discovery, wish: Wish, context: Context, clock: Callable[[], float]) -> None:
    found.offers = await ask_offers(wish.server, context)
    found.findings = security_findings(found.offers, found.started)
    client, _uri = await open_session(wish.name, wish.server, context, lambda: None)
    gentle = Gentle(client, wish.server.address, wish.bounds, clock)
    try:
        with mapped(wish.server.address):
            found.facts = await server_facts(gentle, context.now)
        found.tree = await _begin(gentle, found.facts.namespaces, wish, found.folder.parent)
        await walk(gentle, found.facts.namespaces, wish.bounds, found.tree)
        if found.tree.ended == "error":
            return  # the first sign of trouble ends it; what is known is kept
        found.kinds = await kinds_of(gentle, found.facts.namespaces, found.tree)
        found.variables = await variables_of(gentle, found.facts.namespaces, found.tree, wish.match)
    finally:
        found.requests = gentle.requests
        await close(client)


async def _begin(gentle: Gentle, namespaces: Sequence[str], wish: Wish, folder: Path) -> Tree:
    if not wish.resume:
        return await beginning_at(gentle, namespaces, wish.under) if wish.under else beginning([OBJECTS])
    try:
        return Tree.from_json(json.loads((folder / NODES).read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError("{folder}: holds nothing to go on from; leave out --resume", folder=folder) from error


def _keep(found: Discovery, wish: Wish, site: Site, now: Callable[[], int]) -> None:
    """What was found is on disk, also when it is only a part."""
    if found.tree.nodes:
        write_atomically(found.folder.parent / NODES, json.dumps(found.tree.as_json(), ensure_ascii=False))
    if found.facts is not None and found.variables:
        found.draft = draft(
            found.tree, found.variables, found.facts, found.kinds, wish.name, wish.server, found.started
        )
        found.draft.write(found.folder)
    if found.offers:
        record = found.evidence(wish, site, now())
        found.record = found.folder / record.file_name
        write_atomically(found.record, record.canonical())
    write_atomically(found.folder / "server.json", json.dumps(found.as_json(), ensure_ascii=False, indent=2) + "\n")


def _long(ahead: float) -> str:
    """Seconds as they are; beyond two minutes days, hours, minutes and seconds."""
    if abs(ahead) < 2 * MINUTE_S:
        return f"{ahead:+.3f} s"
    minutes, seconds = divmod(round(abs(ahead)), MINUTE_S)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{'+' if ahead > 0 else '-'}{f'{days} d ' if days else ''}{hours:02d}:{minutes:02d}:{seconds:02d}"


def _allowed(site: Site, wish: Wish, now: int) -> str:
    today = datetime.fromtimestamp(now / 1e6, ZoneInfo(site.plant.timezone)).date()
    return require_authorisation(site, [wish.server.address], today) + in_the_open({wish.name: wish.server})
