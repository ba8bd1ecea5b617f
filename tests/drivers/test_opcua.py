from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncua.ua.uaerrors
import numpy as np
import pytest
from asyncua import ua
from asyncua.server.internal_session import InternalSession

from factory_kit.drivers import driver
from factory_kit.drivers.base import Arrival, Context, NodeItem
from factory_kit.drivers.opcua.answers import Published, nothing
from factory_kit.drivers.opcua.client import SERVICES, ReadingClient
from factory_kit.drivers.opcua.errors import status_name, translated
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.drivers.opcua.security import Offer, best, fingerprint, own_certificate, pin
from factory_kit.drivers.opcua.session import ask_offers
from factory_kit.drivers.opcua.values import columns, microseconds
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable, UsageError
from factory_kit.model.site import ModbusServer, OpcUaServer

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 9, 1, 12, 0, 0, 123456, tzinfo=UTC)
NOON_US = 1_788_264_000_123_456


def _item(name: str, queue: int = 100) -> NodeItem:
    return NodeItem(f"nsu=urn:test:plant;s={name}", 50.0, queue)


def _server(url: str, **more: Any) -> OpcUaServer:
    return OpcUaServer(driver="opcua", url=url, **{"security": "None", **more})


def _with_device(
    url: str, test: Callable[[OpcUaDevice], Awaitable[None]], context: Context | None = None, **more: Any
) -> None:
    async def main() -> None:
        device = OpcUaDevice("press", _server(url, **more), context or Context(now=lambda: 7))
        try:
            await device.connect()
            await test(device)
        finally:
            await device.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))


async def _until(device: OpcUaDevice, count: int) -> list[Arrival]:
    """Arrivals until *count* values came."""
    found: list[Arrival] = []
    while sum(len(arrival.batch) for arrival in found) < count:
        found += await asyncio.wait_for(device.arrivals(), 5)
    return found


async def _all(device: OpcUaDevice) -> None:
    """Read on until the stream ends with an error."""
    while True:
        await asyncio.wait_for(device.arrivals(), 5)


@pytest.mark.wire
def test_changes_arrive_with_their_own_times(plant: Any) -> None:
    """Every change comes once, in order, with its source time to the microsecond, and the server's and ours beside it."""
    values = [(n + 1.0, NOON + timedelta(microseconds=n)) for n in range(40)]

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v0")], 50)
        await _until(device, 1)
        for value, moment in values:
            plant.write("v0", value, moment)
        found = [arrival.batch for arrival in await _until(device, 40)]

        assert np.concatenate([batch.value for batch in found]).tolist() == [value for value, _moment in values]
        assert np.concatenate([batch.time for batch in found]).tolist() == [NOON_US + n for n in range(40)]
        assert all((batch.received_time == 7).all() for batch in found if batch.received_time is not None)

    _with_device(plant.url, test)


@pytest.mark.wire
def test_one_bad_node_never_spoils_its_batch(plant: Any) -> None:
    """Nodes and namespaces the server does not know are named; the others report."""
    unknown = NodeItem("nsu=urn:test:elsewhere;s=x", 50.0, 10)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item("v1"), _item("gone"), unknown, _item("v2")], 50)

        assert [(each.status, each.reason) for each in monitored] == [
            (0, ""),
            (0x80340000, "BadNodeIdUnknown"),
            (0x80340000, "the server has no namespace urn:test:elsewhere; check the connector"),
            (0, ""),
        ]
        found = await _until(device, 2)
        assert sorted(np.concatenate([arrival.batch.point for arrival in found]).tolist()) == [0, 3]

    _with_device(plant.url, test)


@pytest.mark.wire
def test_revised_sampling_and_queue_are_known(plant: Any) -> None:
    """What the server made of the wished sampling interval and queue size is handed on."""

    async def test(device: OpcUaDevice) -> None:
        (monitored,) = await device.subscribe([_item("v1", queue=20_000)], 50)
        assert monitored.queue_size == 10_000
        assert monitored.sampling_ms == 50.0

    _with_device(plant.url, test)


@pytest.mark.wire
@pytest.mark.parametrize("bears", [1, 3, 5])
def test_calls_are_halved_until_the_server_bears_them(plant: Any, monkeypatch: pytest.MonkeyPatch, bears: int) -> None:
    """A server that refuses long calls without saying its limit gets shorter ones, and every item once."""
    asked: list[int] = []
    create = InternalSession.create_monitored_items

    async def limited(session: InternalSession, parameters: Any) -> Any:
        asked.append(len(parameters.ItemsToCreate))
        if asked[-1] > bears:
            raise ua.uaerrors.BadTooManyOperations
        return await create(session, parameters)

    monkeypatch.setattr(InternalSession, "create_monitored_items", limited)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item(f"v{n}") for n in range(12)], 50)
        assert [each.status for each in monitored] == [0] * 12
        found = await _until(device, 12)
        assert sorted(np.concatenate([arrival.batch.point for arrival in found]).tolist()) == list(range(12))

    _with_device(plant.url, test)
    assert sum(1 for count in asked if count > bears) <= 2


@pytest.mark.wire
def test_only_reading_services_reach_the_wire(plant: Any) -> None:
    """In a whole run the wire carries listed services alone, and the request log counts the same ones."""
    logged: Counter[str] = Counter()
    plant.settle()
    plant.seen.clear()

    async def test(device: OpcUaDevice) -> None:
        await device.identify()
        await device.subscribe([_item("v1"), _item("v2")], 50)
        await _until(device, 2)

    _with_device(plant.url, test, Context(now=lambda: 0, count=lambda _address, service: logged.update([service])))

    plant.settle()
    wire = {"OPN": "OpenSecureChannel", "CLO": "CloseSecureChannel"}
    seen = {wire.get(name, name): count for name, count in plant.seen.items() if name != "HEL"}
    farewell = {"CloseSecureChannel"}  # a server may hang up before the last message passes the proxy
    assert {name: count for name, count in seen.items() if name not in farewell} == {
        name: count for name, count in logged.items() if name not in farewell
    }
    assert set(seen) <= set(logged) <= SERVICES
    assert {"CreateSession", "CloseSession", "Publish"} <= set(seen)


REQUESTS = [name for name in dir(ua) if name.endswith("Request") and hasattr(getattr(ua, name)(), "RequestHeader")]


def test_the_list_of_services_names_real_ones() -> None:
    """Every service on the list is one that asyncua knows, and those that change something are not on it."""
    assert {f"{service}Request" for service in SERVICES} < set(REQUESTS)
    assert not SERVICES & {
        "Write",
        "Call",
        "AddNodes",
        "DeleteNodes",
        "AddReferences",
        "DeleteReferences",
        "HistoryUpdate",
        "SetTriggering",
        "RegisterServer",
    }


@pytest.mark.parametrize("request_type", [name for name in REQUESTS if name.removesuffix("Request") not in SERVICES])
def test_every_other_service_is_refused_before_a_byte_is_sent(request_type: str) -> None:
    """Whatever request asyncua knows and the list does not is stopped at the gate, below every other layer."""
    service = request_type.removesuffix("Request")
    sent: list[bytes] = []
    logged: list[str] = []
    protocol = ReadingClient("opc.tcp://127.0.0.1:4840", 1, logged.append, lambda: None).uaclient._make_protocol()
    protocol.transport = SimpleNamespace(write=sent.append)

    async def send() -> None:
        protocol._send_request(getattr(ua, request_type)())

    with pytest.raises(DeviceRefused, match=f"service {service} is not a reading one"):
        asyncio.run(send())
    assert (sent, logged) == ([], [])


@pytest.mark.wire
@pytest.mark.parametrize("call", ["write", "call", "add_nodes", "delete_nodes", "history_update"])
def test_writing_through_the_session_is_refused(plant: Any, call: str) -> None:
    """Asyncua's own writing methods raise, and the server has seen nothing of them."""
    arguments: dict[str, Any] = {
        "write": ua.WriteParameters(),
        "call": [],
        "add_nodes": [],
        "delete_nodes": ua.DeleteNodesParameters(),
        "history_update": ua.HistoryUpdateParameters(),
    }
    plant.settle()
    plant.seen.clear()

    async def test(device: OpcUaDevice) -> None:
        with pytest.raises(DeviceRefused, match="is never sent"):
            await getattr(device._link.session, call)(arguments[call])

    _with_device(plant.url, test)
    plant.settle()
    assert set(plant.seen) <= SERVICES | {"HEL", "OPN", "CLO"}


@pytest.mark.wire
def test_a_cut_ends_the_stream_at_once(plant: Any) -> None:
    """When the connection breaks, what had arrived is handed out first, then one clear line."""

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1")], 50)
        await _until(device, 1)
        plant.cut()
        with pytest.raises(DeviceUnavailable, match="the connection broke"):
            await _all(device)
        await device.connect()
        assert [each.status for each in await device.subscribe([_item("v1")], 50)] == [0]

    _with_device(plant.url, test)


@pytest.mark.wire
def test_a_black_hole_is_noticed(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing any more, though the connection stands, is asked and counts as gone when it does not answer."""
    monkeypatch.setattr("factory_kit.drivers.opcua.watching.LEAST_BEAT_S", 0.1)
    monkeypatch.setattr("factory_kit.drivers.opcua.session.REQUEST_S", 0.5)
    monkeypatch.setattr("factory_kit.drivers.opcua.session.CONNECT_S", 0.3)

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1")], 50)
        await _until(device, 1)
        await device.arrivals()  # signs of life are arrivals of length 0
        plant.stalled = True
        with pytest.raises(DeviceUnavailable, match="no answer in time"):
            await _all(device)

    try:
        _with_device(plant.url, test)
    finally:
        plant.stalled = False


@pytest.mark.wire
def test_namespaces_are_resolved_anew_in_every_session(tmp_path: Path, plant: Any) -> None:
    """After a restart the same items are found although their namespace has another number."""
    other = type(plant)(tmp_path).start()

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1")], 50)
        before = other.index
        await asyncio.to_thread(other.call, other.restart(shift=True))
        assert other.index != before
        await device.connect()
        assert [each.status for each in await device.subscribe([_item("v1")], 50)] == [0]
        other.write("v1", 4.5, NOON)
        assert 4.5 in np.concatenate([arrival.batch.value for arrival in await _until(device, 2)])

    try:
        _with_device(other.url, test)
    finally:
        other.stop()


@pytest.mark.wire
def test_missing_notifications_are_counted(plant: Any) -> None:
    """A jump in the sequence numbers says how many notifications are missing; those that the server cannot send again count."""

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1")], 50)
        (first,) = [arrival for arrival in await _until(device, 1) if len(arrival.batch)]
        assert first.missed == 0
        (subscription,) = device._watching.subscriptions.values()
        device._take(Published(subscription.id, subscription.expected + 3, 0, True, nothing(0)))
        jumped = [arrival for arrival in await device.arrivals() if arrival.missed]
        assert [arrival.missed for arrival in jumped] == [3]
        assert jumped[0].about is not None
        assert jumped[0].about.tolist() == [0]

    _with_device(plant.url, test)


@pytest.mark.wire
def test_the_safest_offer_is_taken_and_the_pinned_certificate_required(safe_plant: Any, tmp_path: Path) -> None:
    """With security auto nothing is said before the server's certificate is trusted; then it is SignAndEncrypt."""
    certificates = tmp_path / "keys"
    server = _server(safe_plant.url, security="auto", user="reader")
    context = Context(now=_now, certificates=certificates, secret=lambda _name: "secret")

    async def test(device: OpcUaDevice) -> None:
        assert device._link.client is not None
        policy = device._link.client.security_policy
        assert (type(policy).__name__, policy.Mode) == (
            "SecurityPolicyBasic256Sha256",
            ua.MessageSecurityMode.SignAndEncrypt,
        )
        await device.subscribe([_item("v1")], 50)
        await _until(device, 1)

    with pytest.raises(
        DeviceRefused, match="is not trusted yet; compare it at the machine, then run factory-kit trust press"
    ):
        _with_device(safe_plant.url, test, context, security="auto", user="reader")
    (offer, *_others) = asyncio.run(ask_offers(server, context))
    pin(certificates, server, offer.certificate)
    _with_device(safe_plant.url, test, context, security="auto", user="reader")
    pin(certificates, server, b"another")
    with pytest.raises(DeviceRefused, match="shows another certificate"):
        _with_device(safe_plant.url, test, context, security="auto", user="reader")


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1e6)


@pytest.mark.wire
def test_a_wrong_password_is_one_clear_line(safe_plant: Any, tmp_path: Path) -> None:
    """The server's refusal names what to check, and no session stays open."""
    context = Context(now=_now, certificates=tmp_path / "keys", secret=lambda _name: "wrong")
    server = _server(safe_plant.url, security="auto")
    (offer, *_others) = asyncio.run(ask_offers(server, context))
    pin(tmp_path / "keys", server, offer.certificate)

    async def never(_device: OpcUaDevice) -> None:
        raise AssertionError

    with pytest.raises(DeviceRefused, match=r"user or password refused \(Bad\w+\); check user and password"):
        _with_device(safe_plant.url, never, context, security="auto", user="reader")


@pytest.mark.wire
def test_a_password_is_never_sent_in_the_open(plant: Any) -> None:
    """With security None a user is refused before anything is sent."""
    plant.settle()
    plant.seen.clear()

    async def never(_device: OpcUaDevice) -> None:
        raise AssertionError

    with pytest.raises(DeviceRefused, match="the password of reader is never sent without encryption"):
        _with_device(plant.url, never, Context(now=lambda: 0, secret=lambda _name: "secret"), user="reader")
    assert not plant.seen


@pytest.mark.wire
def test_none_is_never_chosen_by_itself(plant: Any, tmp_path: Path) -> None:
    """A server that offers only None is refused unless the site file says None."""

    async def never(_device: OpcUaDevice) -> None:
        raise AssertionError

    with pytest.raises(
        DeviceRefused,
        match=r"offers None None, the site file wants security auto, mode auto; .* None only if the plant agrees",
    ):
        _with_device(plant.url, never, Context(now=lambda: 0, certificates=tmp_path), security="auto")


def test_a_missing_password_names_its_variable() -> None:
    """Without a password for the site's user the line says where to put it."""

    async def never(_device: OpcUaDevice) -> None:
        raise AssertionError

    with pytest.raises(DeviceRefused, match="no password for reader; set FACTORY_KIT_PASSWORD_PRESS"):
        _with_device("opc.tcp://127.0.0.1:1", never, security="auto", user="reader")


@pytest.mark.parametrize(
    ("security", "mode", "chosen"),
    [
        ("auto", "auto", ("Aes256_Sha256_RsaPss", "SignAndEncrypt")),
        ("auto", "Sign", ("Basic256Sha256", "Sign")),
        ("Aes128_Sha256_RsaOaep", "auto", ("Aes128_Sha256_RsaOaep", "SignAndEncrypt")),
        ("Basic256Sha256", "auto", ("Basic256Sha256", "Sign")),
    ],
)
def test_the_best_offer_wins(security: str, mode: str, chosen: tuple[str, str]) -> None:
    """Encryption before signing alone, then the better policy; deprecated ones and None are never taken."""
    offered = [
        Offer(policy, kind, b"")
        for policy, kind in [
            ("None", "None"), ("Basic256", "SignAndEncrypt"), ("Basic256Sha256", "Sign"), ("Aes128_Sha256_RsaOaep", "SignAndEncrypt"),
            ("Aes256_Sha256_RsaPss", "SignAndEncrypt"),
        ]
    ]  # fmt: skip

    offer = best(offered, _server("opc.tcp://127.0.0.1:1", security=security, mode=mode))

    assert (offer.policy, offer.mode) == chosen


def test_our_certificate_is_made_once(tmp_path: Path) -> None:
    """The second call finds the same certificate; its key is for its owner alone."""
    first = own_certificate(tmp_path, _now())

    assert own_certificate(tmp_path, _now()) == first
    assert first.uri.startswith("urn:")
    assert (tmp_path / "factory-kit.key").stat().st_mode & 0o077 == 0
    assert fingerprint(first.certificate).count(":") == 31


@pytest.mark.wire
def test_nobody_there_and_somebody_else_are_told_apart() -> None:
    """A closed port and a server of another protocol give two different clear lines."""

    async def main() -> None:
        async def modbus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(8)
            writer.write(b"\x00\x01\x00\x00\x00\x03\x01\x83\x02")
            writer.close()

        other = await asyncio.start_server(modbus, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(DeviceUnavailable, match="somebody answers there, but not in OPC UA; check the port"):
            await OpcUaDevice("x", _server(f"opc.tcp://127.0.0.1:{port}"), Context(now=lambda: 0)).connect()
        other.close()
        await other.wait_closed()
        with pytest.raises(DeviceUnavailable, match=rf"127\.0\.0\.1:{port}: no connection"):
            await OpcUaDevice("x", _server(f"opc.tcp://127.0.0.1:{port}"), Context(now=lambda: 0)).connect()

    asyncio.run(asyncio.wait_for(main(), 30))


ERRORS = [
    kind
    for kind in vars(asyncua.ua.uaerrors).values()
    if isinstance(kind, type) and issubclass(kind, asyncua.ua.uaerrors.UaError)
]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_asyncua_becomes_one_of_ours(kind: type[Exception]) -> None:
    """No error of the library leaves the driver, and each is one line that names the address."""
    error = kind([0, 0x80010000]) if kind.__name__ == "UaStatusCodeErrors" else _made(kind)

    mapped = translated(error, "10.0.0.6:4840")

    assert isinstance(mapped, DeviceError)
    assert str(mapped).startswith("10.0.0.6:4840: ")
    assert "\n" not in str(mapped)


def _made(kind: type[Exception]) -> Exception:
    return kind(0x80AB0000) if kind.__name__ == "UaStatusCodeError" else kind()


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionRefusedError(111, "refused"),
        OSError("unreachable"),
        ValueError("bad"),
        EOFError(),
        KeyError("x"),
    ],
)
def test_errors_of_the_network_and_of_parsing_are_mapped_too(error: Exception) -> None:
    """Only what may pass by itself is worth another try."""
    assert translated(error, "a:1").retry == isinstance(error, OSError)


def test_statuses_have_their_names() -> None:
    """A status is named as the standard names it, info bits or not."""
    assert status_name(0x80340000) == "BadNodeIdUnknown"
    assert status_name(0x80340480) == "BadNodeIdUnknown"


def _data(value: Any, status: int = 0, source: datetime | None = NOON, server: datetime | None = None) -> Any:
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    return SimpleNamespace(ClientHandle=3, Value=ua.DataValue(variant, ua.StatusCode(status), source, server))


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        (True, 1.0, None), (ua.Variant(-5, ua.VariantType.SByte), -5.0, None), (ua.Variant(2**40, ua.VariantType.UInt64), 2.0**40, None), (1.25, 1.25, None),
        ("läuft", None, "läuft"), (ua.LocalizedText("运行", "zh"), None, "运行"), (NOON, float(NOON_US), None), (b"\x01\xff", None, "01ff"),
        (ua.QualifiedName("State", 2), None, "State"), (ua.StatusCode(0x80340000), None, "BadNodeIdUnknown"), (ua.Variant(), None, None),
    ],
)  # fmt: skip
def test_values_become_numbers_or_texts(value: Any, number: float | None, text: str | None) -> None:
    """Numbers, states and times are numbers; texts stay texts; an empty variant is no value."""
    batch = columns([_data(value)], 9)

    assert (batch.text[0] if batch.text else None) == text
    assert bool(batch.has_value is not None and batch.has_value[0]) == (number is not None or text is not None)
    assert math.isnan(batch.value[0]) if number is None else batch.value[0] == number


def test_nan_of_the_machine_and_no_value_differ() -> None:
    """NaN is a value, though no number."""
    batch = columns([_data(math.nan), _data(ua.Variant())], 9)

    assert batch.has_value is not None
    assert batch.has_value.tolist() == [True, False]


def test_arrays_and_structures_are_bad_samples_for_now() -> None:
    """What cannot be a sample is not dropped: it is a bad one with its own status."""
    batch = columns([_data([1.0, 2.0])], 9)

    assert batch.status is not None
    assert (batch.status[0], batch.quality[0]) == (0x803D0000, 2)


@pytest.mark.parametrize(("status", "quality"), [(0, 0), (0x480, 0), (0x40920000, 1), (0x80310000, 2), (0xC0000000, 2)])
def test_the_raw_status_is_kept_and_its_top_bits_are_the_quality(status: int, quality: int) -> None:
    """Info bits such as the overflow bit stay in the status."""
    batch = columns([_data(1.0, status)], 9)

    assert batch.status is not None
    assert (batch.status[0], batch.quality[0]) == (status, quality)


def test_a_missing_time_is_replaced_by_the_next_best() -> None:
    """Source time, else server time, else the time of reception; the year 1601 is no time."""
    nothing = datetime(1601, 1, 1, tzinfo=UTC)
    batch = columns([_data(1.0), _data(1.0, source=None, server=NOON), _data(1.0, source=nothing, server=None)], 9)

    assert batch.time.tolist() == [NOON_US, NOON_US, 9]
    assert microseconds(NOON) == NOON_US


def test_type_definitions_of_servers_are_never_loaded() -> None:
    """The library can turn names that a server sends into Python code and run it; nothing of ours calls that."""
    forbidden = ("load_data_type_definitions", "load_type_definitions", "load_enums")
    sources = list((ROOT / "factory_kit").rglob("*.py"))

    assert len(sources) > 20
    assert not [path for path in sources if any(word in path.read_text(encoding="utf-8") for word in forbidden)]


def test_another_protocol_is_refused() -> None:
    """The OPC UA driver opens no Modbus device."""
    with pytest.raises(UsageError, match="line: is no OPC UA server"):
        driver("opcua").device("line", ModbusServer(driver="modbus", host="10.0.0.5"), Context(now=lambda: 0))
