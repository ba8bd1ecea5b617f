"""Sealing, countersigning, unpacking."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_kit.errors import Altered, SealError, UnsafeArchive
from factory_kit.seal import (
    KeyRing,
    Sealed,
    Signer,
    countersign,
    is_sealed,
    open_key,
    open_sealed,
    restore_key,
    seal_files,
    seal_folder,
    sealing,
    trust,
    unpack,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.seal.conftest import Party

NOON = 1_790_000_000_000_000
GOLDEN = Path(__file__).parent / "golden"
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX only")


def filled(folder: Path, files: dict[str, bytes]) -> Path:
    """*folder* with *files* in it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_what_was_sealed_comes_back(tmp_path: Path, small: dict[str, bytes], provider: Party) -> None:
    """Contents, names, kind and about are what went in, and the signature is there."""
    folder = filled(tmp_path / "in", small)
    seal_folder(folder, tmp_path / "b.zip", "assessment-bundle", {"厂": "甲", "n": 3}, [provider.signer("provider")])

    sealed = open_sealed(tmp_path / "b.zip")

    assert dict(sealed.contents()) == small
    assert sealed.names == ("answers.json", "empty", "evidence/状态.json")
    assert sealed.manifest.kind == "assessment-bundle"
    assert sealed.about == {"厂": "甲", "n": 3}
    assert sealed.read_json("answers.json") == {"c001": "0.8"}
    assert [check.role for check in sealed.report.signatures] == ["provider"]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, small: dict[str, bytes]) -> None:
    """Neither order, times, modes nor place of the files change the sealed file."""
    one = filled(tmp_path / "one", small)
    other = filled(tmp_path / "other" / "deep", dict(reversed(small.items())))
    for path in other.rglob("*"):
        os.utime(path, (0, 0))
    (other / "empty").chmod(0o400)

    seal_folder(one, tmp_path / "1.zip", "data-package", {"a": "1", "b": "2"})
    seal_folder(other, tmp_path / "2.zip", "data-package", {"b": "2", "a": "1"})
    seal_files(small, tmp_path / "3.zip", "data-package", {"a": "1", "b": "2"})

    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes() == (tmp_path / "3.zip").read_bytes()


def test_the_byte_form_is_the_one_of_the_first_release(tmp_path: Path, small: dict[str, bytes]) -> None:
    """A file sealed long ago is read, and the same content and key give the same bytes today."""
    golden = GOLDEN / "form1.zip"
    restore_key((GOLDEN / "recovery-sheet.txt").read_text(encoding="utf-8"), tmp_path / "k.key", "twelve letters")
    with open_key(tmp_path / "k.key", "twelve letters") as key:
        signer = Signer(key, "provider", "诊断服务商", lambda: NOON)
        seal_files(small, tmp_path / "b.zip", "assessment-bundle", {"plant": "示例厂"}, [signer], ["enterprise"])

    assert dict(open_sealed(golden).contents()) == small
    assert (tmp_path / "b.zip").read_bytes() == golden.read_bytes()


def test_the_enterprise_signs_later(
    tmp_path: Path, small: dict[str, bytes], provider: Party, enterprise: Party
) -> None:
    """Its signature stands beside the provider's, over the same manifest, and the content is untouched."""
    path = tmp_path / "b.zip"
    seal_files(small, path, "assessment-bundle", {}, [provider.signer("provider")], ["enterprise"])
    before = verify(path)
    first = path.read_bytes()

    sealed = countersign(path, enterprise.signer("enterprise"))

    assert [(check.role, str(check.state)) for check in before.signatures] == [
        ("provider", "unknown key"),
        ("enterprise", "missing"),
    ]
    assert (before.intact, before.ok) == (True, False)
    assert [check.role for check in sealed.report.signatures] == ["enterprise", "provider"]
    assert sealed.report.ok
    assert path.read_bytes().startswith(first[: first.index(b"SIGNATURES/") - 30])


def test_countersigning_gives_what_sealing_with_both_gives(
    tmp_path: Path, small: dict[str, bytes], provider: Party, enterprise: Party
) -> None:
    """The order in which the parties sign leaves no trace, and signing twice changes nothing."""
    both = [provider.signer("provider"), enterprise.signer("enterprise")]
    seal_files(small, tmp_path / "1.zip", "assessment-bundle", {}, both)
    seal_files(small, tmp_path / "2.zip", "assessment-bundle", {}, both[1:], ["provider"])
    countersign(tmp_path / "2.zip", both[0], tmp_path / "3.zip")
    countersign(tmp_path / "3.zip", both[1])

    assert (tmp_path / "3.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()
    assert not verify(tmp_path / "2.zip").ok


def test_an_altered_bundle_is_not_countersigned(
    sealed: Path, stranger: Party, altered: Callable[[Path, int, int], None]
) -> None:
    """Nobody signs what is not what was sealed, and the file stays as it is."""
    altered(sealed, sealed.read_bytes().index(b"0.8"), 1)
    before = sealed.read_bytes()
    with pytest.raises(Altered, match=r"bundle.zip: answers.json was altered"):
        countersign(sealed, stranger.signer("enterprise"))
    assert sealed.read_bytes() == before


def test_unpacking_gives_a_folder_that_verifies(
    sealed: Path, tmp_path: Path, small: dict[str, bytes], provider: Party
) -> None:
    """All files, manifest and signatures are there, and a folder can be signed too."""
    unpacked = unpack(sealed, tmp_path / "out")

    assert {name: (tmp_path / "out" / name).read_bytes() for name in small} == small
    assert dict(unpacked.contents()) == small
    assert verify(tmp_path / "out").ok
    assert len(countersign(tmp_path / "out", provider.signer("reviewer")).report.signatures) == 3


def test_unpacking_overwrites_nothing(sealed: Path, tmp_path: Path) -> None:
    """A folder that is there already is left alone."""
    (tmp_path / "out").mkdir()
    with pytest.raises(SealError, match="out: is there already"):
        unpack(sealed, tmp_path / "out")


def test_an_altered_bundle_is_not_unpacked(
    sealed: Path, tmp_path: Path, altered: Callable[[Path, int, int], None]
) -> None:
    """Nothing of it reaches the disk."""
    altered(sealed, sealed.read_bytes().index(b"0.8"), 1)
    with pytest.raises(Altered):
        unpack(sealed, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_a_bundle_exchanged_while_it_is_unpacked_is_noticed(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, altered: Callable[[Path, int, int], None]
) -> None:
    """What was written is verified before it gets its name."""
    copy = sealing._copy

    def late(source: Sealed, folder: Path) -> None:
        altered(sealed, sealed.read_bytes().index(b"0.8"), 1)
        copy(source, folder)

    monkeypatch.setattr(sealing, "_copy", late)
    with pytest.raises(Altered):
        unpack(sealed, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_unpacking_beside_a_missing_folder_is_one_line(sealed: Path, tmp_path: Path) -> None:
    """A place that is not there is named."""
    with pytest.raises(SealError, match="out: cannot be unpacked"):
        unpack(sealed, tmp_path / "no" / "out")


@POSIX
def test_links_are_not_sealed(tmp_path: Path) -> None:
    """A link could lead to anything."""
    folder = filled(tmp_path / "in", {"a": b""})
    (folder / "secret").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeArchive, match="in: secret is a link or a special file"):
        seal_folder(folder, tmp_path / "b.zip", "data-package", {})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"MANIFEST.json": b""}, "MANIFEST.json is a name of the seal itself"),
        ({"manifest.JSON": b""}, "is a name of the seal itself"),
        ({"Signatures/x": b""}, "is a name of the seal itself"),
        ({"signatures": b""}, "is a name of the seal itself"),
        ({"../a": b""}, "is no path inside the folder"),
        ({"a": b"", "A": b""}, "would overwrite each other"),
    ],
)
def test_names_of_the_seal_and_tricks_are_refused(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    """Nothing is written for names that cannot be sealed."""
    with pytest.raises(SealError, match=said):
        seal_files(files, tmp_path / "b.zip", "data-package", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "about", "expects", "said"),
    [
        ("Bundle!", {}, [], "b.zip: kind cannot be sealed"),
        ("a", {"x": 0.5}, [], "MANIFEST.json: about.x is a floating-point number"),
        ("a", {"x": object()}, [], "about.x is of type object"),
        ("a", {}, ["A b"], "b.zip: expects.0 cannot be sealed"),
    ],
)
def test_a_manifest_that_cannot_be_sealed_is_refused(
    tmp_path: Path, kind: str, about: dict[str, object], expects: list[str], said: str
) -> None:
    """Kinds and roles are identifiers, about holds what canonical JSON can keep; nothing half-written stays."""
    with pytest.raises(SealError, match=said):
        seal_files({"a": b"x"}, tmp_path / "b.zip", kind, about, expects=expects)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_cannot_hold_its_own_seal(tmp_path: Path) -> None:
    """The sealed file would be part of what it seals."""
    with pytest.raises(SealError, match="lies inside the folder"):
        seal_folder(filled(tmp_path / "in", {"a": b""}), tmp_path / "in" / "b.zip", "data-package", {})
    with pytest.raises(SealError, match="no: there is no such folder"):
        seal_folder(tmp_path / "no", tmp_path / "b.zip", "data-package", {})


def test_a_missing_source_leaves_the_old_bundle(tmp_path: Path, unsigned: Path) -> None:
    """What cannot be read is named, and what stood there before still stands."""
    before = unsigned.read_bytes()
    with pytest.raises(SealError, match=r"gone: cannot be read \(No such file"):
        seal_files({"a": b"x", "b": tmp_path / "gone"}, unsigned, "data-package", {})
    assert unsigned.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [unsigned.name]


FULL = """
import resource, sys
from pathlib import Path
from factory_kit.errors import FactoryKitError
from factory_kit.seal import {names}
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
place = Path(sys.argv[1])
try:
    {work}
except FactoryKitError as error:
    print(error)
"""


@POSIX
@pytest.mark.parametrize("limit", [10, 30_000, 70_000])
@pytest.mark.parametrize(
    ("names", "work", "said"),
    [
        (
            "seal_files",
            'seal_files({"a": bytes(60_000), "b": bytes(80_000)}, place / "out.zip", "x", {})',
            "out.zip: the disk is full",
        ),
        ("unpack", 'unpack(place / "in.zip", place / "out")', "out: the disk is full, nothing was unpacked; make room"),
        (
            "restore_key",
            'resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); restore_key((place / "sheet").read_text(), place / "k.key", "a passphrase")',
            "k.key: the disk is full, no key was made; make room",
        ),
    ],
    ids=["seal", "unpack", "key"],
)
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, provider: Party, names: str, work: str, said: str, limit: int
) -> None:
    """Wherever the disk fills, one line says so and nothing half-written stays, under no name."""
    seal_files({"a": bytes(60_000), "b": bytes(80_000)}, tmp_path / "in.zip", "x", {})
    (tmp_path / "sheet").write_text(provider.made.sheet)
    before = sorted(tmp_path.iterdir())
    script = FULL.format(names=names, limit=limit, work=work)

    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)

    assert said in done.stdout
    assert done.stdout.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_large_file_is_sealed_and_verified_in_little_memory(tmp_path: Path) -> None:
    """60 MiB pass through less than 8 MiB."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(60 << 20)
    tracemalloc.start()

    seal_files({"large": tmp_path / "large"}, tmp_path / "b.zip", "data-package", {})
    report = verify(tmp_path / "b.zip")

    assert report.ok
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_sealed_things_are_recognised(sealed: Path, tmp_path: Path) -> None:
    """A zip file, and a folder with a manifest."""
    unpack(sealed, tmp_path / "out")
    (tmp_path / "text").write_text("PK")

    assert [is_sealed(path) for path in (sealed, tmp_path / "out", tmp_path / "text", tmp_path, tmp_path / "no")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_a_report_names_holder_and_time(sealed: Path, tmp_path: Path, provider: Party, enterprise: Party) -> None:
    """With a key ring the report says whose keys they are; both signatures count."""
    trust(tmp_path / "ring", provider.public, "上海诊断公司", ["provider"], 0)
    trust(tmp_path / "ring", enterprise.public, "甲厂", ["enterprise"], 0)

    report = verify(sealed, KeyRing.read(tmp_path / "ring"), require=["provider"])

    assert [
        (check.role, str(check.state), check.holder, check.signer, check.signed) for check in report.signatures
    ] == [
        ("enterprise", "valid", "甲厂", "某某", "2026-09-21T14:13:20Z"),
        ("provider", "valid", "上海诊断公司", "诊断 <服务> 商", "2026-09-21T14:13:20Z"),
    ]
    assert report.ok
