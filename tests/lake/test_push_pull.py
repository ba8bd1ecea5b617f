"""Pushing to an object store that is not ours, and pulling again."""

from __future__ import annotations

import contextlib
import json
import random
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factory_kit.errors import (
    FactoryKitError,
    LakeChanged,
    LakeError,
    LakeUnavailable,
    StoreDamaged,
    StoreFull,
    UsageError,
)
from factory_kit.lake import Pace, opened, pull, push
from factory_kit.lake.listing import listing_key, listing_of
from factory_kit.lake.remote import Folder
from factory_kit.lake.s3 import PART, Bucket, client
from factory_kit.store import Store
from factory_kit.store.manifest import Manifest
from factory_kit.store.parquet import sha256_of
from factory_kit.testing import FaultProxy

pytestmark = pytest.mark.wire

PLANT = "songjiang-01"
NOW = 1_790_900_000_000_000


def now() -> int:
    """A standing clock."""
    return NOW


def rows(workspace: Path) -> list[tuple[object, ...]]:
    """All samples and all minutes of the store of *workspace*."""
    with Store(workspace / "store").connect() as con:
        found: list[tuple[object, ...]] = con.execute("SELECT * FROM samples ORDER BY point, time").fetchall()
        found += con.execute("SELECT * FROM rollup_1min ORDER BY point, minute").fetchall()
        found += con.execute("SELECT * FROM points ORDER BY point").fetchall()
    return found


def objects(remote: Bucket) -> dict[str, str]:
    """Every key of the bucket and its ETag."""
    s3, bucket = remote._s3, remote._bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {each["Key"]: each["ETag"] for page in pages for each in page.get("Contents", [])}


def test_a_pulled_plant_reads_like_the_one_that_was_pushed(
    workspace: Path, remote: Bucket, pushed: Callable[..., None], tmp_path: Path
) -> None:
    """Samples, minutes and catalogue are the same, the store is found whole, and the site file is there."""
    pushed()
    done = pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert done.received > 0
    assert rows(tmp_path / "copy") == rows(workspace)
    assert Store(tmp_path / "copy" / "store").verify() == ()
    assert (tmp_path / "copy" / "site.yaml").read_bytes() == (workspace / "site.yaml").read_bytes()


def test_raw_samples_travel_only_where_asked(remote: Bucket, pushed: Callable[..., None], tmp_path: Path) -> None:
    """Without raw no file of samples leaves, but every minute does."""
    pushed(raw=False)
    assert not [key for key in objects(remote) if "/data/" in key or "/latest/" in key]
    pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    with Store(tmp_path / "copy" / "store").connect() as con:
        assert con.execute("SELECT count(*) FROM rollup_1min").fetchone() == (3 * 2 * 60,)
        assert con.execute("SELECT count(*) FROM samples").fetchone() == (0,)


def test_pushing_twice_sends_nothing_the_second_time(workspace: Path, remote: Bucket) -> None:
    """The second push finds everything there and changes no object but the listing."""
    push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    before = objects(remote)
    again = push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    assert (again.sent, again.bytes) == (0, 0)
    assert objects(remote) == before


@pytest.fixture(name="proxied")
def _proxied(bucket: str, environ: dict[str, str], s3_port: int) -> Iterator[tuple[FaultProxy, Bucket]]:
    """The bucket behind a line that can be cut."""
    with FaultProxy("127.0.0.1", s3_port) as proxy:
        through = client({**environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"})
        yield proxy, Bucket(bucket, "district", through)


def test_a_push_cut_twenty_times_ends_with_the_same_content(
    workspace: Path, proxied: tuple[FaultProxy, Bucket], remote: Bucket, tmp_path: Path
) -> None:
    """Whatever byte the line breaks at, nothing half is named, and at the end everything is there once."""
    proxy, through = proxied
    total = sum(path.stat().st_size for path in (workspace / "store").rglob("*.parquet"))
    chance = random.Random(7)  # noqa: S311 - repeatable
    named = []
    for _cut in range(20):
        pace = Pace(0, cutter(proxy, chance.randrange(total // 3)))
        with contextlib.suppress(LakeUnavailable):
            push(workspace, PLANT, through, raw=True, pace=pace, now=now)
        proxy.heal()
        named.append(listing_of(remote, PLANT) is not None)
    assert named.count(False) >= 3
    assert named == sorted(named)
    push(workspace, PLANT, through, raw=True, pace=Pace(), now=now)
    pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert rows(tmp_path / "copy") == rows(workspace)


def cutter(proxy: FaultProxy, at: int) -> Callable[[int], None]:
    """Cuts the line once *at* bytes have passed."""
    passed = 0

    def told(size: int) -> None:
        nonlocal passed
        passed += size
        if passed > at:
            proxy.cut()

    return told


def test_a_pull_cut_twenty_times_ends_with_the_same_content(
    workspace: Path, proxied: tuple[FaultProxy, Bucket], pushed: Callable[..., None], tmp_path: Path
) -> None:
    """What arrived before a cut is kept, nothing counts before all is there."""
    pushed()
    proxy, through = proxied
    total = sum(path.stat().st_size for path in (workspace / "store").rglob("*.parquet"))
    chance = random.Random(9)  # noqa: S311 - repeatable
    counted = []
    for _cut in range(20):
        pace = Pace(0, cutter(proxy, chance.randrange(total // 3)))
        with contextlib.suppress(LakeUnavailable):
            pull(through, PLANT, tmp_path / "copy", raw=True, pace=pace, now=now)
        proxy.heal()
        counted.append((tmp_path / "copy" / "store" / "manifest.jsonl").exists())
    assert counted.count(False) >= 3
    assert counted == sorted(counted)
    pull(through, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert rows(tmp_path / "copy") == rows(workspace)


def test_parts_of_a_large_file_that_arrived_are_not_sent_again(
    proxied: tuple[FaultProxy, Bucket], remote: Bucket, tmp_path: Path
) -> None:
    """Of a file in three parts, cut in the third, only the third travels again; what arrives is the file."""
    proxy, through = proxied
    file = tmp_path / "large.parquet"
    file.write_bytes(random.Random(3).randbytes(2 * PART + PART // 2))  # noqa: S311 - repeatable
    with pytest.raises(LakeUnavailable, match="no answer"):
        through.upload(file, "large", sha256_of(file), Pace(0, cutter(proxy, 2 * PART + PART // 4)))
    proxy.heal()
    sent: list[int] = []
    through.upload(file, "large", sha256_of(file), Pace(0, sent.append))
    assert sum(sent) <= PART
    remote.download("large", tmp_path / "back", Pace())
    assert sha256_of(tmp_path / "back") == sha256_of(file)
    assert remote.holds("large", file.stat().st_size, sha256_of(file))


def test_a_plant_that_grew_sends_what_is_new(
    workspace: Path, remote: Bucket, pushed: Callable[..., None], tmp_path: Path, add_days: Callable[..., None]
) -> None:
    """A second push and a second pull carry the third day only, and both ends agree."""
    pushed()
    pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    add_days(workspace, 2, 1)
    push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    done = pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert done.there > 0
    assert rows(tmp_path / "copy") == rows(workspace)


def test_another_store_does_not_overwrite_what_was_pushed(
    remote: Bucket, pushed: Callable[..., None], tmp_path: Path, new_workspace: Callable[..., Path]
) -> None:
    """The store of a second laptop has other files: it is refused and the first one's stay."""
    pushed()
    before = objects(remote)
    other = new_workspace(tmp_path / "other", seed=2)
    with pytest.raises(LakeError, match="another store"):
        push(other, PLANT, remote, raw=True, pace=Pace(), now=now)
    assert objects(remote) == before


def test_two_pushes_at_once_do_not_both_win(workspace: Path, remote: Bucket) -> None:
    """A listing that changed since it was read is not overwritten."""
    push(workspace, PLANT, remote, raw=False, pace=Pace(), now=now)
    found = listing_of(remote, PLANT)
    assert found is not None
    remote.write(listing_key(PLANT), b"{}", found[1])
    with pytest.raises(LakeChanged, match="somebody else pushed"):
        remote.write(listing_key(PLANT), b"{}", found[1])
    with pytest.raises(LakeChanged, match="somebody else pushed"):
        remote.write(listing_key(PLANT), b"{}", None)


def test_a_damaged_file_is_not_pushed(workspace: Path, remote: Bucket) -> None:
    """A flipped bit on the way out is told, and nothing is named far away."""
    path = workspace / "store" / Manifest.read(workspace / "store" / "manifest.jsonl").of_kind("samples")[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreDamaged, match="sha256 differs"):
        push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    assert listing_of(remote, PLANT) is None


def test_an_object_altered_far_away_is_not_pulled(remote: Bucket, pushed: Callable[..., None], tmp_path: Path) -> None:
    """One line names it, and the folder holds no store that reads."""
    pushed()
    found = listing_of(remote, PLANT)
    assert found is not None
    key = f"district/plant={PLANT}/{found[0].files[0].path}"
    remote._s3.put_object(Bucket=remote._bucket, Key=key, Body=b"x" * found[0].files[0].size)
    with pytest.raises(LakeError, match="is not what its list of files says"):
        pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert not (tmp_path / "copy" / "store" / "manifest.jsonl").exists()


@pytest.mark.parametrize(
    "path", ["../../etc/x.parquet", "data/../../x.parquet", "/data/x.parquet", "data\\x.parquet", "journal/x.parquet"]
)
def test_a_listing_that_leaves_the_folder_is_refused(
    remote: Bucket, pushed: Callable[..., None], tmp_path: Path, path: str
) -> None:
    """Paths come from somebody else."""
    pushed(raw=False)
    data, version = remote.read(listing_key(PLANT)) or (b"", "")
    listing = json.loads(data)
    listing["files"][0]["path"] = path
    remote.write(listing_key(PLANT), json.dumps(listing).encode(), version)
    with pytest.raises(LakeError, match="makes no sense"):
        pull(remote, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert not (tmp_path / "copy").exists()


def test_a_workspace_with_data_of_its_own_is_not_pulled_over(
    workspace: Path, remote: Bucket, pushed: Callable[..., None]
) -> None:
    """Nothing that was collected is mixed with or replaced by what comes."""
    pushed()
    with pytest.raises(UsageError, match="data of its own"):
        pull(remote, PLANT, workspace, raw=True, pace=Pace(), now=now)


def test_a_vanished_bucket_is_one_line(workspace: Path, bucket: str, environ: dict[str, str]) -> None:
    """It names the bucket and what to do."""
    gone = Bucket(f"{bucket}-gone", "district", client(environ))
    with pytest.raises(LakeError, match="there is no such bucket"):
        push(workspace, PLANT, gone, raw=True, pace=Pace(), now=now)


def test_a_wrong_key_is_one_line(workspace: Path, remote: Bucket, s3_port: int) -> None:
    """The server that checks keys does not know this one."""
    auth(s3_port, "0")
    try:
        with pytest.raises(LakeError, match="access key is unknown"):
            push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    finally:
        auth(s3_port, "inf")


def auth(port: int, count: str) -> None:
    """From the *count*-th call on the server checks keys."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/moto-api/reset-auth",
        data=count.encode(),
        method="POST",
        headers={"Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own loopback
        assert answer.status == 200


def test_nobody_at_the_address_is_one_line(workspace: Path, environ: dict[str, str]) -> None:
    """A closed port."""
    nobody = Bucket("any", "district", client({**environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}))
    with pytest.raises(LakeUnavailable, match=r"no answer .*check the network"):
        push(workspace, PLANT, nobody, raw=True, pace=Pace(), now=now)


def test_without_credentials_the_variables_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a file of the user nor the machine's own role is asked."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id=A\naws_secret_access_key=B\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(UsageError, match="AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: not set"):
        opened("s3://bucket/x")


@pytest.mark.parametrize("address", ["s3://", "s3://B", "http://bucket/x", "s3://bucket/../x", "s3://bucket/a//b"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match="no address of an object store"):
        opened(address)


def test_a_folder_is_a_place_too(workspace: Path, tmp_path: Path) -> None:
    """A disk that is carried: pushed, pushed again, pulled."""
    place = opened(str(tmp_path / "disk"))
    assert isinstance(place, Folder)
    first = push(workspace, PLANT, place, raw=True, pace=Pace(), now=now)
    again = push(workspace, PLANT, place, raw=True, pace=Pace(), now=now)
    assert first.sent > 0
    assert again.sent == 0
    pull(place, PLANT, tmp_path / "copy", raw=True, pace=Pace(), now=now)
    assert rows(tmp_path / "copy") == rows(workspace)


def test_what_was_merged_away_is_deleted_after_a_week(
    workspace: Path, remote: Bucket, add_days: Callable[..., None]
) -> None:
    """Those who read the listing of before still find its files for seven days."""
    push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    old = listing_of(remote, PLANT)
    add_days(workspace, 1, 1, seed=5)  # the second day again, with other values
    push(workspace, PLANT, remote, raw=True, pace=Pace(), now=now)
    new = listing_of(remote, PLANT)
    assert old is not None
    assert new is not None
    replaced = old[0].paths - new[0].paths
    assert replaced
    there = {key.removeprefix(f"district/plant={PLANT}/") for key in objects(remote)}
    assert replaced <= there
    for days in (8, 16):
        push(workspace, PLANT, remote, raw=True, pace=Pace(), now=lambda days=days: NOW + days * 86_400_000_000)
    there = {key.removeprefix(f"district/plant={PLANT}/") for key in objects(remote)}
    assert not replaced & there


def test_a_full_disk_is_one_line_and_what_arrived_is_used_later(
    workspace: Path, tmp_path: Path, small_disk: Path, add_days: Callable[..., None]
) -> None:
    """The pull says that the disk is full, names nothing half, and goes on where there is room."""
    add_days(workspace, 2, 10, points=40)
    place = opened(str(tmp_path / "place"))
    push(workspace, PLANT, place, raw=True, pace=Pace(), now=now)
    with pytest.raises(StoreFull, match="the disk is full"):
        pull(place, PLANT, small_disk / "copy", raw=True, pace=Pace(), now=now)
    assert not (small_disk / "copy" / "store" / "manifest.jsonl").exists()
    with pytest.raises(FactoryKitError, match="the disk is full"):
        push(workspace, PLANT, opened(str(small_disk / "place")), raw=True, pace=Pace(), now=now)
    assert listing_of(opened(str(small_disk / "place")), PLANT) is None


def test_the_limit_is_kept() -> None:
    """A hundred pieces of 10 kB at 100 kB a second take ten seconds of the clock, less the first piece's share."""
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    pace = Pace(100_000, clock=lambda: clock[0], sleep=sleep)
    for _piece in range(100):
        pace.take(10_000)
    assert clock[0] == pytest.approx(10.0)
