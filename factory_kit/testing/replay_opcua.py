"""A recording as an OPC UA server: one node for each point, every value with the source time of the recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from asyncua import Server, ua
from asyncua.common.callback import CallbackType

from factory_kit import __version__
from factory_kit.drivers.base import REPLAY_URI
from factory_kit.model.sample import Quality
from factory_kit.testing.replay_recording import EMPTY, Column, Recording

__all__ = ["NAMESPACE", "RecordingServer", "node_name"]

NAMESPACE = "urn:factory-kit:replay:points"
APPLICATION_URI = "urn:factory-kit:replay:opcua"
BAD = 0x80000000
"""Bad, without a reason of its own (OPC 10000-4, 7.39)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARIANTS = {"float64": ua.VariantType.Double, "string": ua.VariantType.String}


def node_name(equipment: str, point: str) -> str:
    """The string of the node id of a point; names may hold dots, so a slash keeps the two apart."""
    return f"{equipment}/{point}"


class RecordingServer:
    """Serves *recording* on *host* and *port* (0: any free one); ``show`` puts one of its rows on the nodes.

    Before the first row every node holds the first value of its column, so that whoever subscribes before then receives
    every value once. A bad value has the status Bad and, as the standard demands, no content (OPC 10000-4, 7.7.1). The
    ServerTimestamp is the time of *now* (µs UTC). Nothing can be written. *arrived* is told of each node that a client
    watches for the first time. Use as an asynchronous context; ``url`` is known inside.
    """

    def __init__(
        self,
        recording: Recording,
        now: Callable[[], int],
        arrived: Callable[[], None],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._recording = recording
        self._now = now
        self._arrived = arrived
        self._host = host
        self._port = port
        self._server = Server()
        self._nodes: list[tuple[ua.NodeId, Column]] = []
        self._watched: set[ua.NodeId] = set()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"opc.tcp://{self._host}:{self._port}/factory-kit/replay"

    @property
    def watched(self) -> int:
        """How many nodes some client has subscribed to."""
        return len(self._watched)

    async def __aenter__(self) -> Self:
        """Make the address space and listen."""
        server = self._server
        server.product_uri = REPLAY_URI
        server.manufacturer_name = "Factory Kit"
        server.name = "Replay"
        server.application_type = ua.ApplicationType.Server
        server.set_endpoint(self.url)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.init()
        await server.set_application_uri(APPLICATION_URI)
        await server.set_build_info(
            REPLAY_URI, server.manufacturer_name, server.name, __version__, "0", _moment(self._now())
        )
        await self._make_nodes(await server.register_namespace(NAMESPACE))
        server.subscribe_server_callback(CallbackType.ItemSubscriptionCreated, self._note)
        await server.start()
        self._port = server.bserver.port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and close every connection."""
        await self._server.stop()

    async def show(self, row: int) -> None:
        """The values of *row* are on the nodes; a point without a value in this row keeps what it has."""
        for node, column in self._nodes:
            if column.quality[row] != EMPTY:
                await self._write(node, column, row)

    async def _make_nodes(self, index: int) -> None:
        folder = await self._server.nodes.objects.add_folder(
            ua.NodeId("Replay", index), ua.QualifiedName("Replay", index)
        )
        for equipment in self._recording.equipment:
            parent = await folder.add_object(ua.NodeId(equipment, index), ua.QualifiedName(equipment, index))
            for column in self._recording.columns_of(equipment):
                name = ua.NodeId(node_name(equipment, column.point.point), index)
                kind = _VARIANTS[column.point.type]
                nothing = ua.Variant("" if column.text is not None else 0.0, kind)
                node = await parent.add_variable(name, ua.QualifiedName(column.point.point, index), nothing)
                self._nodes.append((node.nodeid, column))
                await self._write(node.nodeid, column, column.first)

    async def _write(self, node: ua.NodeId, column: Column, row: int) -> None:
        # The address space itself: a session would stamp its own ServerTimestamp and ask for write access.
        status = await self._server.iserver.aspace.write_attribute_value(
            node, ua.AttributeIds.Value, self._data(column, row)
        )
        status.check()

    def _data(self, column: Column, row: int) -> ua.DataValue:
        good = column.quality[row] == Quality.GOOD
        said = column.text[row] if column.text is not None else float(column.value[row])
        return ua.DataValue(
            ua.Variant(said, _VARIANTS[column.point.type]) if good else ua.Variant(),
            ua.StatusCode(0 if good else BAD),
            _moment(int(self._recording.times[row])),
            _moment(self._now()),
        )

    def _note(self, event: Any, _dispatcher: Any) -> None:
        """Some client watches some nodes, from asyncua's callback service."""
        wanted = {item.ItemToMonitor.NodeId for item in event.request_params.ItemsToCreate}
        fresh = {node for node, _column in self._nodes if node in wanted} - self._watched
        if fresh:
            self._watched |= fresh
            self._arrived()


def _moment(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
