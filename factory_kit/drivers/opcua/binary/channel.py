"""The chunks of a channel without encryption, in and out, past asyncua's objects for each of their fields.

Encrypted chunks, and every message but the answers to requests, stay with asyncua, as does all that a channel knows: its tokens,
its numbers and the requests that wait. Only requests that are sent many times a second are encoded here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import Any

from asyncua import ua
from asyncua.client.ua_client import UASocketProtocol
from asyncua.common.connection import SecureConnection
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import CryptographyNone

from factory_kit.drivers.opcua.binary.requests import ReadRequest, encoded_publish
from factory_kit.drivers.opcua.binary.wire import U32

__all__ = ["PlainProtocol"]

SMALLEST = 8
"""Type, kind of chunk and size."""
HEADER = Struct("<4sIIIII")
"""Type and kind of chunk, size, channel, token, number of the chunk, and of the request (OPC 10000-6, 6.7.2)."""
WRAPS_BEFORE, WRAPS_TO = (1 << 32) - 1024, 1024
MESSAGE = b"MSG"
FAULT = b"\x01\x00\x8d\x01"
"""The type of a ServiceFault, as every server encodes it; any other encoding of it is no PublishResponse either."""
KNOWN = frozenset({MESSAGE, b"ACK", b"ERR", b"OPN", b"CLO", b"HEL", b"RHE"})
"""What a message of OPC UA TCP begins with (OPC 10000-6, 7.1.2.2)."""
ENCODERS: dict[type, Callable[[Any], bytes]] = {ua.PublishRequest: encoded_publish, ReadRequest: ReadRequest.encoded}


class _Connection(SecureConnection):  # type: ignore[misc] # asyncua has no type information
    """asyncua's channel, for the chunks it takes itself: those of one answer may stand between those of another (OPC 10000-6, 6.7.2)."""

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self._incoming_size: int = 0
        self._begun: dict[int, tuple[list[Any], int]] = {}
        """Chunks of answers whose end has not come, and their bytes, by request."""

    def _receive(self, msg: Any) -> Any:
        """The message that the chunk *msg* ends, made of the chunks of its own request; None where it ends none."""
        request = msg.SequenceHeader.RequestId
        parts, size = self._begun.pop(request, ([], 0))
        left = self._incoming_size - size
        self._incoming_parts, self._incoming_size = parts, size
        message = super()._receive(msg)
        if self._incoming_parts:
            self._begun[request] = self._incoming_parts, self._incoming_size
        self._incoming_parts, self._incoming_size = [], left + self._incoming_size
        return message


class PlainProtocol(UASocketProtocol):  # type: ignore[misc] # asyncua has no type information
    """asyncua's connection with a shorter way for plain chunks. What waits for its end is in ``receive_buffer``."""

    def __init__(self, *rest: Any, **options: Any) -> None:
        super().__init__(*rest, **options)
        self._connection: Any = _Connection(self._connection.security_policy, self._connection._limits)  # noqa: SLF001
        self.receive_buffer: bytes | None = None
        self._request_id: int = 0
        self._parts: dict[int, list[bytes]] = {}
        """What came of answers whose end has not come, by request: the chunks of one may stand between those of another."""

    def data_received(self, data: bytes) -> None:
        """Whole chunks are taken from what came. A chunk that cannot be ends the connection, as with asyncua."""
        if self.receive_buffer:
            data = self.receive_buffer + data
        self.receive_buffer = None
        at, end = 0, len(data)
        while end - at >= SMALLEST:
            size: int = U32.unpack_from(data, at + 4)[0]
            if data[at : at + 3] not in KNOWN:
                self._take(
                    b""
                )  # whoever speaks another language is not waited for, whatever its bytes seem to announce
                return
            if end - at < size:
                break
            chunk = data if size == end and not at else data[at : at + size]
            at += size
            if size < SMALLEST or (chunk[:3] == MESSAGE and self._is_plain()):
                self._take(chunk)
            else:
                self._process_received_data(chunk)
            if self.transport is None or self.transport.is_closing():
                return
        if at < end:
            self.receive_buffer = data[at:]

    def _is_plain(self) -> bool:
        return type(self._connection.security_policy.symmetric_cryptography) is CryptographyNone

    def _take(self, chunk: bytes) -> None:
        """One chunk of an answer."""
        try:
            self._take_checked(chunk)
        except Exception:
            self.logger.exception("a chunk that cannot be")
            self._parts.clear()
            self.disconnect_socket()

    def _take_checked(self, chunk: bytes) -> None:
        if len(chunk) < HEADER.size:
            raise ua.UaError("a chunk shorter than its header")
        kind, _size, channel, token, number, request = HEADER.unpack_from(chunk)
        self._check(channel, token, number)
        part = chunk[HEADER.size :]
        if kind[3:] == b"C":
            self._parts.setdefault(request, []).append(part)
            # Each chunk counts whole: kept, even an empty one is more than its bytes.
            self._connection._incoming_size += len(chunk)  # noqa: SLF001 - the counters stay asyncua's
            return
        if kind[3:] == b"A":
            self._begun(request)
            self._aborted(request, chunk)
            return
        if kind[3:] != b"F":
            raise ua.UaError("a chunk of an unknown kind")
        self._call_callback(request, Buffer(b"".join((*self._begun(request), part)) if self._parts else part))

    def _begun(self, request: int) -> list[bytes]:
        """What came of the answer to *request*; it is no longer kept."""
        parts = self._parts.pop(request, [])
        left = sum(HEADER.size + len(part) for others in self._parts.values() for part in others)
        self._connection._incoming_size = left  # noqa: SLF001
        return parts

    def _check(self, channel: int, token: int, number: int) -> None:
        """What asyncua checks of a chunk: its channel, its token, and that none before it is missing."""
        connection = self._connection
        if channel != connection.security_token.ChannelId:
            raise ua.UaError("a chunk of another channel")
        if token != connection.security_token.TokenId:
            connection._check_sym_header(ua.SymmetricAlgorithmHeader(token))  # noqa: SLF001 - may begin to use the next token
        before = connection._peer_sequence_number  # noqa: SLF001
        wraps = before is not None and before >= WRAPS_BEFORE and number < WRAPS_TO
        if before is not None and number != before + 1 and not wraps:
            raise ua.UaError("a chunk is missing")
        connection._peer_sequence_number = number  # noqa: SLF001

    def _aborted(self, request: int, chunk: bytes) -> None:
        """The server cannot finish an answer; whoever waits for it learns why (OPC 10000-6, 6.7.3)."""
        waiting = self._callbackmap.pop(request, None)
        code = U32.unpack_from(chunk, HEADER.size)[0] if len(chunk) >= HEADER.size + 4 else ua.StatusCodes.Bad
        if waiting is not None and not waiting.done():
            waiting.set_exception(ua.UaStatusCodeError(code))

    async def ask(self, request: Any) -> Any:
        """The answer to *request*, whenever it comes; like ``send_request``, with no more around it than that needs."""
        if self.pre_request_hook is not None:
            await self.pre_request_hook()
        answer = await self._send_request(request, 0)
        if bytes(answer)[: len(FAULT)] == FAULT:
            self.check_answer(answer, "")
        return answer

    def _send_request(
        self, request: Any, timeout: float = 1, message_type: Any = ua.MessageType.SecureMessage
    ) -> asyncio.Future[Any]:
        encode = ENCODERS.get(type(request))
        if encode is None or self.transport is None:
            sent: asyncio.Future[Any] = super()._send_request(request, timeout, message_type)
            return sent
        self._setup_request_header(request.RequestHeader, timeout)
        body = encode(request)
        self.revolve_security_token()
        number = self._request_id + 1
        message = self._message(body, number)
        self._request_id = number
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._callbackmap[number] = future
        self.transport.write(message)
        return future

    def _message(self, body: bytes, request: int) -> bytes:
        connection = self._connection
        size = HEADER.size + len(body)
        if size > connection._limits.max_send_buffer or not self._is_plain():  # noqa: SLF001
            message: bytes = connection.message_to_binary(body, request_id=request)
            return message
        connection._sequence_number += 1  # noqa: SLF001
        if connection._sequence_number >= 1 << 32:  # noqa: SLF001
            connection._sequence_number = 1  # noqa: SLF001
        token = connection.security_token
        return HEADER.pack(b"MSGF", size, token.ChannelId, token.TokenId, connection._sequence_number, request) + body  # noqa: SLF001
