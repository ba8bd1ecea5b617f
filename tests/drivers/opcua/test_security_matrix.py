"""Every security policy and mode with every kind of user, against two servers that share no code with each other."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time_ns
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from factory_kit.collect.authorise import in_the_open
from factory_kit.drivers.base import Context
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.drivers.opcua.security import offers, own_certificate, pin
from factory_kit.drivers.opcua.session import ask_offers
from factory_kit.errors import DeviceRefused
from factory_kit.model.site import OpcUaServer

POLICIES = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
MODES = ("Sign", "SignAndEncrypt")
USERS = ("nobody", "password", "certificate")
PLAIN = ua.SecurityPolicyType
ASYNCUA = [
    PLAIN.NoSecurity, PLAIN.Basic256Sha256_Sign, PLAIN.Basic256Sha256_SignAndEncrypt, PLAIN.Aes128Sha256RsaOaep_Sign,
    PLAIN.Aes128Sha256RsaOaep_SignAndEncrypt, PLAIN.Aes256Sha256RsaPss_Sign, PLAIN.Aes256Sha256RsaPss_SignAndEncrypt,
]  # fmt: skip


class _Users:
    """Takes anybody with the right password or with any certificate, and nobodies."""

    def get_user(
        self, _server: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> Any:
        del certificate  # asyncua hands over that of the channel, too
        if username is None or (username, password) == ("reader", "secret"):
            return User(role=UserRole.User)
        return None


@pytest.fixture(scope="module")
def asyncua_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of asyncua's that offers everything."""
    folder = tmp_path_factory.mktemp("asyncua")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Server:
        server = Server(user_manager=_Users())
        await server.init()
        server.set_endpoint("opc.tcp://127.0.0.1:0")
        await server.set_application_uri("urn:test:server")
        usage = [ExtendedKeyUsageOID.SERVER_AUTH]
        await setup_self_signed_certificate(
            folder / "k.pem", folder / "c.der", "urn:test:server", socket.gethostname(), usage, {}
        )
        await server.load_certificate(str(folder / "c.der"))
        await server.load_private_key(str(folder / "k.pem"))
        server.set_security_policy(ASYNCUA)
        server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken, ua.X509IdentityToken])
        await server.start()
        return server

    async def stop(server: Server) -> None:
        await server.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    yield f"opc.tcp://127.0.0.1:{server.bserver.port}"
    asyncio.run_coroutine_threadsafe(stop(server), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def node_url(peer: Callable[..., Any]) -> str:
    """A server of node-opcua's that offers everything."""
    started = peer(
        policies=["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"], modes=["None", *MODES]
    )
    return str(started.url)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our certificate, and with that of a user."""
    folder = tmp_path_factory.mktemp("keys")
    own_certificate(folder, time_ns() // 1000)
    (folder / "users").mkdir()
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, today = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reader")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(7)
        .not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=9))
        .add_extension(x509.KeyUsage(True, True, True, True, False, False, False, False, False), critical=True)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    (folder / "users" / "reader.der").write_bytes(made.public_bytes(serialization.Encoding.DER))
    locked = serialization.BestAvailableEncryption(b"secret")
    (folder / "users" / "reader.key").write_bytes(
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )
    return folder


def wanted(url: str, policy: str, mode: str, user: str) -> OpcUaServer:
    """A server of the site file."""
    given: dict[str, Any] = {
        "nobody": {},
        "password": {"user": "reader"},
        "certificate": {"user_certificate": "reader"},
    }[user]
    return OpcUaServer(driver="opcua", url=url, security=policy, mode=mode, **given)  # type: ignore[arg-type]


def context(keys: Path, secret: str | None = "secret") -> Context:  # noqa: S107 - of a test server
    """What a device is given."""
    return Context(now=lambda: time_ns() // 1000, secret=lambda _server: secret, certificates=keys)


def identified(server: OpcUaServer, given: Context, *, trusted: bool = True) -> str:
    """The product behind *server*, asked in a session of its own."""

    async def main() -> str:
        if trusted and given.certificates is not None:
            offered = await ask_offers(server, given)
            pin(given.certificates, server, next(each.certificate for each in offered if each.certificate))
        device = OpcUaDevice("press", server, given)
        try:
            await device.connect()
            return (await device.identify()).product
        finally:
            await device.aclose()

    return asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.wire
@pytest.mark.system
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
def test_node_opcua_lets_us_in(node_url: str, keys: Path, policy: str, mode: str, user: str) -> None:
    """Each policy in each mode carries a session for each kind of user."""
    assert identified(wanted(node_url, policy, mode, user), context(keys)) == "peer"


@pytest.mark.wire
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
def test_asyncua_lets_us_in(asyncua_url: str, keys: Path, policy: str, mode: str, user: str) -> None:
    """Each policy in each mode carries a session for each kind of user."""
    assert "FreeOpcUa" in identified(wanted(asyncua_url, policy, mode, user), context(keys))


@pytest.mark.wire
@pytest.mark.parametrize("user", ["password", "certificate"])
def test_no_secret_is_used_over_an_open_line(asyncua_url: str, keys: Path, user: str) -> None:
    """Without encryption neither a password nor a user's key is used, and nothing is sent at all."""
    sent: list[str] = []
    given = Context(lambda: 0, lambda _address, service: sent.append(service), lambda _server: "secret", keys)

    with pytest.raises(DeviceRefused, match=r"never sent without encryption|needs encryption"):
        identified(wanted(asyncua_url, "None", "None", user), given, trusted=False)
    assert sent == []


@pytest.mark.wire
@pytest.mark.parametrize("secret", ["wrong", None])
@pytest.mark.parametrize("user", ["password", "certificate"])
def test_a_wrong_or_missing_secret_is_one_line_without_it(
    asyncua_url: str, keys: Path, user: str, secret: str | None
) -> None:
    """The line names the user or the variable, never what was tried."""
    with pytest.raises(DeviceRefused) as caught:
        identified(wanted(asyncua_url, "Basic256Sha256", "Sign", user), context(keys, secret))

    said = str(caught.value)
    assert "\n" not in said
    assert "wrong" not in said
    assert "FACTORY_KIT_PASSWORD_PRESS" in said or "user or password refused" in said


@pytest.mark.wire
@pytest.mark.system
def test_a_kind_of_user_that_the_server_does_not_take_is_named(peer: Callable[..., Any], keys: Path) -> None:
    """A server that takes no nobodies is not asked to: the line says what it takes and what to correct."""
    strict = peer(policies=["Basic256Sha256"], modes=["SignAndEncrypt"], anonymous=False)

    with pytest.raises(DeviceRefused, match=r"takes users by .*UserName.*, the site file gives Anonymous"):
        identified(wanted(strict.url, "auto", "auto", "nobody"), context(keys))


def test_a_deprecated_policy_is_taken_only_by_its_name() -> None:
    """What rests on SHA-1 is never chosen by itself; the site file must name it, and the run records that it did."""
    from factory_kit.drivers.opcua.security import best

    endpoint = SimpleNamespace(
        SecurityPolicyUri="http://opcfoundation.org/UA/SecurityPolicy#Basic256",
        SecurityMode=SimpleNamespace(name="SignAndEncrypt"),
        EndpointUrl="opc.tcp://x",
        ServerCertificate=b"certificate",
        Server=SimpleNamespace(ProductUri="", ApplicationUri=""),
        UserIdentityTokens=[],
    )
    offered = offers([endpoint])
    with pytest.raises(DeviceRefused, match="offers Basic256 SignAndEncrypt, the site file wants security auto"):
        best(offered, wanted("opc.tcp://x", "auto", "auto", "nobody"))
    named = wanted("opc.tcp://x", "Basic256", "auto", "nobody")

    assert best(offered, named).policy == "Basic256"
    assert in_the_open(
        {
            "old": named,
            "open": wanted("opc.tcp://x", "None", "None", "nobody"),
            "safe": wanted("opc.tcp://x", "auto", "auto", "nobody"),
        }
    ) == ("; without encryption: open; by a deprecated policy: old")
