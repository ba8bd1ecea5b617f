"""An object store that speaks the S3 API, by boto3; credentials come from the environment and from nowhere else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from factory_kit.errors import FactoryKitError, LakeError, LakeUnavailable, MissingExtra, UsageError
from factory_kit.lake.pace import CHUNK, Pace, Slowed
from factory_kit.lake.remote import changed, gone
from factory_kit.store.disk import told

__all__ = ["PART", "Bucket", "client"]

PART = 8 << 20
"""Bytes of a part of a large file; a cut-off push repeats at most this much of each file under way."""

NEEDED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
REASONS: dict[str, Callable[[str], LakeError]] = {
    "NoSuchBucket": lambda place: LakeError(
        "{place}: there is no such bucket; make it, or check the address", place=place
    ),
    "InvalidAccessKeyId": lambda place: LakeError(
        "{place}: the access key is unknown there; check AWS_ACCESS_KEY_ID", place=place
    ),
    "SignatureDoesNotMatch": lambda place: LakeError(
        "{place}: the secret key is wrong; check AWS_SECRET_ACCESS_KEY", place=place
    ),
    "AccessDenied": lambda place: LakeError(
        "{place}: this key may not do that; ask for the right to list, read and write there", place=place
    ),
    "403": lambda place: LakeError(
        "{place}: this key may not do that; ask for the right to list, read and write there", place=place
    ),
    "ExpiredToken": lambda place: LakeError(
        "{place}: the session has ended; get new credentials (AWS_SESSION_TOKEN)", place=place
    ),
    "RequestTimeTooSkewed": lambda place: LakeError(
        "{place}: the clock of this computer is wrong; set it", place=place
    ),
    "QuotaExceeded": lambda place: LakeError("{place}: is full; make room there", place=place),
    "BadDigest": lambda place: LakeError(
        "{place}: arrived altered and was refused; repeat, and run store verify", place=place
    ),
}
GONE = frozenset({"404", "NoSuchKey", "NotFound"})
CHANGED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchUpload"})


def client(environ: Mapping[str, str] = os.environ) -> Any:
    """A client of the S3 API with what *environ* says; ``UsageError`` names the variables that are missing."""
    try:
        import botocore.config  # noqa: PLC0415 - an extra
        import botocore.session  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra(
            'object stores need the extra lake; run: pip install "factory-kit[lake]" (from a wheelhouse folder: with --no-index --find-links FOLDER)'
        ) from error
    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        raise UsageError(
            "{names}: not set; credentials come from the environment only, set them in this terminal",
            names=", ".join(missing),
        )
    session = botocore.session.Session()
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    return session.create_client(
        "s3",
        region_name=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        endpoint_url=environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL"),
        aws_access_key_id=environ[NEEDED[0]],
        aws_secret_access_key=environ[NEEDED[1]],
        aws_session_token=environ.get("AWS_SESSION_TOKEN"),
        config=botocore.config.Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": int(environ.get("AWS_MAX_ATTEMPTS") or 4)},
            s3={
                "payload_signing_enabled": False
            },  # the checksum of the content is signed in its place; hashing twice is waste
            request_checksum_calculation="when_required",  # we send our own; many servers know no other
            response_checksum_validation="when_required",
        ),
    )


class Bucket:
    """The keys under *prefix* of *bucket*."""

    def __init__(self, bucket: str, prefix: str, s3: Any) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._s3 = s3

    @property
    def name(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, key: str) -> tuple[bytes, str] | None:
        """The object and its ETag."""
        try:
            with self._told(key):
                answer = self._s3.get_object(**self._at(key))
                return answer["Body"].read(), answer["ETag"]
        except _Gone:
            return None

    def write(self, key: str, data: bytes, known: str | None) -> None:
        """A conditional PUT."""
        condition = {"IfMatch": known} if known else {"IfNoneMatch": "*"}
        with self._told(key):
            self._s3.put_object(**self._at(key), Body=data, ContentType="application/json", **condition)

    def holds(self, key: str, size: int, sha256: str) -> bool:
        """By the size and the sha256 that was sent beside it; the server compared it when it arrived."""
        try:
            with self._told(key):
                found = self._s3.head_object(**self._at(key))
        except _Gone:
            return False
        return bool(found["ContentLength"] == size and found["Metadata"].get("sha256") == sha256)

    def upload(self, file: Path, key: str, sha256: str, pace: Pace) -> None:
        """In one piece, or in parts of which those that arrived before a cut are kept."""
        with told(file), file.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            if size > PART:
                self._upload_parts(source, size, key, sha256, pace)
                return
            data = source.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _altered(file)
        with self._told(key):
            self._s3.put_object(
                **self._at(key),
                Body=Slowed(io.BytesIO(data), size, pace),
                Metadata={"sha256": sha256},
                ChecksumSHA256=_base64(bytes.fromhex(sha256)),
            )

    def download(self, key: str, to: Path, pace: Pace) -> None:
        """The rest of the object behind what is there."""
        have = to.stat().st_size if to.exists() else 0
        try:
            with self._told(key):
                answer = self._s3.get_object(**self._at(key), **({"Range": f"bytes={have}-"} if have else {}))
                body = answer["Body"]
                with told(to), to.open("ab") as target:
                    while piece := self._piece(body, key):
                        pace.take(len(piece))
                        target.write(piece)
        except _Gone as error:
            raise gone(f"{self.name}/{key}") from error

    def remove(self, key: str) -> None:
        """Deleted, if it is there."""
        with contextlib.suppress(_Gone), self._told(key):
            self._s3.delete_object(**self._at(key))

    def folders(self) -> list[str]:
        """The common prefixes."""
        base = f"{self._prefix}/".lstrip("/")
        with self._told(""):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=base, Delimiter="/")
            found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        return sorted(each.removeprefix(base).rstrip("/") for each in found)

    def _piece(self, body: Any, key: str) -> bytes:
        with self._told(key):
            data: bytes = body.read(CHUNK)
            return data

    def _upload_parts(self, source: IO[bytes], size: int, key: str, sha256: str, pace: Pace) -> None:
        """Parts of an upload that was cut off count when their MD5, which is the ETag of a part, is the same."""
        with self._told(key):
            upload, there = self._begun(key, sha256)
            digest = hashlib.sha256()
            parts = []
            for number, begin in enumerate(range(0, size, PART), start=1):
                source.seek(begin)
                data = source.read(PART)
                digest.update(data)
                etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
                if there.get(number) != (len(data), etag):
                    etag = self._s3.upload_part(
                        **self._at(key),
                        UploadId=upload,
                        PartNumber=number,
                        Body=Slowed(io.BytesIO(data), len(data), pace),
                        ContentMD5=_base64(hashlib.md5(data, usedforsecurity=False).digest()),
                    )["ETag"]
                parts.append({"PartNumber": number, "ETag": etag})
            if digest.hexdigest() != sha256:
                self._s3.abort_multipart_upload(**self._at(key), UploadId=upload)
                raise _altered(Path(source.name))
            self._s3.complete_multipart_upload(**self._at(key), UploadId=upload, MultipartUpload={"Parts": parts})

    def _begun(self, key: str, sha256: str) -> tuple[str, dict[int, tuple[int, str]]]:
        """The upload of *key* to go on with, and the size and ETag of the parts that arrived."""
        full = self._at(key)["Key"]
        found = self._s3.list_multipart_uploads(Bucket=self._bucket, Prefix=full).get("Uploads", [])
        found = [each["UploadId"] for each in found if each["Key"] == full]
        if not found:
            begun = self._s3.create_multipart_upload(**self._at(key), Metadata={"sha256": sha256})
            return begun["UploadId"], {}
        there: dict[int, tuple[int, str]] = {}
        for page in self._s3.get_paginator("list_parts").paginate(**self._at(key), UploadId=found[0]):
            there |= {each["PartNumber"]: (each["Size"], each["ETag"]) for each in page.get("Parts", [])}
        return found[0], there

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{key}".lstrip("/")}

    @contextlib.contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """What the object store or the way to it says, as one line of ours."""
        import urllib3.exceptions  # noqa: PLC0415 - comes with the extra
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            yield
        except ClientError as error:
            raise self._refused(key, error) from error
        except (BotoCoreError, urllib3.exceptions.HTTPError) as error:
            raise LakeUnavailable(
                "{place}: no answer ({reason}); check the network and repeat, what arrived is kept",
                place=self.name,
                reason=" ".join(str(error).split()),
            ) from error

    def _refused(self, key: str, error: Any) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        place = f"{self.name}/{key}"
        if code in GONE:
            return _Gone()
        if code in CHANGED:
            return changed(place)
        if code in REASONS:
            return REASONS[code](self.name)
        reason = " ".join(str(error.response.get("Error", {}).get("Message") or code or status).split())
        if status >= 500 or code in {"SlowDown", "RequestTimeout"}:
            return LakeUnavailable(
                "{place}: no answer ({reason}); check the network and repeat, what arrived is kept",
                place=place,
                reason=reason,
            )
        return LakeError("{place}: refused ({reason}); check the address and the rights", place=place, reason=reason)


class _Gone(Exception):
    """There is no such object."""


def _altered(file: Path) -> FactoryKitError:
    return LakeError("{file}: changed while it was copied; run store verify", file=file)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
