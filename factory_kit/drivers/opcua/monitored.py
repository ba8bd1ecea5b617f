"""The monitored items of a subscription: what is asked for, and what less a server may be content with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from asyncua import ua

from factory_kit.drivers.base import Monitored, NodeItem
from factory_kit.drivers.opcua.errors import TOO_MUCH, status_name
from factory_kit.drivers.opcua.limits import CallSize

__all__ = ["CROWDED", "FULL", "watch"]

CROWDED = frozenset({"BadTooManyMonitoredItems"})
"""What a server answers for an item that is one too many in its subscription; another subscription may take it."""
FULL = CROWDED | {"BadOutOfMemory", "BadResourceUnavailable", "BadTooManyOperations"}
"""What a server answers for an item that is one too many; it can still be read."""
NO_FILTER = frozenset(
    {
        "BadFilterNotAllowed",
        "BadMonitoredItemFilterInvalid",
        "BadMonitoredItemFilterUnsupported",
        "BadDeadbandFilterInvalid",
    }
)
"""What a server answers that cannot be told what makes a new sample."""
Trigger = Literal["timestamp", "value"]


async def watch(
    session: Any, subscription: int, nodes: Mapping[int, tuple[ua.NodeId, NodeItem]], trigger: Trigger, size: CallSize
) -> dict[int, Monitored]:
    """What the server makes of each of *nodes*, by place. An item whose deadband or trigger it refuses is watched without."""
    monitored: dict[int, Monitored] = {}
    wanted = dict(nodes)
    for wish in (_whole, _without_deadband, _plain):
        if not wanted:
            break
        requests = {place: _request(place, node, item, wish(item, trigger)) for place, (node, item) in wanted.items()}
        monitored |= await _created(session, subscription, requests, size)
        wanted = {place: wanted[place] for place in requests if monitored[place].reason in NO_FILTER}
    return monitored


async def _created(
    session: Any, subscription: int, requests: Mapping[int, ua.MonitoredItemCreateRequest], size: CallSize
) -> dict[int, Monitored]:
    async def create(part: Sequence[int]) -> list[Any]:
        parameters = ua.CreateMonitoredItemsParameters(
            SubscriptionId=subscription, TimestampsToReturn=ua.TimestampsToReturn.Both
        )
        parameters.ItemsToCreate = [requests[place] for place in part]
        try:
            answers = await session.create_monitored_items(parameters)
        except ua.UaStatusCodeError as error:
            if len(part) > 1 or status_name(error.code) not in TOO_MUCH:
                raise
            return [_refused(int(error.code))]  # not even one more
        return [_monitored(answer) for answer in answers]

    return dict(zip(requests, await size.calls(list(requests), create), strict=True))


def _request(place: int, node: ua.NodeId, item: NodeItem, wish: Any) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=place,
            SamplingInterval=item.sampling_ms,
            QueueSize=item.queue_size,
            DiscardOldest=item.keep_newest,
            Filter=wish,
        ),
    )


def _whole(item: NodeItem, trigger: Trigger) -> Any:
    """With a deadband the source time alone never makes news (OPC 10000-4, 7.22.2), so it is not asked for."""
    if not item.deadband:
        return _without_deadband(item, trigger)
    return ua.DataChangeFilter(
        Trigger=ua.DataChangeTrigger.StatusValue,
        DeadbandType=int(ua.DeadbandType.Percent if item.percent else ua.DeadbandType.Absolute),
        DeadbandValue=item.deadband,
    )


def _without_deadband(item: NodeItem, trigger: Trigger) -> Any:
    """A new source time makes a new sample, also of the same value."""
    if trigger == "timestamp":
        return ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
    return _plain(item, trigger)


def _plain(_item: NodeItem, _trigger: Trigger) -> Any:
    return ua.ExtensionObject()


def _monitored(answer: Any) -> Monitored:
    if answer.StatusCode.is_good():
        return Monitored(0, "", float(answer.RevisedSamplingInterval), int(answer.RevisedQueueSize))
    return _refused(int(answer.StatusCode.value))


def _refused(status: int) -> Monitored:
    return Monitored(status, status_name(status))
