"""What a server answers to Publish, Republish and Read, as columns.

The three functions here are the only place where the bodies of these answers are decoded, all by our own decoder (``binary``):
it is some hundred times as fast as asyncua's, which builds an object for every field, and it believes no length and no count
that the bytes do not bear out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from asyncua import ua

from factory_kit.drivers.opcua.binary import messages
from factory_kit.drivers.opcua.binary.columns import Columns, microseconds_of, one_after_the_other
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.values import batch_of
from factory_kit.model.sample import Int32, SampleBatch

__all__ = ["NO_PARTS", "Published", "nothing", "published", "read_answer", "republished"]

NO_PARTS = Parts()
"""All items mean whole values."""


@dataclass(frozen=True, slots=True)
class Published:
    """One notification: ``batch.point`` holds client handles. ``has_data`` is False for a sign of life.

    ``sequence`` is the number of this notification, or of the next one where this is a sign of life; ``moment`` when the
    server published it (µs UTC, 0 where unknown); ``ended`` the status with which the server ends the subscription; ``more``
    whether it says that more waits, or cannot say so.
    """

    subscription: int
    sequence: int
    moment: int
    has_data: bool
    batch: SampleBatch
    ended: int | None = None
    more: bool = False


def published(body: Any, received: int, parts: Parts = NO_PARTS) -> Published:
    """The answer to Publish in *body* (asyncua's buffer at the type of the response); *received* in µs UTC. ``Malformed``."""
    answer = messages.published(bytes(body))
    ua.StatusCode(answer.service_result).check()
    return _told(answer.subscription, answer.notification, received, parts, more=answer.more)


def republished(body: Any, subscription: int, received: int, parts: Parts = NO_PARTS) -> Published:
    """The answer to Republish in *body*. ``Malformed``."""
    result, notification = messages.republished(bytes(body))
    ua.StatusCode(result).check()
    return _told(subscription, notification, received, parts, more=True)


def read_answer(
    body: Any, handles: Int32 | Sequence[int], received: int, parts: Parts = NO_PARTS
) -> tuple[SampleBatch, int]:
    """The values in *body*, an answer to Read, for *handles* in their order; and how many there are. ``Malformed``."""
    result, found = messages.read_answer(bytes(body))
    ua.StatusCode(result).check()
    count = len(found)
    taken = found.first(min(count, len(handles)))
    batch = batch_of(taken, received)
    batch.point[:] = np.asarray(handles, np.int32)[: len(batch)]
    return parts.filled(batch, taken.others), count


def nothing(received: int) -> SampleBatch:
    """A batch without samples."""
    return batch_of(one_after_the_other(()), received)


def _told(subscription: int, told: messages.Notification, received: int, parts: Parts, *, more: bool) -> Published:
    changes = one_after_the_other([part for part in told.parts if isinstance(part, Columns)])
    ended = [part for part in told.parts if isinstance(part, int)]
    return Published(
        subscription=subscription,
        sequence=told.sequence,
        moment=int(microseconds_of(np.array([told.published]))[0]),
        has_data=not told.empty,
        batch=parts.filled(batch_of(changes, received), changes.others),
        ended=ended[-1] if ended else None,
        more=more,
    )
