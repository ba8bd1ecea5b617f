"""The short way of plain chunks against a connection of asyncua's own, and what of asyncua it stands on."""

from __future__ import annotations

import asyncio
import inspect
import struct
from itertools import zip_longest
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.ua_client import UASocketProtocol
from asyncua.common.connection import MessageChunk, SecureConnection
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import Cryptography, SecurityPolicyBasic256Sha256
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from factory_kit.drivers.opcua.binary.channel import HEADER, PlainProtocol
from factory_kit.drivers.opcua.binary.requests import ReadRequest, encoded_publish
from factory_kit.drivers.opcua.client import ReadingProtocol


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def connection() -> tuple[Any, Wire]:
    """A connection with an open channel 7 and token 3, and one request waiting, number 5."""
    line, wire = PlainProtocol(), Wire()
    line.connection_made(wire)
    token = ua.ChannelSecurityToken(7, 3, RevisedLifetime=60_000)
    line._connection.security_token = token
    line._connection._open = True
    line._callbackmap[5] = asyncio.get_running_loop().create_future()
    return line, wire


def chunk(body: bytes, number: int, *, kind: bytes = b"F", channel: int = 7, token: int = 3, request: int = 5) -> bytes:
    """One chunk of an answer."""
    return HEADER.pack(b"MSG" + kind, HEADER.size + len(body), channel, token, number, request) + body


def heard(*pieces: bytes) -> tuple[bytes | None, bool]:
    """What request 5 is answered when *pieces* arrive one by one, and whether the connection was ended."""

    async def main() -> tuple[bytes | None, bool]:
        line, wire = connection()
        waiting = line._callbackmap[5]
        for piece in pieces:
            line.data_received(piece)
        return bytes(waiting.result()) if waiting.done() and not waiting.exception() else None, wire.closed

    return asyncio.run(main())


def test_an_answer_in_many_chunks_and_pieces_is_whole() -> None:
    """However the bytes arrive, split inside headers too, or two chunks at once."""
    stream = chunk(b"abc", 1, kind=b"C") + chunk(b"def", 2, kind=b"C") + chunk(b"ghi", 3)

    assert heard(stream) == (b"abcdefghi", False)
    assert heard(*(stream[at : at + 1] for at in range(len(stream)))) == (b"abcdefghi", False)
    assert heard(stream[:30], stream[30:31], stream[31:]) == (b"abcdefghi", False)


@pytest.mark.parametrize(
    "wrong",
    [
        chunk(b"x", 1, channel=8),
        chunk(b"x", 1, token=9),
        chunk(b"a", 1, kind=b"C") + chunk(b"b", 3),
        chunk(b"x", 1, kind=b"?"),
        chunk(b"x", 1, request=99),
        struct.pack("<4sI", b"MSGF", 8),
        struct.pack("<4sI", b"MSGF", 3),
        struct.pack("<4sI", b"ACKF", 3),
        struct.pack("<4sI", b"ACKF", 0),
        b"XYZF" + struct.pack("<I", 8),
        b"\x00\x01\x00\x00\x00\x03\x01\x83\x02",
    ],
)
def test_a_chunk_that_cannot_be_ends_the_connection(wrong: bytes) -> None:
    """Another channel or token, a number left out, an unknown kind, an answer to nothing, a size that is none, Modbus."""
    assert heard(wrong) == (None, True)


def test_the_numbers_of_chunks_may_begin_anew() -> None:
    """Close to 2**32 they count from the beginning again (OPC 10000-6, 6.7.2)."""
    assert heard(chunk(b"a", 2**32 - 3, kind=b"C"), chunk(b"b", 1)) == (b"ab", False)


def test_an_answer_that_is_given_up_is_an_error_for_whoever_waits() -> None:
    """The parts before the abort are forgotten; the next answer is not mixed with them."""

    async def main() -> None:
        line, wire = connection()
        first = line._callbackmap[5]
        second = line._callbackmap[6] = asyncio.get_running_loop().create_future()
        line.data_received(chunk(b"half", 1, kind=b"C"))
        line.data_received(chunk(struct.pack("<Ii", 0x80B80000, -1), 2, kind=b"A"))
        line.data_received(chunk(b"whole", 3, request=6))
        with pytest.raises(ua.UaStatusCodeError) as caught:
            first.result()
        assert caught.value.code == 0x80B80000
        assert bytes(second.result()) == b"whole"
        assert not wire.closed

    asyncio.run(main())


def test_chunks_of_two_answers_may_stand_between_each_other() -> None:
    """Each answer is made of its own chunks, also where the other one is aborted; what is half there is counted."""

    async def main() -> None:
        line, wire = connection()
        first = line._callbackmap[5]
        second, third = (asyncio.get_running_loop().create_future() for _each in range(2))
        line._callbackmap |= {6: second, 7: third}
        line.data_received(chunk(b"abc", 1, kind=b"C") + chunk(b"12", 2, request=6, kind=b"C"))
        line.data_received(chunk(b"xy", 3, request=7, kind=b"C"))
        assert line._connection._incoming_size == 3 * HEADER.size + 7
        line.data_received(chunk(b"def", 4) + chunk(struct.pack("<Ii", 0x80B80000, -1), 5, request=7, kind=b"A"))
        assert line._connection._incoming_size == HEADER.size + 2
        line.data_received(chunk(b"34", 6, request=6))
        assert (bytes(first.result()), bytes(second.result())) == (b"abcdef", b"1234")
        assert isinstance(third.exception(), ua.UaStatusCodeError)
        assert (line._connection._incoming_size, wire.closed) == (0, False)

    asyncio.run(main())


def secured(mode: Any) -> Any:
    """Both ends' Basic256Sha256 in *mode*, its keys made as in OPC 10000-6, 6.7.5; no certificate is needed after the opening."""
    policy = SecurityPolicyBasic256Sha256.__new__(SecurityPolicyBasic256Sha256)
    policy.symmetric_cryptography = Cryptography(mode)
    policy.make_local_symmetric_key(b"s" * 32, b"c" * 32)
    policy.make_remote_symmetric_key(b"s" * 32, b"c" * 32, 60_000)
    return policy


@pytest.mark.parametrize("mode", [ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt])
def test_signed_chunks_of_two_answers_may_stand_between_each_other(mode: Any) -> None:
    """On a channel that signs or encrypts, too: each answer is its own, an aborted one spoils no other, what is half there is counted."""
    bodies = {5: b"a" * 20_000, 6: b"b" * 30_000, 7: b"c" * 20_000}
    policy = secured(mode)

    async def main() -> None:
        line, wire = connection()
        line._connection.security_policy = secured(mode)
        waiting = {request: asyncio.get_running_loop().create_future() for request in bodies}
        line._callbackmap |= waiting
        chunks = [
            MessageChunk.message_to_chunks(policy, body, 8192, channel_id=7, request_id=request, token_id=3)
            for request, body in bodies.items()
        ]
        chunks[2][1:] = []
        chunks[2] += MessageChunk.message_to_chunks(
            policy, struct.pack("<Ii", 0x80B80000, -1), 8192, channel_id=7, request_id=7, token_id=3
        )
        chunks[2][1].MessageHeader.ChunkType = ua.ChunkType.Abort
        mixed = [one for turn in zip_longest(*chunks) for one in turn if one is not None]
        for number, one in enumerate(mixed, 1):
            one.SequenceHeader.SequenceNumber = number
            line.data_received(one.to_binary())
            if number == 3:
                assert line._connection._incoming_size == sum(len(each.Body) for each in mixed[:3])
        assert [bytes(waiting[request].result()) for request in (5, 6)] == [bodies[5], bodies[6]]
        assert (line._connection._incoming_size, line._connection._begun, wire.closed) == (0, {}, False)

    asyncio.run(main())


def test_the_next_token_is_taken_up() -> None:
    """A channel that is renewed in the middle of the stream goes on."""

    async def main() -> None:
        line, _wire = connection()
        waiting = line._callbackmap[5]
        line._connection.next_security_token = ua.ChannelSecurityToken(7, 4, RevisedLifetime=60_000)
        line.data_received(chunk(b"a", 1, kind=b"C"))
        line.data_received(chunk(b"b", 2, token=4))
        assert bytes(waiting.result()) == b"ab"
        assert line._connection.security_token.TokenId == 4

    asyncio.run(main())


def test_publish_requests_are_encoded_as_asyncua_encodes_them() -> None:
    """Byte for byte, with acknowledgements and without."""
    for numbers in ([], [(1, 2), (1, 3), (7, 2**32 - 1)]):
        request = ua.PublishRequest()
        request.RequestHeader.AuthenticationToken = ua.NodeId("session", 2)
        request.RequestHeader.RequestHandle, request.RequestHeader.TimeoutHint = 9, 5000
        request.Parameters.SubscriptionAcknowledgements = [ua.SubscriptionAcknowledgement(*each) for each in numbers]

        assert encoded_publish(request) == struct_to_binary(request)


def test_prepared_reads_are_encoded_as_asyncua_encodes_them() -> None:
    """Byte for byte; the second time only the header is another."""
    nodes = [ua.NodeId(2258), ua.NodeId("Temperature", 3), ua.NodeId(b"\x01", 1), ua.NodeId(70_000, 2)]
    ours, theirs = ReadRequest(nodes, [4, 5, 6, 7]), ua.ReadRequest()
    theirs.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    theirs.Parameters.NodesToRead = [ua.ReadValueId(each, ua.AttributeIds.Value) for each in nodes]
    for handle in (1, 2):
        ours.RequestHeader.RequestHandle = theirs.RequestHeader.RequestHandle = handle
        ours.RequestHeader.Timestamp = theirs.RequestHeader.Timestamp

        assert ours.encoded() == struct_to_binary(theirs)


def test_a_request_is_sent_as_asyncua_sends_it() -> None:
    """The same chunk, and the numbers of both ways go on from each other."""

    async def main() -> None:
        line, wire = connection()
        line._send_request(ua.PublishRequest())
        line._send_request(ua.BrowseRequest())
        line._send_request(ua.PublishRequest())
        sent = [HEADER.unpack_from(each) for each in wire.written]
        assert [each[4:] for each in sent] == [(1, 1), (2, 2), (3, 3)]
        assert [
            (each[0], each[1] == len(data), each[2], each[3]) for each, data in zip(sent, wire.written, strict=True)
        ] == [(b"MSGF", True, 7, 3)] * 3
        handles = [
            struct_from_binary(ua.RequestHeader, Buffer(data[HEADER.size + 4 :])).RequestHandle for data in wire.written
        ]
        assert handles == [1, 2, 3]

    asyncio.run(main())


def test_a_service_that_fails_is_an_error_for_whoever_asked() -> None:
    """A ServiceFault is raised by its name; so is the end of the connection."""

    async def main() -> None:
        line, wire = connection()
        fault = ua.ServiceFault()
        fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadNoSubscription)
        asked = asyncio.create_task(line.ask(ua.PublishRequest()))
        await asyncio.sleep(0)
        line.data_received(chunk(struct_to_binary(fault), 1, request=HEADER.unpack_from(wire.written[-1])[5]))
        with pytest.raises(ua.uaerrors.BadNoSubscription):
            await asked
        asked = asyncio.create_task(line.ask(ua.PublishRequest()))
        await asyncio.sleep(0)
        line.connection_lost(None)
        with pytest.raises(ConnectionError):
            await asked
        with pytest.raises(ConnectionError):
            await line.ask(ua.PublishRequest())

    asyncio.run(main())


def test_what_we_stand_on_is_still_there() -> None:
    """Versions of asyncua differ inside; whoever raises it sees here what to look at."""
    assert issubclass(ReadingProtocol, PlainProtocol)
    assert list(inspect.signature(UASocketProtocol._send_request).parameters) == [
        "self",
        "request",
        "timeout",
        "message_type",
    ]
    assert list(inspect.signature(UASocketProtocol._setup_request_header).parameters) == ["self", "hdr", "timeout"]
    assert list(inspect.signature(UASocketProtocol._call_callback).parameters) == ["self", "request_id", "body"]
    assert list(inspect.signature(SecureConnection._check_sym_header).parameters) == ["self", "security_hdr"]
    assert list(inspect.signature(SecureConnection.message_to_binary).parameters) == [
        "self",
        "message",
        "message_type",
        "request_id",
    ]
    assert list(inspect.signature(SecureConnection._receive).parameters) == ["self", "msg"]
    assert list(inspect.signature(SecureConnection.__init__).parameters) == ["self", "security_policy", "limits"]
    line = UASocketProtocol()
    for name in ("receive_buffer", "_request_id", "_callbackmap", "_connection"):
        assert hasattr(line, name)
    for name in (
        "_sequence_number",
        "_peer_sequence_number",
        "_incoming_parts",
        "_incoming_size",
        "_limits",
        "security_token",
    ):
        assert hasattr(line._connection, name)
