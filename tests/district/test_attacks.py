from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import minisign
import pytest

from factory_kit.assess.bundle import open_bundle
from factory_kit.district.office import Office
from factory_kit.district.receipts import check_ledger
from factory_kit.district.receive import LARGEST_FILE, Receipt
from factory_kit.errors import Altered
from factory_kit.seal.keys import SecretKey, Signer
from factory_kit.seal.ring import end_trust, trust
from factory_kit.seal.sealing import seal_files
from factory_kit.testing.district import Submission

Take = Callable[..., list[Receipt]]
Change = Callable[[str, str], None]
NOW = 1_790_000_000_000_000
DAY = 86_400_000_000
STEPS = range(1, 21) if os.environ.get("FACTORY_KIT_LONG") else (3, 8, 10, 12, 15, 18)

DYING = """
import os, sys
from pathlib import Path
from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district.office import Office
from factory_kit.district.receive import receive

left = int(sys.argv[1])

def dies_before(do):
    def done(*args, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
        return do(*args, **named)
    return done

os.fsync, os.replace, os.chmod = dies_before(os.fsync), dies_before(os.replace), dies_before(os.chmod)
os.rename, os.unlink, Path.write_bytes = dies_before(os.rename), dies_before(os.unlink), dies_before(Path.write_bytes)
for each in receive(Office.at(Path(sys.argv[2])), [Path(name) for name in sys.argv[3:]], rebuilt, lambda: 1_790_000_000_000_000):
    print(each.number, each.hash, flush=True)
"""


@pytest.fixture
def received(take: Take, office: Office, inbox: list[Submission]) -> Office:
    """The district after three receipts."""
    take(*(each.path for each in inbox[:3]))
    return office


def lines(office: Office) -> list[bytes]:
    """The ledger line by line."""
    return office.ledger_file.read_bytes().splitlines(keepends=True)


def test_the_first_broken_receipt_is_named(received: Office) -> None:
    """A word altered, a line removed, doubled, exchanged, and the end cut off: each names the receipt where it begins."""
    whole = lines(received)
    second = whole[1].replace(b'"accepted"', b'"returned"')
    broken = {
        "altered": (2, [whole[0], second, whole[2]]),
        "removed": (2, [whole[0], whole[2]]),
        "doubled": (3, [whole[0], whole[1], whole[1], whole[2]]),
        "exchanged": (1, [whole[1], whole[0], whole[2]]),
        "cut off": (3, whole[:2]),
        "emptied": (1, []),
    }
    assert check_ledger(received).ok
    found = {}
    for what, (_, altered) in broken.items():
        received.ledger_file.write_bytes(b"".join(altered))
        report = check_ledger(received)
        assert report.problem is not None
        found[what] = (report.count + 1, f"record {report.count + 1}" in str(report.problem))

    assert found == {what: (number, True) for what, (number, _) in broken.items()}


def test_a_cut_ledger_gives_no_number_twice(received: Office, take: Take, inbox: list[Submission]) -> None:
    """Receipts were given beyond the end of the ledger: nothing is received, and nothing is written."""
    received.ledger_file.write_bytes(b"".join(lines(received)[:2]))
    before = received.ledger_file.read_bytes()

    with pytest.raises(Altered, match="record 3, for which a receipt was given, is missing"):
        take(inbox[3].path)
    assert received.ledger_file.read_bytes() == before


def test_the_same_bundle_under_another_name_is_a_duplicate(
    received: Office, take: Take, inbox: list[Submission], tmp_path: Path
) -> None:
    """However it is called, its first receipt stands and the ledger grows by nothing."""
    copies = [
        shutil.copyfile(inbox[0].path, tmp_path / name) for name in ("新名称.zip", "=HYPERLINK(1).zip", "a b.zip")
    ]
    before = lines(received)

    assert [(each.outcome, each.number) for each in take(*map(Path, copies))] == [("duplicate", 1)] * 3
    assert lines(received) == before


def signed(bundle: Path, out: Path, key: SecretKey, when: int) -> Path:
    """The content of *bundle* signed by *key* at *when*, for provider and enterprise."""
    sealed = open_bundle(bundle)
    signers = [Signer(key, role, "示例诊断甲", lambda: when) for role in ("provider", "enterprise")]
    seal_files(dict(sealed.contents()), out, "assessment-bundle", sealed.about, signers)
    return out


def test_expired_and_revoked_keys_do_not_count(
    take: Take, office: Office, change: Change, inbox: list[Submission], tmp_path: Path
) -> None:
    """In time it is accepted; after the key's last day, before its first, or once it was revoked, the bundle comes back: R02 with the state."""
    change("trusted_keys_only: false", "trusted_keys_only: true")
    good, ended = (SecretKey(minisign.KeyPair.generate().secret_key) for _ in range(2))
    trust(office.path / "keys", good.public, "示例诊断甲", ["provider", "enterprise"], NOW - DAY, NOW + DAY)
    trust(office.path / "keys", ended.public, "示例诊断甲", ["provider", "enterprise"], NOW - DAY)
    end_trust(office.path / "keys", ended.public.key_id, NOW + 10 * DAY, "compromised", "区经委")
    sent = {
        "in time": signed(inbox[0].path, tmp_path / "in.zip", good, NOW),
        "expired": signed(inbox[1].path, tmp_path / "expired.zip", good, NOW + DAY),
        "early": signed(inbox[2].path, tmp_path / "early.zip", good, NOW - 2 * DAY),
        "revoked": signed(inbox[2].path, tmp_path / "revoked.zip", ended, NOW),
    }
    found = dict(zip(sent, take(*sent.values()), strict=True))

    assert found.pop("in time").outcome == "accepted"
    assert {name: each.outcome for name, each in found.items()} == dict.fromkeys(found, "returned")
    states = {name: str(each.rulings[0].details["state"]) for name, each in found.items()}
    assert states == {"expired": "not allowed", "early": "not allowed", "revoked": "revoked"}


def test_a_bomb_and_a_giant_are_rejected_unopened(take: Take, office: Office, tmp_path: Path) -> None:
    """A small file that unpacks to more than is taken, and a file larger than is read: R01, and nothing of them is kept."""
    bomb, giant = tmp_path / "bomb.zip", tmp_path / "giant.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("score.json", "w") as out,
    ):
        for _ in range(300):
            out.write(bytes(1 << 20))
    with giant.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # holds nothing, takes no room
    found = take(bomb, giant)

    assert [(each.outcome, {ruling.rule for ruling in each.rulings}) for each in found] == [("rejected", {"R01"})] * 2
    assert list(office.bundles_folder.iterdir()) == []


def test_two_processes_receive_at_once(office: Office, inbox: list[Submission]) -> None:
    """One of them waits its turn or says that it must; afterwards every file has one receipt."""
    files = [str(each.path) for each in inbox[:3]]
    command = [sys.executable, "-c", DYING, "0", str(office.path), *files]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(each.communicate(timeout=300)[1], each.returncode) for each in running]
    assert any(code == 0 for _, code in ends)
    assert all(b"another process is writing" in errors for errors, code in ends if code)
    assert check_ledger(office).ok
    assert Counter(link.record["file"] for link in office.ledger()) == Counter(Path(name).name for name in files)


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_any_write_nothing_is_lost_or_doubled(
    office: Office, take: Take, inbox: list[Submission], step: int
) -> None:
    """Before the nth write, rename, sync or removal the process is gone; every receipt it printed stands, and repeating completes the rest."""
    files = [each.path for each in inbox[:2]]
    command = [sys.executable, "-c", DYING, str(step), str(office.path), *map(str, files)]
    died = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert died.returncode in {0, -signal.SIGKILL}, died.stderr
    given = [tuple(line.split()) for line in died.stdout.splitlines()]
    known = {(str(link.n), link.hash) for link in office.ledger()} if office.ledger_file.exists() else set()
    assert set(given) <= known

    again = take(*files)
    assert {each.outcome for each in again} <= {"accepted", "duplicate"}
    assert check_ledger(office).ok
    assert [link.record["file"] for link in office.ledger()] == [path.name for path in files]
    kept = {path.name for path in office.bundles_folder.iterdir()}
    assert kept == {f"{link.record['sha256']}.zip" for link in office.ledger()}


def test_receipts_hold_what_the_ledger_says(received: Office) -> None:
    """Each receipt has the number and hash of its record, so anybody who kept one can prove it."""
    found = [json.loads(path.read_bytes()) for path in sorted(received.receipts_folder.glob("*.json"))]

    assert [(each["number"], each["hash"]) for each in found] == [(link.n, link.hash) for link in received.ledger()]
