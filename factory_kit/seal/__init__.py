"""Sealing: canonical JSON, hashes, manifests, signatures, keys, the zip form of sealed files, and the hash chain.

``seal_folder`` or ``seal_files`` make a sealed file, ``countersign`` adds a signature, ``verify`` reports on one,
``open_sealed`` reads one. The byte form is described in docs/bundle-format.md.
"""

from factory_kit.seal.archive import DOCUMENT, checked_zip
from factory_kit.seal.canonical import Json, canonical, read_canonical, record_id
from factory_kit.seal.chain import ChainReport, ChainWriter, Link, Torn, open_chain, read_chain, verify_chain
from factory_kit.seal.container import Limits
from factory_kit.seal.digest import Digest, digest, digest_file
from factory_kit.seal.findings import Finding, What
from factory_kit.seal.keys import (
    NewKey,
    Reason,
    SecretKey,
    Signer,
    backup_sheet,
    new_key,
    open_key,
    read_public,
    restore_key,
    revocation,
)
from factory_kit.seal.manifest import Manifest, SealedFile
from factory_kit.seal.paths import MANIFEST, SIGNATURES
from factory_kit.seal.ring import KeyRing, Revocation, SignatureState, TrustedKey, end_trust, take_revocation, trust
from factory_kit.seal.sealing import countersign, seal_files, seal_folder, unpack
from factory_kit.seal.signature import PublicKey
from factory_kit.seal.verify import Report, Sealed, SignatureCheck, is_sealed, open_sealed, verify

__all__ = [
    "DOCUMENT",
    "MANIFEST",
    "SIGNATURES",
    "ChainReport",
    "ChainWriter",
    "Digest",
    "Finding",
    "Json",
    "KeyRing",
    "Limits",
    "Link",
    "Manifest",
    "NewKey",
    "PublicKey",
    "Reason",
    "Report",
    "Revocation",
    "Sealed",
    "SealedFile",
    "SecretKey",
    "SignatureCheck",
    "SignatureState",
    "Signer",
    "Torn",
    "TrustedKey",
    "What",
    "backup_sheet",
    "canonical",
    "checked_zip",
    "countersign",
    "digest",
    "digest_file",
    "end_trust",
    "is_sealed",
    "new_key",
    "open_chain",
    "open_key",
    "open_sealed",
    "read_canonical",
    "read_chain",
    "read_public",
    "record_id",
    "restore_key",
    "revocation",
    "seal_files",
    "seal_folder",
    "take_revocation",
    "trust",
    "unpack",
    "verify",
    "verify_chain",
]
