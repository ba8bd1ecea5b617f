"""How to speak safely: which of the offered policies, our own certificate, and the certificates of servers we trust."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import ua
from asyncua.crypto import security_policies
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from factory_kit.drivers.opcua.names import shown
from factory_kit.errors import DeviceRefused
from factory_kit.files import write_atomically
from factory_kit.model.site import OpcUaServer

__all__ = [
    "ALL_POLICIES",
    "POLICIES",
    "CertificateFacts",
    "Offer",
    "OwnCertificate",
    "best",
    "certificate_facts",
    "fingerprint",
    "first_certificate",
    "next_to_end",
    "offers",
    "own_certificate",
    "pin",
    "require_trust",
    "trusted",
]

NONE = "None"
POLICIES = {
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
}
"""The policies that are not deprecated (OPC 10000-7), best first."""
ALL_POLICIES = {
    **POLICIES,
    "Basic256": security_policies.SecurityPolicyBasic256,
    "Basic128Rsa15": security_policies.SecurityPolicyBasic128Rsa15,
}
"""With the deprecated ones, which the site file must ask for by name."""
MODES = {"SignAndEncrypt": ua.MessageSecurityMode.SignAndEncrypt, "Sign": ua.MessageSecurityMode.Sign}
YEARS = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """One way a server offers to speak."""

    policy: str
    mode: str
    certificate: bytes
    """Of the server, DER; empty without one."""
    product_uri: str = ""
    application_uri: str = ""
    """What the server calls itself; its certificate must say the same."""
    url: str = ""
    """Where the server says it answers; we keep to the address that was typed."""
    tokens: tuple[tuple[str, str], ...] = ()
    """Kind of each user token (Anonymous, UserName, Certificate, IssuedToken) and the policy that protects it."""


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Our application certificate: the URI in it, the certificate (DER) and its key (PEM)."""

    uri: str
    certificate: bytes
    key: bytes


def offers(endpoints: Sequence[ua.EndpointDescription]) -> list[Offer]:
    """What *endpoints* offer over opc.tcp."""
    return [
        Offer(
            policy=str(endpoint.SecurityPolicyUri).rpartition("#")[2],
            mode=endpoint.SecurityMode.name.rstrip("_"),
            certificate=bytes(endpoint.ServerCertificate or b""),
            product_uri=str(endpoint.Server.ProductUri or ""),
            application_uri=str(endpoint.Server.ApplicationUri or ""),
            url=str(endpoint.EndpointUrl or ""),
            tokens=tuple(_token(token, endpoint) for token in endpoint.UserIdentityTokens or ()),
        )
        for endpoint in endpoints
        if str(endpoint.EndpointUrl).startswith("opc.tcp")
    ]


def _token(token: ua.UserTokenPolicy, endpoint: ua.EndpointDescription) -> tuple[str, str]:
    """Kind and policy of *token*; where it names no policy, that of its endpoint protects it (OPC 10000-4, 7.42)."""
    policy = str(token.SecurityPolicyUri or endpoint.SecurityPolicyUri).rpartition("#")[2]
    return token.TokenType.name.rstrip("_"), policy


def best(offered: Sequence[Offer], server: OpcUaServer) -> Offer:
    """The safest of *offered* that the site file allows; ``DeviceRefused`` when it allows none of them.

    ``auto`` never falls back to None: who wants to speak in the open must write so.
    """
    policies = list(POLICIES) if server.security == "auto" else [server.security]
    modes = list(MODES) if server.mode == "auto" else [server.mode]
    for mode in modes:
        for policy in policies:
            for offer in offered:
                if (offer.policy, offer.mode) == (policy, mode):
                    return offer
    known = sorted({f"{offer.policy} {offer.mode}" for offer in offered})
    raise DeviceRefused(
        "{address}: offers {offered}, the site file wants {wanted}; correct security and mode there, None only if the plant agrees",
        address=server.address,
        offered=", ".join(known) or "nothing",
        wanted=f"security {server.security}, mode {server.mode}",
    )


def own_certificate(folder: Path, now: int) -> OwnCertificate:
    """Our certificate in *folder*, made once and then kept, since servers learn to trust it. *now* is in µs."""
    certificate, key = folder / "factory-kit.der", folder / "factory-kit.key"
    if not (certificate.is_file() and key.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        _make(certificate, key, datetime.fromtimestamp(now / 1e6, UTC))
    content = certificate.read_bytes()
    names = x509.load_der_x509_certificate(content).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    uri = names.value.get_values_for_type(x509.UniformResourceIdentifier)[0]
    return OwnCertificate(uri, content, key.read_bytes())


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says: whom it is made out for, from when to when, and how strong it is (0 bits: no RSA key)."""

    subject: str
    uris: tuple[str, ...]
    begins: datetime
    ends: datetime
    bits: int
    hash: str


def certificate_facts(content: bytes) -> CertificateFacts | None:
    """The facts of the certificate (DER) that *content* begins with, a chain may follow; None where it cannot be read."""
    try:
        found = x509.load_der_x509_certificate(first_certificate(content))
        key = found.public_key()
        return CertificateFacts(
            subject=shown(found.subject.rfc4514_string()),
            uris=tuple(shown(uri) for uri in _uris(found)),
            begins=found.not_valid_before_utc,
            ends=found.not_valid_after_utc,
            bits=key.key_size if isinstance(key, rsa.RSAPublicKey) else 0,
            hash=found.signature_hash_algorithm.name if found.signature_hash_algorithm else "",
        )
    except (ValueError, TypeError, x509.ExtensionNotFound, x509.DuplicateExtension, UnsupportedAlgorithm):
        return None


def first_certificate(content: bytes) -> bytes:
    """The first certificate of a chain: servers may send theirs followed by that of who signed it (OPC 10000-6, 6.2.6)."""
    if len(content) > 4 and content[:2] == b"\x30\x82":
        return content[: 4 + int.from_bytes(content[2:4], "big")]
    return content


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER) as people compare it: pairs of hex digits."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def next_to_end(folder: Path) -> tuple[str, int] | None:
    """Of our certificate and the trusted ones in *folder* the one that ends first: its name, and when (µs UTC); None without any."""
    ends = []
    for path in [folder / "factory-kit.der", *sorted((folder / "trusted").glob("*.der"))]:
        try:
            facts = certificate_facts(path.read_bytes())
        except OSError:
            continue
        if facts is not None:
            ends.append((int(facts.ends.timestamp() * 1e6), path.stem))
    return None if not ends else (min(ends)[1], min(ends)[0])


def pin(folder: Path, server: OpcUaServer, certificate: bytes) -> None:
    """From now on *certificate* is the one that *server* must show."""
    place = _pinned(folder, server)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, certificate)


def trusted(folder: Path, server: OpcUaServer) -> bytes | None:
    """The certificate (DER) that *server* must show; None where none is pinned."""
    try:
        return _pinned(folder, server).read_bytes()
    except OSError:
        return None


def require_trust(folder: Path, name: str, server: OpcUaServer, certificate: bytes) -> None:
    """Nothing, when *certificate* is the pinned one of *server*; ``DeviceRefused`` when it is not, or none is pinned."""
    pinned = _pinned(folder, server)
    if not pinned.is_file():
        raise DeviceRefused(
            "{address}: its certificate {fingerprint} is not trusted yet; compare it at the machine, then run factory-kit trust {server}",
            address=server.address,
            fingerprint=fingerprint(certificate),
            server=name,
        )
    if pinned.read_bytes() != certificate:
        raise DeviceRefused(
            "{address}: shows another certificate ({fingerprint}) than the trusted one; ask the plant why before you run factory-kit trust {server}",
            address=server.address,
            fingerprint=fingerprint(certificate),
            server=name,
        )


def _pinned(folder: Path, server: OpcUaServer) -> Path:
    place = "".join(sign if sign.isalnum() or sign in ".-" else "_" for sign in server.address)
    return folder / "trusted" / f"{place}.der"


def _make(certificate: Path, key: Path, today: datetime) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    host = socket.gethostname()
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "Factory Kit"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, host)]
    )
    names = [x509.UniformResourceIdentifier(f"urn:{host}:factory-kit"), x509.DNSName(host)]
    # The profile of an application instance certificate: OPC 10000-6, 6.2.2.
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True, data_encipherment=True, key_agreement=False,
        key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    write_atomically(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        secret=True,
    )
    write_atomically(certificate, made.public_bytes(serialization.Encoding.DER))
