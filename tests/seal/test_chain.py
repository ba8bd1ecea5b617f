"""The hash chain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_kit.errors import Altered, SealError, StoreBusy
from factory_kit.seal import canonical, open_chain, read_chain, record_id, verify_chain

POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX only")


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A ledger of five receipts."""
    path = tmp_path / "ledger.jsonl"
    with open_chain(path) as writer:
        for number in range(5):
            writer.append({"file": f"b{number}.zip", "who": "经委"})
    return path


def test_records_come_back_in_order(chain: Path) -> None:
    """Numbers from one, each with the hash of the one before; a later writer goes on where the last one stopped."""
    with open_chain(chain) as writer:
        last = writer.append({"file": "late.zip"})
    links = list(read_chain(chain))

    assert [link.n for link in links] == [1, 2, 3, 4, 5, 6]
    assert [link.prev for link in links] == ["0" * 64, *(link.hash for link in links[:-1])]
    assert links[0].record == {"file": "b0.zip", "who": "经委"}
    assert links[-1] == last
    assert verify_chain(chain).ok


def test_a_line_can_be_checked_by_hand(chain: Path) -> None:
    """The hash is the sha256 of the canonical JSON of the other four fields."""
    line = json.loads(chain.read_text(encoding="utf-8").splitlines()[2])
    own = line.pop("hash")

    assert sorted(line) == ["form", "n", "prev", "record"]
    assert record_id(line) == own


def test_flipping_any_byte_names_the_record(chain: Path) -> None:
    """Every byte of the ledger, one after the other: the first broken record is the one the byte belongs to."""
    data = chain.read_bytes()
    wrong = []
    for at in range(len(data)):
        chain.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        report = verify_chain(chain)
        number = data[:at].count(b"\n") + 1
        if report.ok or report.count != number - 1 or f"record {number} " not in str(report.problem):
            wrong.append(at)

    assert wrong == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(5)), st.sets(st.integers(0, 4)))
def test_removed_inserted_and_exchanged_records_are_noticed(chain: Path, order: list[int], left_out: set[int]) -> None:
    """Any other selection or order of the records breaks where it first differs; only a cut at the end holds in itself."""
    links = list(read_chain(chain))
    lines = chain.read_bytes().splitlines(keepends=True)
    kept = [number for number in order if number not in left_out]
    changed = chain.with_name("changed")
    changed.write_bytes(b"".join(lines[number] for number in kept))

    report = verify_chain(changed, {5: links[4].hash})

    right = next((at for at, number in enumerate(kept) if at != number), len(kept))
    assert report.count == right
    assert report.ok == (kept == [0, 1, 2, 3, 4])
    assert verify_chain(changed).ok == (right == len(kept))


def test_a_chain_written_anew_is_noticed_by_a_receipt(chain: Path, tmp_path: Path) -> None:
    """Whoever writes all records again cannot give them the hashes of the receipts."""
    links = list(read_chain(chain))
    forged = tmp_path / "forged.jsonl"
    with open_chain(forged) as writer:
        writer.append_all([link.record if link.n != 3 else {"file": "other"} for link in links])

    assert verify_chain(forged).ok
    assert verify_chain(forged, {2: links[1].hash}).ok
    assert "record 4 is not the one a receipt was given for" in str(verify_chain(forged, {4: links[3].hash}).problem)
    assert "record 9, for which a receipt was given, is missing" in str(verify_chain(chain, {9: "x", 10: "y"}).problem)


def forged(n: int, prev: str, record: dict[str, str]) -> bytes:
    """A line that holds in itself."""
    own = record_id({"form": 1, "n": n, "prev": prev, "record": record})
    return canonical({"form": 1, "hash": own, "n": n, "prev": prev, "record": record}) + b"\n"


def test_a_record_that_holds_in_itself_must_follow_too(chain: Path) -> None:
    """A forged record breaks the one after it; a wrong number or a wrong predecessor breaks itself."""
    links = list(read_chain(chain))
    lines = chain.read_bytes().splitlines(keepends=True)
    cases = {
        (forged(3, links[1].hash, {"file": "other"}), 4): 2,
        (forged(9, links[1].hash, {"file": "other"}), 3): 2,
        (forged(3, links[0].hash, {"file": "other"}), 3): 2,
    }
    for (line, number), at in cases.items():
        chain.write_bytes(b"".join([*lines[:at], line, *lines[at + 1 :]]))
        assert f"record {number} does not follow the one before it" in str(verify_chain(chain).problem)


def test_a_torn_record_is_moved_away_wherever_it_tore(chain: Path, tmp_path: Path) -> None:
    """The power may go after any byte: the records before it stay, the rest is kept beside, and writing goes on."""
    data = chain.read_bytes()
    start = data.rstrip(b"\n").rindex(b"\n") + 1
    for end in range(start + 1, len(data)):
        chain.write_bytes(data[:end])
        assert "record 5 ends in the middle" in str(verify_chain(chain).problem)
        with open_chain(chain) as writer:
            assert writer.torn is not None
            assert (writer.torn.size, writer.torn.kept.read_bytes()) == (end - start, data[start:end])
            assert writer.last is not None
            assert writer.last.n == 4
            writer.append({"file": "again.zip"})
        assert verify_chain(chain).count == 5
        assert verify_chain(chain).ok
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ledger.jsonl",
        "ledger.jsonl.lock",
        f"ledger.jsonl.torn-{start}",
    ]


def test_a_torn_first_record_is_moved_away(tmp_path: Path) -> None:
    """Also when there is nothing else, and when the disk kept zeros instead."""
    path = tmp_path / "ledger.jsonl"
    for rest in (b'{"form":1', b"\0" * 5000, b'{"form":1' + b"\0" * 100 + b"}\n"):
        path.write_bytes(rest)
        with open_chain(path) as writer:
            assert writer.torn is not None
            assert writer.last is None
            assert writer.append({}).n == 1
        assert verify_chain(path).ok


def test_nothing_is_appended_to_an_altered_chain(chain: Path) -> None:
    """A whole last line that does not hold is no accident of writing."""
    data = chain.read_bytes()
    chain.write_bytes(data.replace(b"b4.zip", b"b9.zip"))
    with pytest.raises(Altered, match=r"ledger.jsonl: record 5 was altered"), open_chain(chain):
        pass
    chain.write_bytes(data + b"\n")
    with pytest.raises(Altered, match=r"ledger.jsonl: record 6 was altered"), open_chain(chain):
        pass


def test_one_writer_at_a_time(chain: Path) -> None:
    """The second is told to wait; readers never are."""
    with open_chain(chain) as writer:
        with pytest.raises(StoreBusy, match="another process is writing"), open_chain(chain):
            pass
        writer.append({"file": "x"})
        assert verify_chain(chain).count == 6
    with open_chain(chain) as writer:
        assert writer.torn is None


def test_a_record_that_cannot_be_kept_is_refused_whole(chain: Path) -> None:
    """Of several records none is written when one cannot be."""
    before = chain.read_bytes()
    with open_chain(chain) as writer:
        with pytest.raises(SealError, match="floating-point"):
            writer.append_all([{"a": "1"}, {"a": 1.5}])
        with pytest.raises(SealError, match="at most 16777216 fit"):
            writer.append({"a": "x" * (17 << 20)})
    assert chain.read_bytes() == before


FULL = """
import resource, sys
from pathlib import Path
from factory_kit.errors import FactoryKitError
from factory_kit.seal import open_chain
with open_chain(Path(sys.argv[1])) as writer:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        writer.append({"file": "x" * 100})
    except FactoryKitError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    writer.append({"file": "y"})
"""


@POSIX
@pytest.mark.parametrize("room", [0, 1, 150])
def test_a_full_disk_leaves_the_chain_as_it_was(chain: Path, room: int) -> None:
    """One line says so, no part of the record stays, and with room again the next record follows."""
    limit = str(chain.stat().st_size + room)

    done = subprocess.run([sys.executable, "-c", FULL, chain, limit], capture_output=True, text=True, check=True)

    assert done.stdout == f"{chain}: the disk is full, the record was not written; make room and repeat\n"
    assert verify_chain(chain).ok
    assert [link.record for link in read_chain(chain)][5:] == [{"file": "y"}]


KILLED = """
import os, sys
from pathlib import Path
from factory_kit.seal import open_chain
with open_chain(Path(sys.argv[1])) as writer:
    for number in range(1000):
        link = writer.append({"number": number})
        os.write(1, f"{link.n}\\n".encode())
"""


def test_a_killed_writer_loses_nothing_it_confirmed(tmp_path: Path) -> None:
    """After kill -9 every number it printed is in the chain, and the next writer gets the lock."""
    path = tmp_path / "ledger.jsonl"
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        confirmed = 20 + len(process.stdout.read().splitlines())

    with open_chain(path) as writer:
        assert writer.last is not None
        assert writer.last.n >= confirmed
    assert verify_chain(path).ok


def test_an_empty_chain_holds(tmp_path: Path) -> None:
    """No record yet is no mistake, a missing file is."""
    with open_chain(tmp_path / "ledger.jsonl") as writer:
        assert writer.last is None
    assert verify_chain(tmp_path / "ledger.jsonl").ok
    assert "no.jsonl: cannot be read" in str(verify_chain(tmp_path / "no.jsonl").problem)
