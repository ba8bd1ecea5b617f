"""The folder of a workspace: what is tried there, and what is said of its file system."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from factory_kit.doctor.finding import Finding
from factory_kit.doctor.place import Volume, mounted, place_findings, volume_of

TABLE = """
22 27 0:21 / /proc rw - proc proc rw
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 27 0:35 / /mnt/plant\\040share rw - cifs //server/share rw
41 27 8:17 / /media/stick rw - vfat /dev/sdb1 rw
42 27 0:36 / /mnt rw - btrfs /dev/sdc rw
""".strip()


def tried(folder: Path, now: int | None = None) -> dict[str, Finding]:
    """The findings about *folder* by their ids."""
    return {each.id: each for each in place_findings(folder, time.time_ns() // 1000 if now is None else now)}


@pytest.mark.parametrize(
    ("place", "volume"),
    [
        ("/home/user/plant", Volume("ext4")),
        ("/mnt/plant share/a", Volume("cifs", network=True)),
        ("/mnt/other", Volume("btrfs")),
        ("/media/stick", Volume("vfat")),
        ("/media/sticky", Volume("ext4")),
    ],
)
def test_the_nearest_mount_tells_the_file_system(place: str, volume: Volume) -> None:
    """The longest mount point above a folder counts, blanks in its name too."""
    assert mounted(TABLE, Path(place)) == volume


def test_everything_is_tried_and_nothing_is_left(tmp_path: Path) -> None:
    """In an ordinary folder with Chinese signs and blanks all goes well, and it is empty afterwards."""
    folder = tmp_path / "我的 工厂"
    folder.mkdir()

    found = tried(folder)

    assert {key: found[key].state for key in ("writing", "locking", "file-times", "long-paths")} == dict.fromkeys(
        ("writing", "locking", "file-times", "long-paths"), "ok"
    )
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_yet_is_tried_above_and_not_made(tmp_path: Path) -> None:
    """The nearest folder that exists stands for it."""
    assert tried(tmp_path / "new" / "plant")["writing"].state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_files_with_another_clock_than_ours_are_noticed(tmp_path: Path) -> None:
    """A share whose server's clock goes an hour ahead makes changes unnoticeable."""
    found = tried(tmp_path, time.time_ns() // 1000 - 3_600_000_000)["file-times"]

    assert found.state == "limited"
    assert 3598 <= int(found.found.split(" ")[0]) <= 3660


def test_a_small_disk_in_memory_is_noticed(small_disk: Path) -> None:
    """No room for a normal day, and nothing would be kept; once it is full, nothing can be written."""
    found = tried(small_disk)
    (small_disk / "all").write_bytes(b"x" * (2 << 20))
    with contextlib.suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as rest:
        while True:
            rest.write(b"x" * 512)
    full = tried(small_disk)

    assert volume_of(small_disk) == Volume("tmpfs")
    assert (found["room"].state, found["volume"].state, found["writing"].state) == ("missing", "limited", "ok")
    assert (full["writing"].state, full["writing"].off) == (
        "missing",
        "everything that writes: collecting, assessing, reports",
    )


def test_a_folder_too_deep_for_long_names_is_noticed(tmp_path: Path) -> None:
    """Where the system's limit lies near, names of evidence would not fit: Linux takes 4,095 signs."""
    folder = tmp_path
    while len(str(folder)) < 3740:
        folder /= "d" * 100
    folder /= "d" * (3940 - len(str(folder)))
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"this system takes no path of {len(str(folder))} signs: {error.strerror}")

    found = tried(folder)

    assert (found["writing"].state, found["long-paths"].state) == ("ok", "limited")
    assert "4121 signs cannot be made" in found["long-paths"].found


def test_a_folder_that_a_cloud_copies_is_noticed(tmp_path: Path) -> None:
    """OneDrive and its like lock files and take them away."""
    folder = tmp_path / "OneDrive - Firma"
    folder.mkdir()

    assert tried(folder)["volume"].found.endswith(", onedrive")
