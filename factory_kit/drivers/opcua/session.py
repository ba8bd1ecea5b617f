"""Opening a session the safe way: policy chosen, server certificate checked against the pinned one, no password in the open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asyncua import ua
from asyncua.crypto.uacrypto import CertProperties

from factory_kit.drivers.base import Context
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.errors import mapped, status_name
from factory_kit.drivers.opcua.security import ALL_POLICIES, MODES, Offer, best, offers, own_certificate, require_trust
from factory_kit.drivers.opcua.tokens import activate, require_secret
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable
from factory_kit.model.site import OpcUaServer

__all__ = ["TurnedAway", "ask_offers", "open_session", "same_session"]

APPLICATION_URI = "urn:factory-kit"
"""Where no certificate names another."""
CONNECT_S = 2.5
"""Long enough for two tries of TCP; a cable that is plugged in again is not waited for longer."""
REQUEST_S = 10.0
"""Patience for one answer: slow controllers take seconds."""
FORGOTTEN = frozenset(
    {"BadSessionIdInvalid", "BadSessionClosed", "BadSessionNotActivated", "BadIdentityChangeNotSupported"}
)
"""What a server answers to ActivateSession when there is no session to go on with."""


async def ask_offers(server: OpcUaServer, context: Context) -> list[Offer]:
    """How *server* offers to speak, asked without a session."""
    client = _client(server, context, lambda: None)
    with mapped(server.address):
        await _hello(client, server)
        try:
            return offers(await client.get_endpoints())
        finally:
            await client.disconnect_sessionless()


async def open_session(
    name: str, server: OpcUaServer, context: Context, lost: Callable[[], None]
) -> tuple[ReadingClient, str]:
    """A client with an active session, and the product URI the server's endpoints declare. *lost* is told of a break.

    ``DeviceRefused`` for everything that only people can change; then nothing stays open.
    """
    require_secret(name, server, context)  # refused before anything is sent
    client = _client(server, context, lost)
    if server.security != "None":
        await _secure(client, name, server, context)
    try:
        with mapped(server.address):
            await _hello(client, server)
            uri = await _new_session(client, name, server, context)
    except BaseException:
        await close(client)
        raise
    return client, uri


class TurnedAway(Exception):
    """The server was there, but did not let us back into our session: *error* says why."""

    def __init__(self, error: DeviceError) -> None:
        super().__init__(str(error))
        self.error = error


async def same_session(client: ReadingClient, name: str, server: OpcUaServer, context: Context) -> bool:
    """A new channel under the session that *client* had; False when the server made it a new one because it forgot the old.

    ``DeviceUnavailable`` when nobody answers; then *client* may be tried again. ``TurnedAway`` when somebody does.
    """
    client.disconnect_socket()
    with mapped(server.address):
        await _greet(client, server)
    try:
        with mapped(server.address):
            await client.open_secure_channel()
            return await _reactivated(client, name, server, context)
    except DeviceError as error:
        client.disconnect_socket()
        if error.retry and isinstance(error.__cause__, TimeoutError):
            raise
        raise TurnedAway(error) from error
    except BaseException:
        client.disconnect_socket()
        raise


async def _reactivated(client: ReadingClient, name: str, server: OpcUaServer, context: Context) -> bool:
    session = client.uaclient.session
    session.rebind_authentication_token()
    try:
        await activate(client, name, server, context)
    except ua.UaStatusCodeError as error:
        if status_name(error.code) not in FORGOTTEN:
            raise
        session.reset_authentication_token()
        await _new_session(client, name, server, context)
        return False
    return True


async def _new_session(client: ReadingClient, name: str, server: OpcUaServer, context: Context) -> str:
    """A session on the open channel of *client*; the product URI the server's endpoints declare."""
    created = await client.create_session()
    await activate(client, name, server, context)
    return next(
        (str(endpoint.Server.ProductUri) for endpoint in created.ServerEndpoints if endpoint.Server.ProductUri), ""
    )


async def close(client: ReadingClient) -> None:
    """The session, its subscriptions and the connection are closed, within a short time and without an error."""
    try:
        if client.uaclient.protocol is not None and not client.uaclient.protocol.is_closed:
            await asyncio.wait_for(client.disconnect(), CONNECT_S)
        else:
            await client.close_session()  # ends its tasks; nothing is sent
    except Exception:  # noqa: BLE001, S110 - the connection is given up either way
        pass
    finally:
        client.disconnect_socket()


def _client(server: OpcUaServer, context: Context, lost: Callable[[], None]) -> ReadingClient:
    client = ReadingClient(server.url, REQUEST_S, lambda service: context.count(server.address, service), lost)
    client.application_uri = APPLICATION_URI
    client.session_timeout = server.session_timeout_s * 1000
    return client


async def _hello(client: ReadingClient, server: OpcUaServer) -> None:
    """A secure channel."""
    await _greet(client, server)
    try:
        await client.open_secure_channel()
    except BaseException:
        client.disconnect_socket()
        raise


async def _greet(client: ReadingClient, server: OpcUaServer) -> None:
    """A connection; whoever answers but cannot say hello is no OPC UA server."""
    await asyncio.wait_for(client.connect_socket(), CONNECT_S)
    try:
        if client.uaclient.protocol is None or client.uaclient.protocol.is_closed:
            raise ConnectionResetError("the connection was ended at once")
        await client.send_hello()
    except (TimeoutError, ConnectionError) as error:
        client.disconnect_socket()
        raise DeviceUnavailable(
            "{address}: somebody answers there, but not in OPC UA; check the port", address=server.address
        ) from error


async def _secure(client: ReadingClient, name: str, server: OpcUaServer, context: Context) -> None:
    if context.certificates is None:
        raise DeviceRefused(
            "{address}: encryption needs a folder for certificates; none was given", address=server.address
        )
    offer = best(await ask_offers(server, context), server)
    require_trust(context.certificates, name, server, offer.certificate)
    own = await asyncio.to_thread(own_certificate, context.certificates, context.now())
    client.application_uri = own.uri
    with mapped(server.address):
        await client.set_security(
            ALL_POLICIES[offer.policy],
            certificate=CertProperties(own.certificate, "der"),
            private_key=CertProperties(own.key, "pem"),
            server_certificate=CertProperties(offer.certificate, "der"),
            mode=MODES[offer.mode],
        )
