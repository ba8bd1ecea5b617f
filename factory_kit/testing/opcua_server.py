"""The simulated machines as an OPC UA server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from asyncua import Server, ua
from asyncua.common.callback import CallbackType

from factory_kit import __version__
from factory_kit.testing.plantmodel import POINTS, Change, PlantModel

__all__ = ["APPLICATION_URI", "NAMESPACE", "NODE_NAMES", "PRODUCT_URI", "MachineServer"]

NAMESPACE = "urn:factory-kit:simulated-plant"
APPLICATION_URI = "urn:factory-kit:simulator:opcua"
PRODUCT_URI = "urn:factory-kit:simulator"
"""What tells a collector that these machines are simulated (ServerStatus.BuildInfo.ProductUri)."""

_VARIANTS = {
    "state": ("State", ua.VariantType.Int32),
    "alarm": ("AlarmCode", ua.VariantType.UInt32),
    "total_count": ("TotalCount", ua.VariantType.UInt32),
    "good_count": ("GoodCount", ua.VariantType.UInt32),
    "spindle_load": ("SpindleLoad", ua.VariantType.Double),
    "spindle_temperature": ("SpindleTemperature", ua.VariantType.Double),
    "motor_temperature": ("MotorTemperature", ua.VariantType.Double),
}
NODE_NAMES = {point: name for point, (name, _) in _VARIANTS.items()}
"""Point of connectors/sim-cnc → last part of the node id, ``ns=?;s=CNC01.<name>``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK_S = 0.05
_STATUS = ua.NodeId(ua.ObjectIds.Server_ServerStatus)
_CURRENT_TIME = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)


class MachineServer:
    """Serves the machines of *model* on *host* and *port* (0: any free one) at the plant time of *clock*.

    Every change carries its exact plant time as SourceTimestamp; ServerTimestamp and CurrentTime are the plant time of
    the server. Nothing can be written. Use as an asynchronous context; ``url`` is known inside.
    """

    def __init__(self, model: PlantModel, clock: Callable[[], int], host: str = "127.0.0.1", port: int = 0) -> None:
        self._model = model
        self._clock = clock
        self._host = host
        self._port = port
        self._server = Server()
        self._nodes: dict[tuple[str, str], ua.NodeId] = {}
        self._shown_until = model.start
        self._ticking: asyncio.Task[None] | None = None
        self.watched = asyncio.Event()
        """Set once a client has subscribed to anything."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"opc.tcp://{self._host}:{self._port}/factory-kit/plant"

    async def __aenter__(self) -> Self:
        """Make the address space and listen; plant time is followed once ``follow`` is called."""
        server = self._server
        server.product_uri = PRODUCT_URI
        server.manufacturer_name = "Factory Kit"
        server.name = "Simulated plant"
        server.application_type = ua.ApplicationType.Server
        server.set_endpoint(self.url)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.init()
        server.disable_clock()
        await server.set_application_uri(APPLICATION_URI)
        await server.set_build_info(
            PRODUCT_URI, server.manufacturer_name, server.name, __version__, "0", _moment(self._model.start)
        )
        await self._make_nodes(await server.register_namespace(NAMESPACE))
        server.subscribe_server_callback(CallbackType.ItemSubscriptionCreated, lambda *_: self.watched.set())
        await server.start()
        await self._show_clock(_moment(self._model.start))
        self._port = server.bserver.port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and close every connection."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self._server.stop()

    def follow(self) -> asyncio.Task[None]:
        """Let the values follow plant time from now on; the task ends only with an error."""
        self._ticking = asyncio.create_task(self._tick())
        return self._ticking

    async def _make_nodes(self, index: int) -> None:
        plant = await self._server.nodes.objects.add_folder(ua.NodeId("Plant", index), ua.QualifiedName("Plant", index))
        for equipment, machine in self._model.machines.items():
            base = machine.spec.node
            parent = await plant.add_object(ua.NodeId(base, index), ua.QualifiedName(base, index))
            for point, (name, variant) in _VARIANTS.items():
                zero = ua.Variant(0.0 if variant is ua.VariantType.Double else 0, variant)
                node = await parent.add_variable(
                    ua.NodeId(f"{base}.{name}", index), ua.QualifiedName(name, index), zero
                )
                self._nodes[equipment, point] = node.nodeid
        for equipment in self._model.machines:
            for point in POINTS:
                await self._show(self._model.shown(equipment, point, self._model.start), _moment(self._model.start))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = self._clock()
            moment = _moment(now)
            for change in self._model.changes(self._shown_until, now):
                await self._show(change, moment)
            self._shown_until = now
            await self._show_clock(moment)

    async def _show_clock(self, now: datetime) -> None:
        status = copy(await self._server.get_node(_STATUS).read_value())
        status.CurrentTime = now
        await self._write(_STATUS, ua.DataValue(ua.Variant(status), SourceTimestamp=now))
        await self._write(_CURRENT_TIME, ua.DataValue(ua.Variant(now, ua.VariantType.DateTime), SourceTimestamp=now))

    async def _show(self, change: Change, now: datetime) -> None:
        node = self._nodes[change.equipment, change.point]
        variant = ua.Variant() if change.value is None else ua.Variant(change.value, _VARIANTS[change.point][1])
        await self._write(node, ua.DataValue(variant, ua.StatusCode(change.status), _moment(change.time), now))

    async def _write(self, node: ua.NodeId, value: ua.DataValue) -> None:
        # The address space itself: a session would stamp its own ServerTimestamp and ask for write access.
        status = await self._server.iserver.aspace.write_attribute_value(node, ua.AttributeIds.Value, value)
        status.check()


def _moment(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
