"""discover modbus: nothing without permission and a dry run; then units, SunSpec models and guesses, gently, from servers of several makers."""

from __future__ import annotations

import _thread
import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from factory_kit.cli.checks import check_path
from factory_kit.cli.main import main
from factory_kit.collect.discover_modbus import Discovered, Limits, ModbusWish, discover_modbus, plan_of
from factory_kit.collect.rehearsal import discovery_folder, rehearse
from factory_kit.drivers.modbus.sunspec import known_model
from factory_kit.errors import DeviceUnavailable, FactoryKitError, NotAuthorised, UsageError
from factory_kit.load.checked import yaml_file
from factory_kit.load.connector import connector_folder
from factory_kit.model.samples import ConnectorSamples
from factory_kit.model.site import Site

FAST = Limits(requests_per_s=500, seconds=60)


def _now() -> int:
    return time.time_ns() // 1000


def _site(*addresses: str) -> Site:
    label = {"zh": "试验", "en": "trial"}
    machine = {"id": "m", "name": label}
    plant = {
        "id": "p",
        "name": label,
        "credit_code": "91310000MA1FL0A123",
        "type": "discrete",
        "industry": {"code": "C34"},
    }
    permission = {
        "granted_by": "a",
        "reference": "T-1",
        "granted_on": "2020-01-01",
        "valid_until": "2099-01-01",
        "addresses": addresses,
    }
    return Site.model_validate(
        {"site": 1, "kind": "real", "plant": plant, "authorisation": permission, "equipment": (machine,)}, strict=False
    )


def _discovered(port: int, folder: Path, **wish: Any) -> Discovered:
    address = f"127.0.0.1:{port}"
    site = _site(address)
    wanted = ModbusWish.of(site, address, **{"limits": FAST, **wish})
    place = discovery_folder(folder, address)
    rehearse(place, plan_of(site, wanted, _now()))
    return discover_modbus(site, wanted, place, now=_now, request_log=folder / "requests.jsonl")


def _text(text: str, registers: int) -> list[int]:
    return list(struct.unpack(f">{registers}H", text.encode().ljust(2 * registers, b"\0")))


SF = 65536
"""From here down: a scale factor below zero, as a register holds it."""
COMMON = [
    1,
    66,
    *_text("Maker", 16),
    *_text("Sun 50", 16),
    *_text("", 8),
    *_text("1.2", 8),
    *_text("SN-7", 16),
    5,
    0x8000,
]
INVERTER = [
    103, 50, 721, 240, 240, 241, SF - 1, *(0xFFFF,) * 3, 2305, 2311, 2298, SF - 1, 4985, 1, 5001, SF - 2, 5001, 1, SF - 12, 1, 9968, SF - 2,
    *struct.unpack(">2H", struct.pack(">I", 123456789)), 0, 812, SF - 1, 6205, SF - 1, 5102, 1, 412, *(0x8000,) * 3, SF - 1, 4, 0,
]  # fmt: skip
MEASURED = {"W": -1234.5, "TotWhImp": 9876543.0, "Hz": 50.0}


def _sunspec(base: int) -> dict[tuple[str, int], int]:
    """An inverter of model 103 and the meter 213 behind the common model, as a maker would lay them out."""
    meter = [213, 124] + [0] * 124
    for point in (known_model(213) or pytest.fail("no such model")).points:
        if point.type == "float32":
            measured = struct.pack(">f", MEASURED.get(point.name, 0.0))
            meter[point.offset : point.offset + 2] = struct.unpack(">2H", measured)
    inverter = INVERTER + [0] * (52 - len(INVERTER))
    words = [0x5375, 0x6E53, *COMMON, *inverter, *meter, 64999, 3, 1, 2, 3, 0xFFFF, 0]
    return {("holding", base + place): word for place, word in enumerate(words)} | {("holding", 0): 7}


@pytest.mark.wire
@pytest.mark.parametrize("base", [40000, 50000])
def test_sunspec_models_become_a_connector_by_themselves(serve: Callable[..., Any], tmp_path: Path, base: int) -> None:
    """Wherever the sign stands the models are walked: exact points with scale factors, a state mapping, samples that decode."""
    with serve(units={1: _sunspec(base)}, identity={1: {0: b"Maker", 1: b"S50", 2: b"1.2"}}) as shelf:
        found = _discovered(shelf.port, tmp_path, units="1")

    assert [(model.number, model.length) for model in found.found[0].models] == [
        (1, 66),
        (103, 50),
        (213, 124),
        (64999, 3),
    ]
    [draft] = found.drafts
    folder = found.folder / "connectors" / draft.id
    assert check_path(folder).kind == "connector"
    connector = connector_folder(folder)
    assert connector.label.en == "Draft: Maker Sun 50"
    assert connector.point("m103.w").address == f"holding:{base + 2 + 68 + 14}"
    assert connector.point("m103.st").role.value == "state"
    assert connector.point("m213.totwhimp").role.value == "active_energy"
    [sample] = yaml_file(folder / "samples.yaml", ConnectorSamples).root
    said = {name: sample.expect[name] for name in ("m103.w", "m103.phvpha", "m103.wh", "m103.st", "m213.w", "m1.mn")}
    assert said == {
        "m103.w": 49850.0,
        "m103.phvpha": 230.5,
        "m103.wh": 123456789.0,
        "m103.st": 4.0,
        "m213.w": -1234.5,
        "m1.mn": "Maker",
    }
    assert "m103.ppvphab" not in sample.expect, "what the device says it does not have is left out"
    assert any("model 64999" in line for line in draft.left_out)


@pytest.mark.wire
def test_units_are_looked_for_until_ten_in_a_row_are_silent(serve: Callable[..., Any], tmp_path: Path) -> None:
    """Units that answer are found, also one that only refuses; each silent one is asked once, and only reading functions go out."""
    one = {("holding", 0): 1}
    with serve(units={3: one, 5: {}}) as shelf:
        found = _discovered(shelf.port, tmp_path, units="1-40")
        asked = [
            unit for unit, function, start, _count in shelf.requests if function == 3 and start == 0 and _count == 1
        ]

    assert [each.unit for each in found.found] == [3, 5]
    assert asked == list(range(1, 16))
    assert {function for _unit, function, *_rest in shelf.requests} <= {1, 2, 3, 4, 43}


@pytest.mark.wire
def test_the_first_sign_of_trouble_ends_everything(serve: Callable[..., Any], tmp_path: Path) -> None:
    """A device that says it is busy is left alone at once; what was learnt before is kept and the reason is told."""
    registers = {("holding", address): address for address in range(100)}

    def refuse(_unit: int, function: int, start: int, _count: int) -> int:
        return 6 if function == 3 and start == 50 else 0

    with serve(units={1: registers, 2: registers}, refuse=refuse) as shelf:
        found = _discovered(shelf.port, tmp_path, units="1-2", registers=["holding:0-99"], rounds=3, every_s=0.1)
        after = [request for request in shelf.requests if request[2] == 50]

    assert str(found.ended) == "unit 1 answered exception 6 (device busy); a stranger asks nothing more then"
    assert shelf.requests[-1] == after[-1], "nothing is sent after the trouble"
    told = json.loads((found.folder / "device.json").read_text(encoding="utf-8"))
    assert told["ended"] == str(found.ended)
    assert [each["unit"] for each in told["units"]] == [1, 2]


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Ctrl-C, as Python takes it also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield _thread.interrupt_main
    signal.signal(signal.SIGINT, before)


@pytest.mark.wire
@pytest.mark.parametrize("in_round", [0, 2])
def test_ctrl_c_keeps_the_part_found_so_far(
    serve: Callable[..., Any],
    tmp_path: Path,
    ctrl_c: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    in_round: int,
) -> None:
    """While registers are looked at or watched: what was found is written and told as a part, nothing more is asked, exit code 1."""
    asked: list[int] = []
    registers = {("holding", address): address for address in range(1, 101)} | {("holding", 0): 1}

    def pressed(_unit: int, function: int, start: int, count: int) -> int:
        if (function, count) == (3, 50):
            asked.append(start)
            if asked.count(50) > in_round:
                ctrl_c()
        return 0

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LANGUAGE", "en")
    with serve(units={1: registers}, identity={1: {0: b"Maker"}}, refuse=pressed) as shelf:
        address = f"127.0.0.1:{shelf.port}"
        (tmp_path / "site.yaml").write_text(json.dumps(_site(address).model_dump(mode="json"), ensure_ascii=False))
        words = ["--lang", "en", "discover", "modbus", address, "-w", str(tmp_path), "--units", "1", "--rate", "50"]
        words += ["--registers", "holding:0-99", "--rounds", "40", "--every", "0.1"]
        with pytest.raises(SystemExit, match="0"):
            main(words)
        with pytest.raises(SystemExit, match="1"):
            main([*words, "--go"])
        count = len(asked)

    [told] = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("device.json")]
    assert told["ended"] == "interrupted with Ctrl-C; what was found so far is only a part"
    assert [each["identity"]["vendor"] for each in told["units"]] == ["Maker"]
    [seen] = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("registers.json")]
    assert {"0", "49"} <= seen["1"]["holding"].keys()
    assert count == 2 * (in_round + 1)
    said = capsys.readouterr().err
    assert "Ended early: interrupted with Ctrl-C; what was found so far is only a part" in said
    assert said.rstrip().endswith("Interrupted.")


@pytest.mark.wire
def test_limits_of_requests_and_pace_are_kept(serve: Callable[..., Any], tmp_path: Path) -> None:
    """No more requests than allowed, and no faster."""
    registers = {("holding", address): address for address in range(10)}
    began = time.monotonic()
    with serve(units=dict.fromkeys(range(1, 30), registers)) as shelf:
        found = _discovered(
            shelf.port, tmp_path, units="1-29", limits=Limits(requests_per_s=20, requests=12, seconds=60)
        )

    assert len(shelf.requests) == 12
    assert time.monotonic() - began >= 11 / 20
    assert str(found.ended) == "the limit of 12 requests is reached"


@pytest.mark.wire
def test_registers_are_guessed_from_their_behaviour(serve: Callable[..., Any], tmp_path: Path) -> None:
    """A meter of unknown make: noisy floats, a counter that rolls over, text and a hole; proposals are right, marked, and the draft checks."""
    chance, started, count = Random(5), 40 * 65536 - 900, [0]  # noqa: S311 - a repeatable plant, no secret
    kinds = {0: 230.4, 2: 87.3, 4: 58321.0}

    def held() -> dict[tuple[str, int], int]:
        count[0] += 1
        words: dict[tuple[str, int], int] = {}
        for address, level in kinds.items():
            packed = struct.unpack(">2H", struct.pack(">f", level * (1 + chance.gauss(0, 0.01))))
            words |= {("holding", address): packed[1], ("holding", address + 1): packed[0]}
        total = struct.unpack(">2H", struct.pack(">I", started + 2000 * count[0]))
        words |= {("holding", 10): total[0], ("holding", 11): total[1]}
        words |= {("holding", 20 + place): word for place, word in enumerate(_text("METER-7A", 4))}
        words |= {("input", 3): 2300 + chance.randrange(-9, 10)}
        return words

    with serve(units={1: held}, most=40) as shelf:
        found = _discovered(
            shelf.port,
            tmp_path,
            units="1",
            registers=["holding:0-29", "input:0-7"],
            rounds=20,
            every_s=0.1,
            limits=Limits(500, 2000, 60, 30),
        )

    assert found.ended is None
    told = json.loads((found.folder / "device.json").read_text(encoding="utf-8"))
    guesses = {
        (each["table"], each["address"]): (each["reading"], each["clear"]) for each in told["units"][0]["guesses"]
    }
    assert guesses == {
        ("holding", 0): ("float32 CDAB", True),
        ("holding", 2): ("float32 CDAB", True),
        ("holding", 4): ("float32 CDAB", True),
        ("holding", 10): ("uint32", True),
        ("holding", 20): ("string", False),
        ("input", 3): ("uint16", True),
    }
    folder = found.folder / "connectors" / found.drafts[0].id
    assert check_path(folder).kind == "connector"
    assert all(
        point.confidence == "low" and point.source.startswith("GUESS") for point in connector_folder(folder).points
    )


@pytest.mark.wire
def test_nothing_is_sent_without_permission_or_dry_run(serve: Callable[..., Any], tmp_path: Path) -> None:
    """Another address, no dry run, or a dry run of something else: one line, and not one connection."""
    with serve(units={1: {("holding", 0): 1}}) as shelf:
        address = f"127.0.0.1:{shelf.port}"
        place, log = discovery_folder(tmp_path, address), tmp_path / "requests.jsonl"
        wish = ModbusWish.of(_site(address), address, limits=FAST)
        with pytest.raises(NotAuthorised, match="does not cover"):
            plan_of(_site("127.0.0.1:1"), wish, _now())
        with pytest.raises(UsageError, match="has not been shown yet"):
            discover_modbus(_site(address), wish, place, now=_now, request_log=log)
        rehearse(place, plan_of(_site(address), wish, _now()))
        wider = ModbusWish.of(_site(address), address, limits=FAST, registers=["holding:0-9"])
        with pytest.raises(UsageError, match="has not been shown yet"):
            discover_modbus(_site(address), wider, place, now=_now, request_log=log)

        assert shelf.requests == []
    assert not log.exists()


@pytest.mark.parametrize(
    "server", ["192.0.2.0/24", "192.0.2.1-20", "192.0.2.*", "192.0.2.1,192.0.2.2", "opc.tcp://192.0.2.1", ""]
)
def test_a_network_is_never_looked_through(server: str) -> None:
    """Whatever names more than one address is refused."""
    with pytest.raises(UsageError, match="one address"):
        ModbusWish.of(_site("192.0.2.1:502"), server)


def test_units_of_a_serial_line_must_be_named() -> None:
    """On a serial line nothing is looked for by default."""
    site = _site("/dev/ttyS9")
    line = {"driver": "modbus", "transport": "rtu", "serial": "/dev/ttyS9"}
    site = Site.model_validate(site.model_dump() | {"servers": {"line": line}}, strict=False)

    with pytest.raises(UsageError, match="name them with --units"):
        ModbusWish.of(site, "line")
    assert ModbusWish.of(site, "line", units="7").units == (7,)


@pytest.mark.parametrize(
    ("units", "said"), [("0", "1 to 255"), ("1-", "no list"), ("x", "no list"), ("1-300", "1 to 255")]
)
def test_units_that_cannot_be_are_refused(units: str, said: str) -> None:
    """0 is the broadcast address, and 300 is none."""
    with pytest.raises(UsageError, match=said):
        ModbusWish.of(_site("192.0.2.1:502"), "192.0.2.1", units=units)


@pytest.mark.wire
def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    """A closed port says so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeviceUnavailable, match="no connection"):
        _discovered(port, tmp_path)


@pytest.mark.wire
def test_every_request_stands_in_the_log(serve: Callable[..., Any], tmp_path: Path) -> None:
    """The request log counts what the server saw."""
    with serve(units={1: {("holding", 0): 1}}) as shelf:
        _discovered(shelf.port, tmp_path, units="1")
        seen = len(shelf.requests)

    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum(line["count"] for line in lines) == seen
    assert {line["service"] for line in lines} == {"function 3", "function 43/14"}
    assert all(line["run"].startswith("discover-") for line in lines)


# Servers that are not ours


SIMULATOR: dict[str, Any] = {
    "server_list": {
        "server": {
            "comm": "tcp",
            "host": "127.0.0.1",
            "port": 0,
            "ignore_missing_devices": False,
            "framer": "socket",
            "identity": {"VendorName": "pymodbus"},
        }
    },
    "device_list": {
        "device": {
            "setup": {
                "co size": 100,
                "di size": 100,
                "hr size": 200,
                "ir size": 200,
                "shared blocks": True,
                "type exception": False,
                "defaults": {
                    "value": {"bits": 0, "uint16": 0, "uint32": 0, "float32": 0.0, "string": " "},
                    "action": {"bits": None, "uint16": None, "uint32": None, "float32": None, "string": None},
                },
            },
            "invalid": [],
            "write": [],
            "bits": [],
            "uint16": [{"addr": 0, "value": 7}, {"addr": [10, 19], "action": "random"}],
            "uint32": [],
            "float32": [{"addr": [30, 31], "value": 230.5}],
            "string": [],
            "repeat": [],
        }
    },
}


@contextmanager
def _process(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            if process.poll() is not None:
                pytest.skip("the other server ended by itself")
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.wire
def test_a_simulator_of_pymodbus_is_discovered(tmp_path: Path) -> None:
    """Its unit answers, and registers that hold a constant float are proposed with their doubt."""
    pytest.importorskip("aiohttp")
    port, web = _free_port(), _free_port()
    SIMULATOR["server_list"]["server"]["port"] = port
    (tmp_path / "setup.json").write_text(json.dumps(SIMULATOR), encoding="utf-8")
    program = Path(sys.executable).with_name("pymodbus.simulator")
    if not program.exists():
        pytest.skip("pymodbus.simulator is not installed")
    command = [
        str(program),
        "--json_file",
        str(tmp_path / "setup.json"),
        "--modbus_server",
        "server",
        "--modbus_device",
        "device",
        "--http_host",
        "127.0.0.1",
        "--http_port",
        str(web),
    ]
    with _process(command, port):
        found = _discovered(port, tmp_path, units="1", registers=["holding:0-39"], rounds=5, every_s=0.1)

    assert [each.unit for each in found.found] == [1]
    told = {
        (each["table"], each["address"]): each
        for each in json.loads((found.folder / "device.json").read_text(encoding="utf-8"))["units"][0]["guesses"]
    }
    assert told["holding", 30]["reading"] == "float32"
    assert not told["holding", 30]["clear"]


LIBMODBUS = r"""
#include <modbus.h>
#include <stdlib.h>
#include <errno.h>
int main(int n, char **v) {
  modbus_t *m = modbus_new_tcp("127.0.0.1", atoi(v[1]));
  modbus_mapping_t *map = modbus_mapping_new(16, 16, 60, 60);
  int s, r; uint8_t q[MODBUS_TCP_MAX_ADU_LENGTH]; unsigned total = 65536u * 3 - 800;
  for (r = 0; r < 60; r++) map->tab_input_registers[r] = r;
  s = modbus_tcp_listen(m, 1);
  for (;;) {
    modbus_tcp_accept(m, &s);
    while ((r = modbus_receive(m, q)) >= 0) {
      if (r == 0) continue;
      total += 2500; map->tab_registers[8] = total >> 16; map->tab_registers[9] = total & 0xFFFF;
      modbus_reply(m, q, r, map);
    }
  }
}
"""


@pytest.mark.wire
def test_a_server_of_libmodbus_is_discovered(tmp_path: Path) -> None:
    """A server in C that is not ours: its counter is found by its roll-over, and the registers beyond its end are named as refused."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    (tmp_path / "server.c").write_text(LIBMODBUS, encoding="utf-8")
    built = compiler and subprocess.run(
        [compiler, "-o", str(tmp_path / "server"), str(tmp_path / "server.c"), "-I/usr/include/modbus", "-lmodbus"],
        capture_output=True,
        check=False,
    )
    if not built or built.returncode:
        pytest.skip("libmodbus-dev or a C compiler is missing")
    port = _free_port()
    with _process([str(tmp_path / "server"), str(port)], port):
        found = _discovered(
            port,
            tmp_path,
            units="1",
            registers=["holding:0-69"],
            rounds=20,
            every_s=0.1,
            limits=Limits(500, 2000, 60, 35),
        )

    assert found.ended is None, str(found.ended)
    guesses = {
        each["address"]: each
        for each in json.loads((found.folder / "device.json").read_text(encoding="utf-8"))["units"][0]["guesses"]
    }
    assert (guesses[8]["reading"], guesses[8]["clear"]) == ("uint32", True)
    assert [str(span) for span in found.found[0].refused] == ["holding:60-69"]


def test_our_table_of_models_is_that_of_the_alliance() -> None:
    """Where pysunspec2 is installed, every point of ours has the offset, size and scale factor that its definitions give."""
    models = pytest.importorskip("sunspec2.mdef")
    folder = Path(models.__file__).parent / "models" / "json"
    for number in (1, 101, 102, 103, 111, 112, 113, 201, 202, 203, 204, 211, 212, 213, 214):
        known = known_model(number)
        assert known is not None
        theirs, offset = {}, 0
        for point in json.loads((folder / f"model_{number}.json").read_text(encoding="utf-8"))["group"]["points"]:
            if point["type"] != "pad" and point["name"] not in {"ID", "L"}:
                theirs[point["name"]] = (offset, point["size"], point.get("sf", ""))
            offset += point["size"]
        assert {point.name: (point.offset, point.size, point.factor) for point in known.points} == theirs


def test_the_command_shows_before_it_sends(tmp_path: Path) -> None:
    """Without --go the command prints what would be sent and to whom; a workspace without permission gets one line."""
    run = [sys.executable, "-m", "factory_kit"]
    subprocess.run([*run, "init", str(tmp_path / "plant")], check=True, capture_output=True)
    done = subprocess.run(
        [*run, "discover", "modbus", "192.0.2.7", "-w", str(tmp_path / "plant")],
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )

    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") <= 3
    assert issubclass(NotAuthorised, FactoryKitError)
