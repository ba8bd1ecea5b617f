"""Addresses of places far away: ``s3://bucket/prefix``, or a folder."""

from __future__ import annotations

import re
from pathlib import Path

from factory_kit.errors import UsageError
from factory_kit.lake.remote import Folder, Remote

__all__ = ["opened"]

BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")


def opened(address: str) -> Remote:
    """The place at *address*; ``UsageError`` for one that is none, ``MissingExtra`` where boto3 is needed and missing."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return Folder(Path(address))
    bucket, _slash, prefix = rest.partition("/")
    if scheme != "s3" or not BUCKET.match(bucket) or not _is_plain(prefix.rstrip("/")):
        raise UsageError(
            "{address}: is no address of an object store, expected s3://BUCKET or s3://BUCKET/PREFIX, or a folder",
            address=address,
        )
    from factory_kit.lake.s3 import Bucket, client  # noqa: PLC0415 - an extra

    return Bucket(bucket, prefix.rstrip("/"), client())


def _is_plain(prefix: str) -> bool:
    parts = prefix.split("/")
    return prefix == "" or (
        all(part not in {"", ".", ".."} for part in parts) and "?" not in prefix and "#" not in prefix
    )
