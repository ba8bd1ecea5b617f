"""Discovery of OPC UA servers: what comes out, what it may cost, and what never happens."""

from __future__ import annotations

import _thread
import asyncio
import csv
import json
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import monotonic, time_ns
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from asyncua import ua

from factory_kit.collect import discover
from factory_kit.collect.discover import Bounds, Discovery, Wish, discover_opcua, plan_of
from factory_kit.collect.rehearsal import rehearse
from factory_kit.collect.securityrecord import computed_again
from factory_kit.collect.trust import acquaint, trust_server
from factory_kit.drivers.opcua.browse import Tree, beginning, walk
from factory_kit.drivers.opcua.client import SERVICES
from factory_kit.drivers.opcua.gentle import Gentle
from factory_kit.errors import DeviceRefused, NotAuthorised, UsageError
from factory_kit.load.connector import connector_folder
from factory_kit.model.connector import Role
from factory_kit.model.evidence import Evidence
from factory_kit.model.securityrecord import statements
from factory_kit.model.site import OpcUaServer, Site

NOW = time_ns() // 1000
FAST = Bounds(requests_per_s=100)
OPEN = SERVICES | {"HEL", "OPN", "CLO"}


def discovered(
    site: Site, folder: Path, bounds: Bounds = FAST, server: str = "server-1", secret: str | None = None, **more: Any
) -> Discovery:
    """What is found after the dry run was shown."""
    wish = Wish.of(site, server, bounds, **more)
    rehearse(folder, plan_of(site, wish, NOW))
    return discover_opcua(
        site,
        wish,
        folder,
        now=lambda: time_ns() // 1000,
        secret=lambda _server: secret,
        certificates=folder / "keys",
        request_log=folder / "requests.jsonl",
    )


def open_server(url: str) -> OpcUaServer:
    """A server without security."""
    return OpcUaServer(driver="opcua", url=url, security="None")


@pytest.fixture(scope="module")
def found(machines: Any, allowed: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> Discovery:
    """One discovery of it, looked at by several tests."""
    return discovered(allowed(open_server(machines.url)), tmp_path_factory.mktemp("found"))


def points_of(found: Discovery, machine: str) -> dict[str, dict[str, str]]:
    """The drafted rows of the machine called *machine*, by address."""
    assert found.draft is not None
    connector = next(each.connector for each in found.draft.machines if each.path[-1] == machine)
    with (found.folder / "connectors" / connector / "points.csv").open(encoding="utf-8", newline="") as file:
        return {row["address"]: row for row in csv.DictReader(file)}


@pytest.mark.wire
@pytest.mark.system
def test_a_foreign_server_says_who_it_is_and_what_it_bears(found: Discovery) -> None:
    """Product, limits, clock and users of a server that is not ours are read, and what is weak about it is told."""
    assert found.facts is not None
    assert (found.facts.identity.vendor, found.facts.identity.product) == ("somebody", "peer")
    assert found.facts.limits["MaxMonitoredItemsPerCall"] > 0
    assert found.facts.clock_ahead_us is not None
    assert {finding.kind for finding in found.findings} == {"none_offered", "anonymous_open"}
    assert "without encryption: server-1" in found.allowed
    assert found.tree.ended == ""


@pytest.mark.wire
@pytest.mark.system
def test_what_is_weak_becomes_a_record_that_cannot_be_changed_unseen(found: Discovery) -> None:
    """The findings are evidence of grade A with the permission, canonical and named by their hash; a changed byte shows."""
    assert found.record is not None
    data = found.record.read_bytes()
    record = Evidence.read(data, found.record.name)

    assert found.record.name == record.file_name
    assert (record.grade, record.origin, record.details["authorisation"]) == ("A", ("live",), found.allowed)
    assert [(each.criterion, each.score) for each in statements(record)] == [
        ("protocols.1", "0"),
        ("protocols.2", "0"),
        ("protocols.3", "1"),
    ]
    assert computed_again(record)
    changed = Evidence.read(data.replace(b'"Anonymous"', b'"Anonymouz"'), "x")
    assert not computed_again(changed)


@pytest.mark.wire
@pytest.mark.system
def test_machines_of_companion_types_are_recognised(found: Discovery) -> None:
    """An instance of MachineToolType is one machine of OPC 40501-1, and the fragment names the connector that reads it."""
    assert found.draft is not None
    mill = next(machine for machine in found.draft.machines if machine.path[-1] == "Mill 1")

    assert mill.companion is not None
    assert (mill.companion.title, mill.companion.type, mill.companion.machine) == (
        "OPC 40501-1 Machine Tools",
        "MachineToolType",
        True,
    )
    fragment = (found.folder / "site-fragment.yaml").read_text(encoding="utf-8")
    assert 'connector: opc-machine-tool, base: "nsu=urn:127.0.0.1:peer;s=Mill1"' in fragment


@pytest.mark.wire
@pytest.mark.system
def test_structures_and_arrays_are_drafted_into_single_points(found: Discovery) -> None:
    """Unions, nested structures with optional fields, and arrays become one point for each value in them."""
    scanner, oven = points_of(found, "Scanner"), points_of(found, "Oven")

    assert {place.partition("@")[0] for place in scanner} == {
        ".Local.X", ".Local.Y", ".Local.Z", ".Local.Timestamp", ".Local.DilutionOfPrecision", ".Local.UsefulPrecision",
        ".CodeType", ".ScanData.String", ".Timestamp", ".Location.Name",
        ".Sighting[0].Antenna", ".Sighting[0].Strength", ".Sighting[0].Timestamp", ".Sighting[0].CurrentPowerLevel",
    }  # fmt: skip
    assert scanner[".Timestamp@ns=?;s={base}.Seen"]["type"] == "datetime"
    assert [oven[f"[{place}]@ns=?;s={{base}}.Zones"]["name"] for place in range(3)] == ["zones.0", "zones.1", "zones.2"]


@pytest.mark.wire
@pytest.mark.system
def test_roles_are_guessed_from_units_and_names_and_marked_as_guesses(found: Discovery) -> None:
    """A unit makes a temperature, the names of an enumeration make states; every row says that it is a guess and why."""
    oven = points_of(found, "Oven")
    assert oven["ns=?;s={base}.Heat"]["role"] == "temperature"
    assert "GUESS: unit °C; range 0 to 400" in oven["ns=?;s={base}.Heat"]["source"]
    assert oven["ns=?;s={base}.OvenState"]["role"] == "state"
    assert all(row["source"].startswith("GUESS") for row in oven.values())
    assert found.draft is not None
    name = next(each.connector for each in found.draft.machines if each.path[-1] == "Oven")
    connector = connector_folder(found.folder / "connectors" / name)

    assert connector.state_mapping is not None
    assert {raw: state.value for raw, state in connector.state_mapping.states.items()} == {
        "0": "off", "3": "setup", "7": "producing",
    }  # fmt: skip


@pytest.mark.wire
@pytest.mark.system
def test_what_names_a_person_is_marked_and_its_value_kept_nowhere(found: Discovery) -> None:
    """A point that looks like an operator is personal, and no file of the discovery holds what it said."""
    oven = points_of(found, "Oven")
    assert oven["ns=?;s={base}.Operator"]["personal"] == "true"

    files = [path for path in found.folder.parent.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if "Zhang San" in path.read_text(encoding="utf-8")] == []


@pytest.mark.wire
@pytest.mark.system
def test_every_drafted_connector_passes_the_check(found: Discovery) -> None:
    """The drafts are connectors by the rules of the house, with names that stand once, and the fragment names them."""
    from factory_kit.cli.checks import check_path

    assert found.draft is not None
    names = list(found.draft.connectors)
    assert [check_path(found.folder / "connectors" / name).kind for name in names] == ["connector"] * len(names)

    oven = points_of(found, "Oven")
    assert {oven["ns=?;s={base}.Heat"]["name"], oven["ns=?;s={base}.Heat2"]["name"]} == {"heat", "heat_2"}
    fragment = yaml.safe_load((found.folder / "site-fragment.yaml").read_text(encoding="utf-8"))
    assert {each["connector"] for each in fragment["equipment"]} == set(names)


@pytest.mark.wire
@pytest.mark.system
def test_names_that_would_move_a_terminal_are_spelled_out(found: Discovery) -> None:
    """Escapes in names appear as text; a node whose id holds control characters is left out and named."""
    written = "".join(path.read_text(encoding="utf-8") for path in found.folder.parent.rglob("*") if path.is_file())

    assert "\x1b" not in written
    assert "\x07" not in written
    assert any("control characters" in str(remark) and "\\u0007" in str(remark) for remark in found.tree.remarks)


@pytest.mark.wire
@pytest.mark.system
def test_continuation_points_are_followed_to_their_end(found: Discovery) -> None:
    """All 1,200 children of one folder are found, although the server gives at most 500 in one answer."""
    assert len(points_of(found, "Many")) == 1200


@pytest.mark.wire
@pytest.mark.system
def test_a_part_says_so_and_can_be_completed(machines: Any, allowed: Callable[..., Site], tmp_path: Path) -> None:
    """A limit of nodes leaves a part; going on from it as often as needed finds what one look finds."""
    site = allowed(open_server(machines.url))
    whole = discovered(site, tmp_path / "whole", under="nsu=urn:127.0.0.1:peer;s=Oven")
    first = discovered(
        site, tmp_path / "part", Bounds(nodes=4, requests_per_s=100), under="nsu=urn:127.0.0.1:peer;s=Oven"
    )
    second = discovered(site, tmp_path / "part", resume=True)

    assert (len(first.tree.nodes), first.tree.ended) == (1 + 4, "nodes")
    assert second.tree.ended == ""
    assert set(second.tree.nodes) == set(whole.tree.nodes)
    assert set(points_of(second, "Oven")) == set(points_of(whole, "Oven"))


@pytest.mark.wire
@pytest.mark.system
def test_a_beginning_that_does_not_exist_is_one_line(
    machines: Any, allowed: Callable[..., Site], tmp_path: Path
) -> None:
    """A node id that the server does not know, in a known namespace or not, is named."""
    for node in ("nsu=urn:127.0.0.1:peer;s=Nowhere", "nsu=urn:nowhere;s=Oven"):
        with pytest.raises(UsageError, match="the server has no such node"):
            discovered(allowed(open_server(machines.url)), tmp_path, under=node)


@pytest.mark.wire
def test_nothing_is_sent_before_just_this_was_shown(plant: Any, allowed: Callable[..., Site], tmp_path: Path) -> None:
    """Without the dry run, and after the dry run of something else, not a byte leaves."""
    plant.settle()
    plant.seen.clear()
    site = allowed(open_server(plant.url))
    wish = Wish.of(site, "server-1", FAST)
    options: dict[str, Any] = {
        "now": lambda: NOW,
        "secret": lambda _server: None,
        "certificates": tmp_path,
        "request_log": tmp_path / "r",
    }

    with pytest.raises(UsageError, match="has not been shown yet"):
        discover_opcua(site, wish, tmp_path, **options)
    rehearse(tmp_path, plan_of(site, wish, NOW))
    with pytest.raises(UsageError, match="has not been shown yet"):
        discover_opcua(site, Wish.of(site, "server-1", Bounds(nodes=99)), tmp_path, **options)

    assert plant.seen == {}


@pytest.mark.wire
def test_nothing_is_shown_or_sent_without_permission(plant: Any, allowed: Callable[..., Site]) -> None:
    """An authorisation that has ended, or that does not cover the address, stops even the dry run."""
    plant.settle()
    plant.seen.clear()
    ended = allowed(open_server(plant.url), until=date(2021, 1, 1))
    with pytest.raises(NotAuthorised, match="is valid from"):
        plan_of(ended, Wish.of(ended, "server-1", FAST), NOW)
    site = allowed(open_server(plant.url))
    with pytest.raises(NotAuthorised, match=r"does not cover 127\.0\.0\.9:4840"):
        plan_of(site, Wish.of(site, "opc.tcp://127.0.0.9", FAST), NOW)

    assert plant.seen == {}


@pytest.mark.wire
def test_only_reading_services_are_on_the_wire_and_all_are_logged(
    plant: Any, allowed: Callable[..., Site], tmp_path: Path
) -> None:
    """The proxy sees nothing but hello, channel and reading services, and the request log counts the same."""
    plant.settle()
    plant.seen.clear()
    found = discovered(allowed(open_server(plant.url)), tmp_path)
    plant.settle()

    assert set(plant.seen) <= OPEN
    assert found.points == 12
    log = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text(encoding="utf-8").splitlines()]
    counted = {each["service"]: each["count"] for each in log}
    assert {service: counted[service] for service in ("Browse", "Read", "GetEndpoints")} == {
        service: plant.seen[service] for service in ("Browse", "Read", "GetEndpoints")
    }


@pytest.mark.wire
def test_a_stranger_is_known_by_its_endpoints_alone_until_it_is_trusted(
    safe_plant: Any, allowed: Callable[..., Site], tmp_path: Path
) -> None:
    """Without trust no session is opened; what the endpoints said and what is weak about them is kept all the same."""
    safe = OpcUaServer(driver="opcua", url=safe_plant.url, user="reader")
    with pytest.raises(DeviceRefused, match="is not trusted yet"):
        discovered(allowed(safe), tmp_path, secret="secret")
    safe_plant.settle()

    (server,) = tmp_path.glob("*/server.json")
    assert {each["policy"] for each in json.loads(server.read_text(encoding="utf-8"))["endpoints"]} == {
        "Basic256Sha256",
        "None",
    }
    assert len(list(tmp_path.glob("*/opcua-security-*.json"))) == 1
    assert "CreateSession" not in safe_plant.seen


@pytest.mark.wire
def test_an_encrypted_server_is_discovered_with_its_user(
    safe_plant: Any, allowed: Callable[..., Site], tmp_path: Path
) -> None:
    """Once trusted it is walked over an encrypted line, and neither log nor result holds the password."""
    safe = OpcUaServer(driver="opcua", url=safe_plant.url, user="reader")
    site = allowed(safe)
    acquaintance = acquaint(site, "server-1", now=lambda: time_ns() // 1000, request_log=tmp_path / "requests.jsonl")
    trust_server(acquaintance, acquaintance.fingerprint, tmp_path / "keys")

    found = discovered(site, tmp_path, secret="secret")
    safe_plant.settle()

    assert found.points == 12
    assert "encryption" not in found.allowed
    assert safe_plant.seen["Browse"] == 0  # the proxy cannot read it
    assert [path for path in tmp_path.rglob("*.json*") if "secret" in path.read_text(encoding="utf-8")] == []


@pytest.mark.wire
def test_requests_keep_their_distance(plant: Any, allowed: Callable[..., Site], tmp_path: Path) -> None:
    """Ten requests a second means that n requests take at least (n - 1) tenths of a second."""
    begun = monotonic()
    found = discovered(allowed(open_server(plant.url)), tmp_path, Bounds(requests_per_s=10))

    assert found.requests >= 5
    assert monotonic() - begun >= (found.requests - 1) / 10


@pytest.mark.wire
def test_ctrl_c_keeps_what_was_found_and_hangs_up(
    plant: Any, allowed: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is closed, what is on disk says that it is a part, and the next discovery can go on from there."""

    async def interrupted(*arguments: Any) -> None:
        await walk(*arguments)
        _thread.interrupt_main()
        await asyncio.Event().wait()

    plant.settle()
    plant.seen.clear()
    monkeypatch.setattr(discover, "walk", interrupted)
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # it may be ignored where tests run in the background
    try:
        found = discovered(allowed(open_server(plant.url)), tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    told = json.loads((found.folder / "server.json").read_text(encoding="utf-8"))
    assert (told["ended"], told["nodes"] > 0) == ("interrupted", True)
    plant.settle()
    assert plant.seen["CloseSession"] == 1
    monkeypatch.undo()

    assert discovered(allowed(open_server(plant.url)), tmp_path, resume=True).points == 12


class _Session:
    """Answers to Browse from a function of the node; every continuation point brings the same again."""

    def __init__(self, children: Callable[[Any], list[Any]], *, endless: bool = False) -> None:
        self.children = children
        self.point = b"more" if endless else None
        self.released = 0
        self.calls = 0

    async def browse(self, parameters: Any) -> list[Any]:
        self.calls += 1
        return [self._answer(each.NodeId) for each in parameters.NodesToBrowse]

    async def browse_next(self, parameters: Any) -> list[Any]:
        self.calls += 1
        self.released += parameters.ReleaseContinuationPoints
        return [self._answer(ua.NodeId(85))]

    def _answer(self, node: Any) -> Any:
        answer = ua.BrowseResult()
        answer.ContinuationPoint = self.point
        answer.References = self.children(node)
        return answer


def _reference(node: int) -> Any:
    made = ua.ReferenceDescription()
    made.NodeId = ua.ExpandedNodeId(node, 1)
    made.BrowseName = ua.QualifiedName(f"n{node}", 1)
    made.DisplayName = ua.LocalizedText(f"n{node}")
    made.NodeClass = ua.NodeClass.Object
    made.ReferenceTypeId = ua.NodeId(35)
    made.TypeDefinition = ua.ExpandedNodeId(58, 0)
    return made


def _walked(session: _Session, bounds: Bounds) -> Tree:
    async def main() -> Tree:
        client: Any = SimpleNamespace(uaclient=SimpleNamespace(session=session))
        tree = beginning(["i=85"])
        await walk(Gentle(client, "press:4840", bounds, monotonic), ("", "urn:x"), bounds, tree)
        return tree

    return asyncio.run(asyncio.wait_for(main(), 30))


def test_circles_are_walked_once() -> None:
    """Nodes that contain each other, and themselves, end the walk as soon as each was looked at."""
    session = _Session(lambda _node: [_reference(1), _reference(2), _reference(3)])
    tree = _walked(session, Bounds(requests_per_s=1000))

    assert (len(tree.nodes), tree.ended, session.calls) == (3, "", 2)


def test_a_continuation_point_without_end_is_given_up() -> None:
    """A server that promises more for ever and brings nothing new is left after three empty answers, and told to forget."""
    session = _Session(lambda _node: [_reference(1)], endless=True)
    tree = _walked(session, Bounds(requests_per_s=1000, depth=1))

    assert session.calls == 1 + 3 + 1
    assert session.released == 1
    assert "promises more and never gives it" in str(tree.remarks[0])


def test_a_tree_without_end_stops_at_the_limit_of_nodes() -> None:
    """A server that invents children for ever is left at the limit, and the rest is known to be open."""
    numbers = iter(range(10**9))
    tree = _walked(
        _Session(lambda _node: [_reference(next(numbers)) for _each in range(40)]),
        Bounds(nodes=500, requests_per_s=1000),
    )

    assert (len(tree.nodes), tree.ended) == (500, "nodes")
    assert tree.open


def test_a_million_nodes_end_with_the_time() -> None:
    """When the time is over the walk ends within one request, and says that it did."""
    numbers = iter(range(10**9))
    begun = monotonic()
    tree = _walked(
        _Session(lambda _node: [_reference(next(numbers)) for _each in range(40)]),
        Bounds(nodes=10**6, seconds=0.3, requests_per_s=20),
    )

    assert tree.ended == "seconds"
    assert monotonic() - begun < 10


def test_a_server_that_lies_about_counts_ends_the_walk_with_one_line() -> None:
    """Fewer answers than nodes asked for: nothing of it is believed, and the walk says why it ended."""

    class Short(_Session):
        async def browse(self, parameters: Any) -> list[Any]:
            return (
                (await super().browse(parameters))[:-1]
                if len(parameters.NodesToBrowse) > 1
                else await super().browse(parameters)
            )

    tree = _walked(
        Short(lambda node: [_reference(1), _reference(2)] if node == ua.NodeId(85) else []), Bounds(requests_per_s=1000)
    )

    assert tree.ended == "error"
    assert "2 things were asked for, 1 answered" in str(tree.remarks[0])


def test_guessed_roles_are_known_ones() -> None:
    """A guess never names a role that the indicators do not know, in Chinese as in English."""
    from factory_kit.collect.roles import guess_role

    said = {name: guess_role((name,), unit, kind) for name, unit, kind in (
        ("主轴转速", "", "number"), ("PartCounter", "", "number"), ("良品数量", "", "number"), ("ActiveEnergy", "kWh", "number"),
        ("CurrentTool", "", "number"), ("Phase L1 Current", "A", "number"), ("OperatorName", "", "text"), ("x17", "", "number"),
    )}  # fmt: skip

    assert {name: guess.role if guess else None for name, guess in said.items()} == {
        "主轴转速": Role.SPEED, "PartCounter": Role.TOTAL_COUNT, "良品数量": Role.GOOD_COUNT, "ActiveEnergy": Role.ACTIVE_ENERGY,
        "CurrentTool": None, "Phase L1 Current": Role.CURRENT, "OperatorName": Role.OPERATOR, "x17": None,
    }  # fmt: skip
