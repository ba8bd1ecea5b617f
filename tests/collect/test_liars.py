"""Servers that lie, count wrongly and forget: whatever they do, no value is stored twice, and none is lost without a word."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from factory_kit.collect.run import collect
from factory_kit.drivers.opcua import session
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.store import Store
from factory_kit.testing.rawserver import CHANNEL, NAMESPACE, TOKEN, RawServer, _Line

pytestmark = pytest.mark.wire

EPOCH_S = 11_644_473_600
POINTS = 2


class Nothing:
    """The feed of a server that makes its own notifications."""

    items = 1 << 30

    def named(self, handles: Any) -> None:
        """Nobody asks."""

    def tick(self, *_when: int) -> tuple[bytes, int]:
        """Nothing is due."""
        raise AssertionError


class Machine:
    """What counts, whoever is connected: each point has the number of the tick; ``ticks`` is the truth, by number."""

    def __init__(self) -> None:
        self.ticks: dict[int, int] = {}
        self.lines: list[Liar] = []
        self.told: Counter[str] = Counter()
        self.behind_us = 0

    async def count(self) -> None:
        """A tick every 25 ms, told to every line."""
        while True:
            moment = time.time_ns() // 1000 - self.behind_us
            number = len(self.ticks) + 1
            self.ticks[number] = moment
            for line in self.lines:
                line.tick(number, moment)
            await asyncio.sleep(0.025)


class Liar(_Line):
    """An honest server; those below lie. It keeps what nobody acknowledged, and sends it again when it is asked."""

    machine: Machine

    def __init__(self, server: RawServer) -> None:
        super().__init__(server)
        self.waiting: deque[tuple[int, int]] = deque()
        self.due: deque[tuple[int, Any]] = deque()
        self.kept: dict[int, Any] = {}
        self.next = 1
        self.handles: list[int] = []
        self.told_at = 0.0
        self.machine.lines.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.machine.lines.remove(self)

    def _request(self, request: int, body: bytes) -> None:
        if int.from_bytes(body[2:4], "little") == ua.ObjectIds.PublishRequest_Encoding_DefaultBinary:
            self.wanted(request)
        else:
            super()._request(request, body)

    def wanted(self, request: int) -> None:
        """Somebody waits for news."""
        self.waiting.append((request, 0))
        self.send_due()

    def tick(self, number: int, moment: int) -> None:
        """The machine has counted."""
        if self.handles:
            self.machine.told["ticks"] += 1
            message = self.message(self.number(), number, moment)
            self.kept[message.SequenceNumber] = message
            self.notify(message)
            self.send_due()

    def number(self) -> int:
        """The number of the next notification."""
        self.next += 1
        return self.next - 1

    def message(self, sequence: int, number: int, moment: int) -> Any:
        """All points have the *number*, since *moment* (µs)."""
        at = ua.win_epoch_to_datetime((moment + EPOCH_S * 1_000_000) * 10)
        items = [
            ua.MonitoredItemNotification(
                handle, ua.DataValue(ua.Variant(float(number)), ua.StatusCode(), SourceTimestamp=at, ServerTimestamp=at)
            )
            for handle in self.handles
        ]
        change = ua.DataChangeNotification(MonitoredItems=items)
        return ua.NotificationMessage(SequenceNumber=sequence, PublishTime=at, NotificationData=[change])

    def notify(self, message: Any) -> None:
        """*message* is due."""
        self.due.append((1, message))

    def send_due(self) -> None:
        """As much as somebody waits for."""
        while self.waiting and self.due:
            subscription, message = self.due.popleft()
            answer = ua.PublishResponse()
            answer.Parameters.SubscriptionId = subscription
            answer.Parameters.NotificationMessage = message
            self.answer(self.waiting.popleft()[0], struct_to_binary(answer))

    def answer(self, request: int, body: bytes) -> None:
        """*body* goes out."""
        self._send(request, body)

    def _on_CreateMonitoredItems(self, wish: Any) -> Any:  # noqa: N802
        answer = super()._on_CreateMonitoredItems(wish)
        self.handles = list(self._handles)
        return answer

    def _on_Republish(self, wish: Any) -> Any:  # noqa: N802
        message = self.kept.get(wish.RetransmitSequenceNumber)
        if message is None:
            return super()._on_Republish(wish)
        self.machine.told["republished"] += 1
        return ua.RepublishResponse(NotificationMessage=message)

    def _on_TransferSubscriptions(self, _wish: Any) -> Any:  # noqa: N802
        unknown = ua.TransferResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid))
        return ua.TransferSubscriptionsResponse(Parameters=ua.TransferSubscriptionsResult([unknown], []))


class Twice(Liar):
    """Every notification is sent twice."""

    def notify(self, message: Any) -> None:
        self.due += [(1, message), (1, message)]


class Swallowing(Liar):
    """Every fifth notification is lost on the way, and kept."""

    def notify(self, message: Any) -> None:
        if message.SequenceNumber % 5:
            super().notify(message)


class Forgetful(Swallowing):
    """And what was lost is not kept either."""

    def _on_Republish(self, wish: Any) -> Any:  # noqa: N802
        del wish
        return _Line._on_Republish(self, None)


class Deceiver(Swallowing):
    """What is asked for again is answered with another notification, which came already."""

    def _on_Republish(self, wish: Any) -> Any:  # noqa: N802
        return ua.RepublishResponse(NotificationMessage=self.kept[max(1, wish.RetransmitSequenceNumber - 2)])


class Jumping(Liar):
    """The numbers of notifications jump, though nothing is missing."""

    def number(self) -> int:
        self.next += 1 if self.next % 7 else 8
        return self.next - 1


class Restarting(Liar):
    """The numbers begin anew in the middle."""

    def number(self) -> int:
        if super().number() == 20:
            self.next = 2
            self.kept.clear()
            return 1
        return self.next - 1


class Standing(Liar):
    """All notifications have the same number."""

    def number(self) -> int:
        return 3


class Crowded(Liar):
    """One request to publish may wait; the others are refused."""

    def wanted(self, request: int) -> None:
        if self.waiting:
            fault = ua.ServiceFault()
            fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadTooManyPublishRequests)
            self._send(request, struct_to_binary(fault))
            return
        super().wanted(request)


class Boasting(Liar):
    """Every sixth notification says that it holds a thousand million values."""

    def answer(self, request: int, body: bytes) -> None:
        self.told = getattr(self, "told", 0) + 1
        if self.told % 6 == 0:
            count = len(self.handles).to_bytes(4, "little")
            place = body.rfind(count + self.handles[0].to_bytes(4, "little"))
            body = body[:place] + (1_000_000_000).to_bytes(4, "little") + body[place + 4 :]
        super().answer(request, body)


class Misnumbering(Liar):
    """Now and then an answer goes to a request that nobody made."""

    def answer(self, request: int, body: bytes) -> None:
        self.told = getattr(self, "told", 0) + 1
        super().answer(request + 100_000 if self.told % 9 == 0 else request, body)


class Unpunctual(Liar):
    """Promises a publishing interval of an hour and a tiny lifetime, and reports at once all the same."""

    def _on_CreateSubscription(self, wish: Any) -> Any:  # noqa: N802
        answer = super()._on_CreateSubscription(wish)
        answer.Parameters.RevisedPublishingInterval = 3_600_000.0
        answer.Parameters.RevisedLifetimeCount = 1
        answer.Parameters.RevisedMaxKeepAliveCount = 0
        return answer


class Senseless(Liar):
    """Promises an interval that is none."""

    def _on_CreateSubscription(self, wish: Any) -> Any:  # noqa: N802
        answer = super()._on_CreateSubscription(wish)
        answer.Parameters.RevisedPublishingInterval = float("nan")
        return answer


class Ending(Liar):
    """Ends every subscription after twenty notifications, since its lifetime is over; the next one has the same number."""

    def notify(self, message: Any) -> None:
        if message.SequenceNumber == 20:
            over = ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))
            message.NotificationData = [over]
        super().notify(message)

    def _on_CreateSubscription(self, wish: Any) -> Any:  # noqa: N802
        self.next, self.handles, self._handles = 1, [], []
        self.due.clear()
        self.kept.clear()
        return super()._on_CreateSubscription(wish)


class Stranger(Liar):
    """Tells of a subscription that nobody made, under handles that nobody gave."""

    def notify(self, message: Any) -> None:
        change = ua.DataChangeNotification(
            MonitoredItems=[ua.MonitoredItemNotification(77, ua.DataValue(ua.Variant(-5.0)))]
        )
        strange = ua.NotificationMessage(message.SequenceNumber, message.PublishTime, [change])
        self.due += [(99, strange), (1, message)]
        message.NotificationData[0].MonitoredItems.append(change.MonitoredItems[0])


class Backwards(Liar):
    """Its clock is set back by an hour in the middle."""

    def tick(self, number: int, moment: int) -> None:
        if number > 20:
            self.machine.behind_us = 3_600_000_000
        super().tick(number, moment)


class Renewing(Liar):
    """Its channels live three seconds, and it does not know the token with which they are to be renewed."""

    def _open(self, chunk: bytes) -> None:
        self.opened = getattr(self, "opened", 0) + 1
        if self.opened == 1:
            super()._open(chunk)
            return
        self.machine.told["renewals refused"] += 1
        reason = b"token"
        said = ua.StatusCodes.BadSecureChannelTokenUnknown.to_bytes(4, "little") + len(reason).to_bytes(4, "little")
        self._transport.write(b"ERRF" + (16 + len(reason)).to_bytes(4, "little") + said + reason)
        self._transport.close()


class Chopping(Liar):
    """Every answer comes in chunks of 37 bytes, and these in pieces of 11."""

    def _send(self, request: int, body: bytes | bytearray) -> None:
        data = bytearray()
        for start in range(0, len(body), 37):
            part = bytes(body[start : start + 37])
            self._sequence += 1
            kind = b"MSGF" if start + 37 >= len(body) else b"MSGC"
            data += struct.pack("<4sIIIII", kind, 24 + len(part), CHANNEL, TOKEN, self._sequence, request) + part
        for start in range(0, len(data), 11):
            self._transport.write(bytes(data[start : start + 11]))


class Wrapping(Liar):
    """The numbers of its chunks reach their end soon, and begin anew (OPC 10000-6, 6.7.2.4)."""

    def __init__(self, server: RawServer) -> None:
        super().__init__(server)
        self._sequence = (1 << 32) - 1024 - 25

    def _send(self, request: int, body: bytes | bytearray) -> None:
        if self._sequence > (1 << 32) - 1020:
            self._sequence = 3
            self.machine.told["wraps"] += 1
        super()._send(request, body)


class Hasty(Liar):
    """Revises the publishing interval to 0."""

    def _on_CreateSubscription(self, wish: Any) -> Any:  # noqa: N802
        answer = super()._on_CreateSubscription(wish)
        answer.Parameters.RevisedPublishingInterval = 0.0
        return answer


class Mumbling(Liar):
    """Between its notifications it gives signs of life with numbers that mean nothing."""

    def notify(self, message: Any) -> None:
        for number in (0, 7, (1 << 32) - 1, message.SequenceNumber + 3):
            self.due.append((1, ua.NotificationMessage(SequenceNumber=number, PublishTime=message.PublishTime)))
        super().notify(message)


class Eventful(Liar):
    """Beside the values it tells of events nobody asked for, and that the subscription is well."""

    def notify(self, message: Any) -> None:
        well = ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.Good))
        event = ua.EventFieldList(ClientHandle=1, EventFields=[ua.Variant("alarm"), ua.Variant(3.0)])
        message.NotificationData = [ua.EventNotificationList(Events=[event]), *message.NotificationData, well]
        super().notify(message)


class Leaving(Liar):
    """Hangs up after every tenth notification, in the middle of a message, and knows nobody afterwards."""

    def answer(self, request: int, body: bytes) -> None:
        self.told = getattr(self, "told", 0) + 1
        if self.told % 10:
            super().answer(request, body)
            return
        self._transport.write(struct.pack("<4sI", b"MSGF", 24 + len(body)) + bytes(9))
        self._transport.close()


class Hoarding(Liar):
    """Tells what waits more and more late, as if it were news, says that more waits, and then knows nobody any more."""

    says = True

    def wanted(self, request: int) -> None:
        self.waiting.append((request, 0))

    def send_due(self) -> None:
        told = self.machine.told
        hoards = told["ticks"] > 20 and not told["hoarded"]
        if hoards and len(self.due) > 15:
            told["hoarded"] = len(self.due)
            self._transport.abort()
        while self.waiting and self.due and (told["ticks"] % 2 or not hoards):
            subscription, message = self.due.popleft()
            now = (time.time_ns() // 1000 + EPOCH_S * 1_000_000) * 10
            message.PublishTime = ua.win_epoch_to_datetime(now)
            parameters = ua.PublishResult(SubscriptionId=subscription, NotificationMessage=message)
            parameters.MoreNotifications = self.says and bool(self.due)
            self.answer(self.waiting.popleft()[0], struct_to_binary(ua.PublishResponse(Parameters=parameters)))
            if hoards:
                return


class Hiding(Hoarding):
    """Does the same, and says that nothing waits."""

    says = False


class Interrupted(Liar):
    """Its line breaks while values come, and again while the new items are made; their empty subscription lives on and says so."""

    def tick(self, number: int, moment: int) -> None:
        super().tick(number, moment)
        if self.machine.told["ticks"] == 20:
            self.machine.told["breaks"] = 1
            self._transport.abort()
        if not self.handles and self.machine.told["breaks"] == 2:
            self.notify(ua.NotificationMessage(SequenceNumber=1))
            self.send_due()

    def _on_CreateMonitoredItems(self, wish: Any) -> Any:  # noqa: N802
        if self.machine.told["breaks"] == 1:
            self.machine.told["breaks"] = 2
            self._transport.abort()
        return super()._on_CreateMonitoredItems(wish)

    def _on_TransferSubscriptions(self, wish: Any) -> Any:  # noqa: N802
        if self.machine.told["breaks"] < 2:
            return super()._on_TransferSubscriptions(wish)
        good = ua.TransferResult()
        return ua.TransferSubscriptionsResponse(Parameters=ua.TransferSubscriptionsResult([good], []))


class Elsewhen(Liar):
    """Its clock is a year ahead."""

    def tick(self, number: int, moment: int) -> None:
        self.machine.behind_us = -365 * 86_400_000_000
        if number > 2:  # the first were counted by the other clock
            super().tick(number, moment)


class Interleaving(Liar):
    """The chunks of two answers stand between each other."""

    first: tuple[int, bytes] | None = None

    def answer(self, request: int, body: bytes) -> None:
        if self.first is None:
            self.first = request, body
            return
        (other, whole), self.first = self.first, None
        pieces = [(b"MSGC", other, whole[:60]), (b"MSGC", request, body[:60])]
        pieces += [(b"MSGF", other, whole[60:]), (b"MSGF", request, body[60:])]
        for kind, number, part in pieces:
            self.piece(kind, number, part)

    def piece(self, kind: bytes, request: int, part: bytes) -> None:
        """One chunk."""
        self._sequence += 1
        head = struct.pack("<4sIIIII", kind, 24 + len(part), CHANNEL, TOKEN, self._sequence, request)
        self._transport.write(head + part)


class Aborting(Interleaving):
    """Every seventh notification is given up in the middle of its answer, since it is too large, and kept."""

    def answer(self, request: int, body: bytes) -> None:
        self.told = getattr(self, "told", 0) + 1
        if self.told % 7:
            self._send(request, body)
            return
        self.piece(b"MSGC", request, body[:60])
        self.piece(b"MSGA", request, struct.pack("<Ii", ua.StatusCodes.BadResponseTooLarge, -1))


class Retelling(Swallowing):
    """What is asked for again is answered with its number, without a value or cut off in the middle."""

    def _request(self, request: int, body: bytes) -> None:
        if int.from_bytes(body[2:4], "little") != ua.ObjectIds.RepublishRequest_Encoding_DefaultBinary:
            super()._request(request, body)
            return
        self.machine.told["republished"] += 1
        self._again(request, int.from_bytes(body[-4:], "little"))

    def _again(self, request: int, number: int) -> None:
        parts = [ua.EventNotificationList(Events=[])] if self.machine.told["republished"] % 2 else []
        answer = ua.RepublishResponse(NotificationMessage=ua.NotificationMessage(number, NotificationData=parts))
        whole = struct_to_binary(answer)
        self._send(request, whole if parts else whole[:-9])


class Cutting(Retelling):
    """Hangs up when it is asked for something again, twice."""

    def _again(self, request: int, number: int) -> None:
        if self.machine.told["republished"] < 3:
            self._transport.abort()
        else:
            self._send(request, struct_to_binary(ua.RepublishResponse(NotificationMessage=self.kept[number])))


class Failing(Retelling):
    """Cannot say anything again, for a reason of its own."""

    def _again(self, request: int, _number: int) -> None:
        fault = ua.ServiceFault()
        fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadInternalError)
        self._send(request, struct_to_binary(fault))


class Mute(Retelling):
    """Never answers when it is asked for something again."""

    def _again(self, request: int, _number: int) -> None:
        del request


class Curt(Liar):
    """Tells of no endpoint it could be reached at when a session begins, and of one without a place besides when it is asked."""

    def _on_CreateSession(self, wish: Any) -> Any:  # noqa: N802
        answer = super()._on_CreateSession(wish)
        answer.Parameters.ServerEndpoints = None
        return answer

    def _on_GetEndpoints(self, wish: Any) -> Any:  # noqa: N802
        answer = super()._on_GetEndpoints(wish)
        answer.Endpoints.insert(0, ua.EndpointDescription(EndpointUrl=None))
        return answer


class Instant(Liar):
    """Its tokens live no time at all, it says."""

    def _open(self, chunk: bytes) -> None:
        self.machine.told["tokens"] += 1
        super()._open(chunk[:-4] + bytes(4))  # as if no life had been asked for


class Fleeting(Liar):
    """Its tokens live two seconds; whoever uses one that is over is thrown out."""

    token, ends = TOKEN, 0.0

    def _open(self, chunk: bytes) -> None:
        self.machine.told["tokens"] += 1
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("factory_kit.testing.rawserver.TOKEN", self.machine.told["tokens"])
            super()._open(chunk[:-4] + (2000).to_bytes(4, "little"))  # as if so short a life had been asked for
        if self.machine.told["tokens"] == 1:
            self.token = 1
        self.ends = time.monotonic() + 2.5  # a quarter longer than it was said to live (OPC 10000-4, 5.6.2)

    def _chunk(self, chunk: bytes) -> None:
        if chunk[:3] == b"MSG":
            self.token = int.from_bytes(chunk[12:16], "little")
            if time.monotonic() > self.ends:
                self.machine.told["too late"] += 1
                self._transport.abort()
                return
        super()._chunk(chunk)

    def _send(self, request: int, body: bytes | bytearray) -> None:
        self._sequence += 1
        head = struct.pack("<4sIIIII", b"MSGF", 24 + len(body), CHANNEL, self.token, self._sequence, request)
        self._transport.write(head + bytes(body))


LOSSY = {
    Forgetful,
    Deceiver,
    Jumping,
    Restarting,
    Standing,
    Ending,
    Renewing,
    Boasting,
    Misnumbering,
    Leaving,
    Hoarding,
    Hiding,
    Interrupted,
    Aborting,
    Retelling,
    Cutting,
    Failing,
    Mute,
}
"""Those who lose values, or say so: there must be gaps. With all others nothing may be missing."""
KEEPING = {Boasting, Misnumbering, Aborting}
"""These hold what got lost, so that it comes all the same."""


MANY = 1 << 30
DONE = {
    **dict.fromkeys((Swallowing, Boasting, Misnumbering, Aborting, Retelling), ("republished", 1, MANY)),
    **dict.fromkeys((Hoarding, Hiding), ("hoarded", 1, MANY)),
    Renewing: ("renewals refused", 2, MANY),
    Wrapping: ("wraps", 1, MANY),
    Fleeting: ("tokens", 2, MANY),
    Instant: ("tokens", 1, 60),
    Cutting: ("republished", 3, MANY),
    Failing: ("republished", 1, 200),
    Mute: ("republished", 1, 10),
}
"""What each must have done, how often at least and at most."""


def _site(make_site: Any, url: str) -> Any:
    server = {"driver": "opcua", "url": url, "security": "None", "publishing_ms": 100, "sampling_ms": 0}
    return make_site({"ua": server}, [{"id": "m", "connector": "opcua", "server": "ua"}])


def _connector(make_connector: Any) -> Any:
    points = [{"name": f"v{n}", "address": f"ns=?;i={n + 1}", "type": "float64"} for n in range(POINTS)]
    return make_connector("opcua", *points, namespace=NAMESPACE)


def _rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with store.connect() as con:
        return [tuple(row) for row in con.execute(sql).fetchall()]


async def _true(what: Callable[[], bool]) -> None:
    while not what():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.05)


async def _told_to(
    liar: type[Liar], enough: Callable[[Machine], bool], make: Callable[[str], tuple[Any, ...]], **options: Any
) -> Machine:
    """A collection from *liar* until *enough* is true; the machine that it served."""
    machine = Machine()
    kind = type(liar.__name__, (liar,), {"machine": machine})
    async with RawServer(Nothing(), options["now"], line=kind) as server:
        counting = asyncio.create_task(machine.count())
        stop = asyncio.Event()
        running = asyncio.create_task(collect(*make(server.url), stop=stop, **options))
        await asyncio.wait(
            {running, asyncio.create_task(_true(lambda: enough(machine)))}, return_when="FIRST_COMPLETED"
        )
        stop.set()
        await running
        counting.cancel()
    return machine


def _enough(liar: type[Liar], watcher: Any) -> Callable[[Machine], bool]:
    """When all that *liar* does has been done: values flow, and for some the way back was found twice."""
    if liar in {Ending, Renewing, Leaving}:
        return lambda _machine: sum("connection is back" in line for line in watcher.lines) >= 2
    if issubclass(liar, Hoarding):
        return lambda machine: machine.told["ticks"] >= 60 and "connection is back" in "".join(watcher.lines)
    if liar is Fleeting:
        return lambda machine: machine.told["tokens"] >= 4
    return lambda machine: machine.told["ticks"] >= 60


@pytest.mark.parametrize(
    "liar",
    [
        Liar, Twice, Swallowing, Forgetful, Deceiver, Jumping, Restarting, Standing, Crowded, Boasting, Misnumbering, Unpunctual,
        Senseless, Ending, Stranger, Backwards, Renewing, Chopping, Wrapping, Hasty, Mumbling, Eventful, Leaving, Elsewhen, Fleeting,
        Hoarding, Hiding, Interrupted, Interleaving, Aborting, Retelling, Instant,
        Cutting, Failing, Mute, Curt,
    ],
)  # fmt: skip
def test_a_liar_loses_nothing_silently_and_nothing_comes_twice(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, monkeypatch: Any, liar: type[Liar]
) -> None:
    """Every stored value is true and there once; every value between the first and the last is stored, or lies in a gap."""
    if liar is Renewing:
        made = ReadingClient.__init__

        def short(client: Any, *rest: Any, **more: Any) -> None:
            made(client, *rest, **more)
            client.secure_channel_timeout = 3000

        monkeypatch.setattr(ReadingClient, "__init__", short)
    if liar is Mute:
        monkeypatch.setattr(session, "REQUEST_S", 1.0)
    machine = asyncio.run(
        _told_to(
            liar,
            _enough(liar, watcher),
            lambda url: (_site(make_site, url), {"opcua": _connector(make_connector)}, store),
            now=now,
            observer=watcher,
        )
    )

    lost = _lost(store, machine)
    assert _rows(store, "select min(n) >= 15 from (select count(*) n from samples group by point)") == [(True,)]
    if liar not in LOSSY or liar in KEEPING:
        assert lost == 0
    what, least, most = DONE.get(liar, ("ticks", 1, MANY))
    assert least <= machine.told[what] <= most
    assert _rows(store, "select count(*) from samples where value < 0") == [(0,)]


def _lost(store: Store, machine: Machine) -> int:
    """How many values of *machine* are not in *store*, after making sure that each of them lies in a gap, and no value is wrong."""
    found: dict[str, Counter[tuple[int, int]]] = {}
    sql = "select name, value::BIGINT, epoch_us(time) from samples join points using (point) where value > 0"
    for name, value, moment in _rows(store, sql):
        found.setdefault(name, Counter())[value, moment] += 1
    assert set(found) == {f"v{n}" for n in range(POINTS)}
    gaps = _rows(store, 'select name, epoch_us(start), epoch_us("end") from gaps join points using (point)')
    lost = 0
    for name, counted in found.items():
        assert set(counted.values()) == {1}
        assert set(counted) <= set(machine.ticks.items())
        mine = [(start, end) for whose, start, end in gaps if whose == name]
        for number in range(min(counted)[0], max(counted)[0]):
            moment = machine.ticks[number]
            if (number, moment) not in counted:
                lost += 1
                assert any(start <= moment < end for start, end in mine), f"{name}: {number} is lost without a word"
    return lost
