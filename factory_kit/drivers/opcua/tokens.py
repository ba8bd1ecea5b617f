"""Who we are to a server: nobody, a user with a password, or a user with a certificate. A secret never leaves in the open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asyncua import ua
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from factory_kit.drivers.base import Context, password_variable
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.errors import DeviceRefused
from factory_kit.model.site import OpcUaServer

__all__ = ["activate", "require_secret"]

NO_POLICY = "http://opcfoundation.org/UA/SecurityPolicy#None"


def require_secret(name: str, server: OpcUaServer, context: Context) -> None:
    """Nothing, when what the site's user proves itself by is at hand; ``DeviceRefused`` before anything is sent otherwise."""
    if server.user_certificate:
        _user_certificate(name, server, context)
    elif server.user:
        _password(name, server, context)


async def activate(client: ReadingClient, name: str, server: OpcUaServer, context: Context) -> None:
    """The session of *client* belongs to the site's user from now on."""
    if server.user_certificate:
        _require_kind(client, server, ua.UserTokenType.Certificate)
        certificate, key = _user_certificate(name, server, context)
        client.user_private_key = key
        await client.activate_session(certificate=certificate)
    elif server.user:
        _require_kind(client, server, ua.UserTokenType.UserName)
        _check_plain(client, server)
        await client.activate_session(username=server.user, password=_password(name, server, context))
    else:
        _require_kind(client, server, ua.UserTokenType.Anonymous)
        await client.activate_session()


def _require_kind(client: ReadingClient, server: OpcUaServer, kind: Any) -> None:
    """The server takes users of *kind* at this endpoint. One that says nothing about users takes anybody."""
    taken = {policy.TokenType for policy in client._policy_ids or ()}  # noqa: SLF001 - asyncua keeps what the endpoint said there
    if taken and kind not in taken:
        raise DeviceRefused(
            "{address}: takes users by {taken}, the site file gives {given}; correct user or user_certificate there",
            address=server.address,
            taken=", ".join(sorted(each.name.rstrip("_") for each in taken)),
            given=kind.name.rstrip("_"),
        )


def _password(name: str, server: OpcUaServer, context: Context) -> str:
    if server.security == "None":
        raise DeviceRefused(
            "{address}: the password of {user} is never sent without encryption; change security in the site file",
            address=server.address,
            user=server.user,
        )
    password = context.secret(name)
    if password is None:
        variable = password_variable(name)
        raise DeviceRefused(
            "{address}: no password for {user}; set {variable}",
            address=server.address,
            user=server.user,
            variable=variable,
        )
    return password


def _check_plain(client: ReadingClient, server: OpcUaServer) -> None:
    """Refuse to send a password that neither its own policy nor the channel would encrypt."""
    policy: Any = client.server_policy(ua.UserTokenType.UserName)
    if policy.SecurityPolicyUri == NO_POLICY and client.security_policy.Mode != ua.MessageSecurityMode.SignAndEncrypt:
        raise DeviceRefused(
            "{address}: the server wants the password of {user} in plain text on a channel that only signs; use mode SignAndEncrypt",
            address=server.address,
            user=server.user,
        )


def _user_certificate(name: str, server: OpcUaServer, context: Context) -> tuple[x509.Certificate, Any]:
    """The user's certificate and key out of the folder ``users`` beside ours."""
    if server.security == "None":
        raise DeviceRefused(
            "{address}: a user certificate needs encryption; change security in the site file", address=server.address
        )
    if context.certificates is None:
        raise DeviceRefused(
            "{address}: encryption needs a folder for certificates; none was given", address=server.address
        )
    place = context.certificates / "users" / str(server.user_certificate)
    try:
        content = place.with_name(f"{place.name}.der").read_bytes()
        key = place.with_name(f"{place.name}.key").read_bytes()
    except OSError as error:
        raise DeviceRefused(
            "{address}: the user certificate cannot be read ({file}: {reason}); put its .der and .key (PEM) there",
            address=server.address,
            file=Path(str(error.filename)).name,
            reason=error.strerror,
        ) from error
    return _loaded(name, server, context, content, key)


def _loaded(
    name: str, server: OpcUaServer, context: Context, content: bytes, key: bytes
) -> tuple[x509.Certificate, Any]:
    locked = b"ENCRYPTED" in key
    secret = context.secret(name) if locked else None
    try:
        certificate = x509.load_der_x509_certificate(content)
        private = serialization.load_pem_private_key(key, secret.encode() if secret else None)
    except (ValueError, TypeError) as error:
        raise DeviceRefused(
            "{address}: the user certificate {certificate} or its key cannot be used; expected DER and PEM, and {variable} for a locked key",
            address=server.address,
            certificate=server.user_certificate,
            variable=password_variable(name),
        ) from error
    return certificate, private
