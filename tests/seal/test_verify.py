"""Verification: whatever changes is noticed and named."""

from __future__ import annotations

import random
import shutil
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.errors import Altered, SealError, UnsafeArchive
from factory_kit.seal import (
    KeyRing,
    Limits,
    Report,
    SignatureState,
    What,
    open_sealed,
    seal_files,
    trust,
    unpack,
    verify,
)
from factory_kit.seal.container import ZipContainer

if TYPE_CHECKING:
    from tests.seal.conftest import Party

NOON = 1_790_000_000_000_000


def places(path: Path) -> list[set[str]]:
    """Of every byte of a container the names that may be given for it: its file's for content, the container's for headers."""
    with path.open("rb") as file:
        container = ZipContainer(file, path.name, Limits())
        entries = [container._entries[name] for name in container.names()]
    owners = [{path.name}] * path.stat().st_size
    record = entries[-1].end
    for entry in entries:
        owners[entry.data_start : entry.end] = [{entry.name}] * entry.size
        size = len(entry.directory_record())
        owners[record : record + size] = [{entry.name, path.name}] * size
        record += size
    return owners


def named(report: Report) -> set[str]:
    """The files a report names."""
    return {finding.file for finding in report.findings}


@pytest.mark.parametrize("bundle", ["sealed", "unsigned"])
def test_flipping_any_byte_is_noticed_and_named(bundle: str, request: pytest.FixtureRequest) -> None:
    """Every byte of a small bundle, one after the other, without any key: the report names the file the byte belongs to."""
    path: Path = request.getfixturevalue(bundle)
    data, owners = path.read_bytes(), places(path)
    masks = random.Random(20261121)  # noqa: S311 - no secret
    unnoticed = []
    for at, owner in enumerate(owners):
        path.write_bytes(data[:at] + bytes([data[at] ^ masks.randrange(1, 256)]) + data[at + 1 :])
        report = verify(path)
        if report.intact or report.ok or not owner & named(report):
            unnoticed.append((at, sorted(owner)))

    assert len(owners) > 1000
    assert unnoticed == []


def test_cutting_short_anywhere_is_noticed(sealed: Path) -> None:
    """Every shorter length, down to nothing."""
    data = sealed.read_bytes()
    unnoticed = []
    for size in range(len(data)):
        sealed.write_bytes(data[:size])
        if named(verify(sealed)) != {"bundle.zip"}:
            unnoticed.append(size)

    assert unnoticed == []


@pytest.mark.parametrize("added", [b"\0", b"PK\5\6" + bytes(18), b"x" * 5000])
def test_added_bytes_are_noticed(sealed: Path, added: bytes) -> None:
    """Before, after, and as a zip comment."""
    data = sealed.read_bytes()
    comment = data[:-2] + len(added).to_bytes(2, "little") + added
    for changed in (added + data, data + added, comment):
        sealed.write_bytes(changed)
        assert named(verify(sealed)) == {"bundle.zip"}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, provider: Party) -> Path:
    """A bundle of 3 MB with 120 files, one of them read in several pieces."""
    numbers = random.Random(7)  # noqa: S311 - no secret
    files = {f"evidence/{number:03}.json": numbers.randbytes(1500) for number in range(119)}
    path = tmp_path_factory.mktemp("large") / "large.zip"
    seal_files(
        {**files, "记录.parquet": numbers.randbytes(2_800_000)}, path, "data-package", {}, [provider.signer("provider")]
    )
    return path


@pytest.fixture(scope="module")
def owners(large: Path) -> dict[int, set[str]]:
    """Whose each byte of it is, for headers, small files, and every hundredth byte of the large one."""
    return {at: owner for at, owner in enumerate(places(large)) if owner != {"记录.parquet"} or at % 100 == 0}


@settings(max_examples=100, deadline=None)
@given(data=st.data(), mask=st.integers(1, 255))
def test_flipping_a_byte_of_a_large_bundle_is_noticed(
    large: Path, owners: dict[int, set[str]], data: st.DataObject, mask: int
) -> None:
    """Anywhere: the file is named, or the container for its headers."""
    at = sorted(owners)[data.draw(st.integers(0, len(owners) - 1))]
    with large.open("rb+") as file:
        file.seek(at)
        old = file.read(1)[0]
        file.seek(at)
        file.write(bytes([old ^ mask]))
        file.flush()
        report = verify(large)
        file.seek(at)
        file.write(bytes([old]))

    assert not report.intact
    assert owners[at] & named(report)


def test_flipping_any_byte_of_an_unpacked_bundle_is_noticed(sealed: Path, tmp_path: Path) -> None:
    """In content, manifest and signatures alike."""
    folder = tmp_path / "out"
    unpack(sealed, folder)
    unnoticed = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data, name = path.read_bytes(), path.relative_to(folder).as_posix()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            report = verify(folder)
            # a hash that was changed in the manifest shows at the file it is of and at the signatures
            if report.intact or not (name in named(report) or (name == "MANIFEST.json" and len(named(report)) >= 2)):
                unnoticed.append((name, at))
        path.write_bytes(data)

    assert verify(folder).ok
    assert unnoticed == []


def test_all_that_differs_is_named_at_once(sealed: Path, tmp_path: Path) -> None:
    """Altered, missing and extra files, each with what is the matter."""
    folder = tmp_path / "out"
    unpack(sealed, folder)
    (folder / "answers.json").write_bytes(b'{"c001":"0.9"}')
    (folder / "empty").unlink()
    (folder / "evidence" / "new.json").write_bytes(b"")
    (folder / "SIGNATURES" / "note.txt").write_bytes(b"hello")

    report = verify(folder)

    assert [(finding.file, finding.what) for finding in report.findings] == [
        ("answers.json", What.ALTERED),
        ("empty", What.MISSING),
        ("evidence/new.json", What.EXTRA),
        ("SIGNATURES/note.txt", What.ALTERED),
    ]
    assert [str(finding) for finding in report.findings][:3] == [
        "out: answers.json was altered after it was sealed; get it again from who sealed it",
        "out: empty is missing; get the whole of it again",
        "out: evidence/new.json was not sealed; remove it",
    ]


def test_a_link_in_an_unpacked_bundle_is_named(sealed: Path, tmp_path: Path) -> None:
    """Even one that leads to the right content."""
    folder = tmp_path / "out"
    unpack(sealed, folder)
    shutil.move(folder / "empty", tmp_path / "elsewhere")
    (folder / "empty").symlink_to(tmp_path / "elsewhere")

    assert {(finding.file, finding.what) for finding in verify(folder).findings} == {
        ("empty", What.UNSAFE),
        ("empty", What.MISSING),
    }


def test_a_missing_manifest_is_named(sealed: Path, tmp_path: Path) -> None:
    """Without it nothing can be said of the rest."""
    unpack(sealed, tmp_path / "out")
    (tmp_path / "out" / "MANIFEST.json").unlink()

    report = verify(tmp_path / "out")

    assert [(finding.file, finding.what) for finding in report.findings] == [("MANIFEST.json", What.MISSING)]
    assert {check.state for check in report.signatures} == {SignatureState.WRONG}


def resealed(path: Path, out: Path, changes: dict[str, bytes | None]) -> Path:
    """The container with some files exchanged (None: left out), all headers right: what a crook without keys can do."""
    from factory_kit.seal.container import ZipWriter
    from factory_kit.seal.paths import order

    with path.open("rb") as file:
        container = ZipContainer(file, path.name, Limits())
        files = {name: b"".join(container.pieces(name)) for name in container.names()}
    kept = {name: content for name, content in {**files, **changes}.items() if content is not None}
    with out.open("wb") as target:
        writer = ZipWriter(target)
        for name in sorted(kept, key=order):
            writer.add(name, kept[name])
        writer.finish()
    return out


def test_a_well_made_forgery_is_named(sealed: Path, unsigned: Path, tmp_path: Path) -> None:
    """With every header and checksum put right, the manifest still knows the file, and the signatures the manifest."""
    manifest = open_sealed(unsigned).manifest
    changed = manifest.model_copy(update={"about": {"plant": "p2"}}).to_bytes()

    content = verify(resealed(sealed, tmp_path / "1.zip", {"answers.json": b'{"c001":"0.9"}'}))
    about = verify(resealed(sealed, tmp_path / "2.zip", {"MANIFEST.json": changed}))

    assert named(content) == {"answers.json"}
    assert {file.partition("-")[0] for file in named(about)} == {"SIGNATURES/enterprise", "SIGNATURES/provider"}


@pytest.mark.parametrize(
    "manifest",
    [
        b"{}", b"[]", b"null", b'{"form":1}', b"", b"\xff", b'{"about":{},"expects":[],"files":[],"form":true,"kind":"x"}',
        b'{"about":{},"expects":["b","a"],"files":[],"form":1,"kind":"x"}',
        b'{"about":{},"expects":["a","a"],"files":[],"form":1,"kind":"x"}',
        b'{"about":{},"expects":[],"files":[],"form":1,"kind":"x","more":1}',
        b'{"about":{},"expects":[],"files":[{"path":"../a","sha256":"%s","size":0,"sm3":"%s"}],"form":1,"kind":"x"}'
        % (b"0" * 64, b"0" * 64),
        b'{"about":{},"expects":[],"files":[{"path":"SIGNATURES/a","sha256":"%s","size":0,"sm3":"%s"}],"form":1,"kind":"x"}'
        % (b"0" * 64, b"0" * 64),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_named(unsigned: Path, tmp_path: Path, manifest: bytes) -> None:
    """Anything but what sealing writes is one finding about the manifest."""
    report = verify(resealed(unsigned, tmp_path / "x.zip", {"MANIFEST.json": manifest}))

    assert [finding.file for finding in report.findings] == ["MANIFEST.json"]
    with pytest.raises(SealError):
        open_sealed(tmp_path / "x.zip")


@pytest.mark.parametrize("field", ["sha256", "sm3", "size"])
def test_size_and_both_hashes_are_compared(unsigned: Path, tmp_path: Path, field: str) -> None:
    """A manifest in which only one of the three is of another content names the file."""
    manifest = open_sealed(unsigned).manifest
    answers = manifest.files[0]
    other = {"sha256": "0" * 64, "sm3": "0" * 64, "size": answers.size + 1}[field]
    files = (answers.model_copy(update={field: other}), *manifest.files[1:])
    changed = manifest.model_copy(update={"files": files}).to_bytes()

    assert named(verify(resealed(unsigned, tmp_path / "x.zip", {"MANIFEST.json": changed}))) == {"answers.json"}


def test_a_newer_form_asks_for_a_newer_version(unsigned: Path, tmp_path: Path) -> None:
    """It is not called altered."""
    manifest = b'{"about":{},"form":2,"kind":"x"}'
    with pytest.raises(SealError, match=r"x.zip: was sealed in form 2, this version reads up to 1; install a newer"):
        open_sealed(resealed(unsigned, tmp_path / "x.zip", {"MANIFEST.json": manifest}))


def test_a_removed_signature_is_missed(sealed: Path, tmp_path: Path, enterprise: Party) -> None:
    """The manifest says who was to sign."""
    name = f"SIGNATURES/enterprise-{enterprise.public.key_id}.minisig"
    report = verify(resealed(sealed, tmp_path / "x.zip", {name: None}))

    assert (report.intact, report.ok) == (True, False)
    assert [check.role for check in report.signatures if check.state is SignatureState.MISSING] == ["enterprise"]


def test_a_signature_of_another_bundle_does_not_fit(sealed: Path, tmp_path: Path, provider: Party) -> None:
    """Signatures cannot be carried from one bundle to another."""
    seal_files({"a": b"x"}, tmp_path / "other.zip", "assessment-bundle", {}, [provider.signer("provider")])
    name = f"SIGNATURES/provider-{provider.public.key_id}.minisig"
    with (tmp_path / "other.zip").open("rb") as file:
        foreign = b"".join(ZipContainer(file, "other.zip", Limits()).pieces(name))

    report = verify(resealed(sealed, tmp_path / "x.zip", {name: foreign}))

    assert [str(finding) for finding in report.findings] == [
        f"x.zip: {name} does not fit MANIFEST.json: one of them was altered"
    ]


def test_a_signature_under_another_name_is_refused(sealed: Path, tmp_path: Path, provider: Party) -> None:
    """Neither another role in the name, nor a signature that says it is of another file, passes for what it is not."""
    manifest = open_sealed(sealed).manifest.to_bytes()
    _, signature = provider.signer("provider").sign(manifest, "MANIFEST.json")
    _, elsewhere = provider.signer("reviewer").sign(manifest, "answers.json")
    renamed = f"SIGNATURES/reviewer-{provider.public.key_id}.minisig"

    for content in (signature, elsewhere):
        report = verify(resealed(sealed, tmp_path / "x.zip", {renamed: content}))
        assert [str(finding) for finding in report.findings] == [
            f"x.zip: {renamed}: belongs to another file or has another name than its signer gave it"
        ]


def test_a_wrong_checksum_in_all_headers_is_noticed(unsigned: Path) -> None:
    """Programs that trust the zip checksum would call the file damaged, so it is not what was sealed."""
    data = unsigned.read_bytes()
    right = zlib.crc32(b'{"c001":"0.8"}').to_bytes(4, "little")
    unsigned.write_bytes(data.replace(right, b"\1\2\3\4"))

    assert data.count(right) == 2
    assert named(verify(unsigned)) == {"answers.json"}


def test_a_foreign_key_does_not_count(
    sealed: Path, tmp_path: Path, provider: Party, stranger: Party, small: dict[str, bytes]
) -> None:
    """A bundle sealed anew by a stranger is intact, but nobody we trust vouches for it."""
    trust(tmp_path / "ring", provider.public, "诊断公司", ["provider"], 0)
    ring = KeyRing.read(tmp_path / "ring")
    seal_files(small, tmp_path / "x.zip", "assessment-bundle", {}, [stranger.signer("provider")])

    report = verify(tmp_path / "x.zip", ring)

    assert (report.intact, report.ok) == (True, False)
    assert [(check.state, check.holder) for check in report.signatures] == [(SignatureState.UNKNOWN_KEY, None)]
    assert verify(tmp_path / "x.zip").ok
    assert not verify(sealed, ring).ok


def test_nobody_signed_is_not_enough_for_a_ring(unsigned: Path) -> None:
    """Without a ring an unsigned thing is whole; with one it lacks what the ring is for."""
    assert verify(unsigned).ok
    assert not verify(unsigned, KeyRing()).ok
    assert not verify(unsigned, require=["provider"]).ok


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(files=4), "bundle.zip: holds more than 4 files"),
        (Limits(total_bytes=1000), "bundle.zip: is larger than 1000 bytes"),
        (Limits(manifest_bytes=100), "bundle.zip: MANIFEST.json is larger than 100 bytes"),
        (Limits(signatures=1), "bundle.zip: has more than 1 signatures"),
    ],
)
def test_limits_are_kept(sealed: Path, limits: Limits, said: str) -> None:
    """What is too much is refused with the limit that it breaks."""
    with pytest.raises(UnsafeArchive, match=said):
        open_sealed(sealed, limits=limits)


def test_nothing_there_is_an_error_not_a_report(tmp_path: Path) -> None:
    """A wrong path is said to be one."""
    with pytest.raises(SealError, match=r"no.zip: cannot be read \(No such file"):
        verify(tmp_path / "no.zip")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\5\6" + bytes(18), b"\0" * 100])
def test_other_files_are_not_sealed(tmp_path: Path, content: bytes) -> None:
    """One line, also for an empty zip file."""
    (tmp_path / "x").write_bytes(content)

    report = verify(tmp_path / "x")

    assert len(report.findings) == 1
    assert not report.ok


def test_a_file_that_changes_after_opening_is_not_given_out(unsigned: Path, small: dict[str, bytes]) -> None:
    """Every read verifies again."""
    sealed = open_sealed(unsigned)
    unsigned.write_bytes(unsigned.read_bytes().replace(b"0.8", b"0.9"))

    with pytest.raises(Altered, match=r"answers.json was altered"):
        sealed.read("answers.json")
    with pytest.raises(Altered, match="other is missing"):
        sealed.read("other")
    assert sealed.read("empty") == small["empty"]
