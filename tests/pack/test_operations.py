"""Each operation of a recipe over a few rows, and the keys behind them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from factory_kit.errors import FactoryKitError, KeyRefused
from factory_kit.model.product import DataProduct
from factory_kit.model.recipe import Recipe, Shift
from factory_kit.pack import deid
from factory_kit.pack.deid import published_recipe, recipe_digest, require_no_key, secret_shift, treated, unordered
from factory_kit.pack.pseudonyms import key_fingerprint, plant_key, pseudonyms

KEY = bytes(range(32))
NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - naive UTC
ROWS = """
SELECT TIMESTAMP '2026-01-01 12:00:00' + INTERVAL (n) MINUTE AS time, TIMESTAMP '2026-01-01 12:00:30' AS till,
       CASE WHEN n = 3 THEN NULL ELSE 'm' || n % 2 END AS machine, CASE WHEN n = 4 THEN NULL ELSE CAST(n AS DECIMAL(9, 2)) END AS load
FROM range(6) AS r(n)
"""


def product(*operations: dict[str, Any]) -> DataProduct:
    """A product with these operations."""
    recipe = Recipe.model_validate(
        {"id": "r", "steps": ({"zh": "步", "en": "step"},), "operations": operations}, strict=False
    )
    return DataProduct.model_construct(product="minutes", recipe=recipe)


def rows(*operations: dict[str, Any], names_only: bool = False) -> list[tuple[Any, ...]]:
    """The rows after these operations, in order of what stands first."""
    with duckdb.connect() as con:
        sql = treated(con, product(*operations), ROWS, KEY, names_only=names_only)
        return con.execute(f"SELECT * FROM ({sql}) ORDER BY ALL").fetchall()  # noqa: S608 - made here


def loads(*operations: dict[str, Any]) -> list[Any]:
    """What becomes of 0, 1, 2, 3, nothing and 5."""
    return [row[-1] for row in rows(*operations)]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "scale", "rated": "4"}, [0, 0.25, 0.5, 0.75, None, 1.25]),
        ({"op": "scale", "rated": "4", "zero": "1"}, [-0.25, 0, 0.25, 0.5, None, 1]),
        ({"op": "round", "step": "2"}, [0, 2, 2, 4, None, 6]),
        ({"op": "round", "step": "0.4"}, [0, 1.2, 2.0, 3.2, None, 5.2]),
        ({"op": "round", "step": "20"}, [0, 0, 0, 0, None, 0]),
        ({"op": "clip", "low": "1"}, [1, 1, 2, 3, None, 5]),
        ({"op": "clip", "high": "2"}, [0, 1, 2, 2, None, 2]),
        ({"op": "clip", "low": "1", "high": "2"}, [1, 1, 2, 2, None, 2]),
    ],
)
def test_a_value_becomes_what_the_recipe_says(operation: dict[str, Any], expected: list[Any]) -> None:
    """Scaled, rounded, cut off; nothing stays nothing."""
    assert loads({"field": "load", **operation}) == expected


def test_a_multiple_is_written_as_people_write_it() -> None:
    """Six times 0.05 is 0.3, not 0.30000000000000004."""
    found = loads({"op": "scale", "field": "load", "rated": "10"}, {"op": "round", "field": "load", "step": "0.050"})

    assert found == [0, 0.1, 0.2, 0.3, None, 0.5]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("mean", [1, 4]), ("min", [0, 3]), ("max", [2, 5]), ("std", [1, pytest.approx(2**0.5)]), ("count", [3, 2]), ("first", [0, 3]),
     ("last", [2, 5]), ("sum", [3, 8])],
)  # fmt: skip
def test_windows_give_their_statistic(statistic: str, expected: list[Any]) -> None:
    """Three minutes each; what is missing is not counted."""
    value = {"name": "value", "of": "load", "statistic": statistic}
    found = rows({"op": "resample", "time": "time", "every_s": 180, "values": (value,)})

    assert found == [(NOON, expected[0]), (NOON + timedelta(minutes=3), expected[1])]


def test_groups_have_windows_of_their_own() -> None:
    """One row for each machine and window, the group first."""
    value = {"name": "value", "of": "load", "statistic": "count"}
    found = rows({"op": "resample", "time": "time", "every_s": 3600, "by": ("machine",), "values": (value, {**value, "name": "again"})})  # fmt: skip

    assert found == [("m0", NOON, 2, 2), ("m1", NOON, 2, 2), (None, NOON, 1, 1)]


def test_columns_that_are_suppressed_are_gone() -> None:
    """The others stay as they are."""
    assert rows({"op": "suppress", "fields": ("time", "load", "machine")}) == [(NOON + timedelta(seconds=30),)] * 6


@pytest.mark.parametrize(("granule", "days", "most"), [("week", 7, 104), ("day", 1, 2)])
def test_times_move_back_by_a_secret_number(granule: str, days: int, most: int) -> None:
    """Drawn from the key by product, field and granule: from one to the most that was said; every time of the row by the same."""
    step = Shift(op="shift", field="time", granule=granule, most=most, also=("till",))  # type: ignore[arg-type]
    digest = hmac.new(KEY, f"shift|minutes|time|{granule}".encode(), hashlib.sha256).digest()
    by = timedelta(days=days * (1 + int.from_bytes(digest[:8]) % most))

    assert secret_shift(step, KEY, "minutes") == -by
    first = rows(step.model_dump())[0]
    assert first[:2] == (NOON - by, NOON + timedelta(seconds=30) - by)
    drawn = {secret_shift(step, bytes([number]), "minutes").days // -days for number in range(200)}
    assert drawn == set(range(1, most + 1)) if most < 10 else drawn <= set(range(1, most + 1))


def test_names_become_pseudonyms_and_nothing_else_where_only_names_are_asked() -> None:
    """A row without a name keeps none; scaling is left out with the rest."""
    names = pseudonyms(["m0", "m1"], KEY, "machine")
    steps = ({"op": "scale", "field": "load", "rated": "4"}, {"op": "pseudonym", "field": "machine"})
    renamed = [names["m0"], names["m1"], names["m0"], None, names["m0"], names["m1"]]

    assert [row[2] for row in rows(*steps)] == renamed
    assert [row[2:] for row in rows(*steps, names_only=True)] == list(zip(renamed, [0, 1, 2, 3, None, 5], strict=True))


def test_a_pseudonym_is_sixty_bits_of_a_keyed_hash() -> None:
    """The same under one key and field, for ever."""
    digest = hmac.new(KEY, "machine|数控 1".encode(), hashlib.sha256).digest()

    assert pseudonyms(["数控 1"], KEY, "machine") == {"数控 1": base64.b32encode(digest).decode().lower()[:12]}


def test_two_names_with_one_pseudonym_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of two machines must never become one."""
    monkeypatch.setattr(deid, "pseudonyms", lambda names, _key, _what: dict.fromkeys(names, "same"))

    with pytest.raises(FactoryKitError, match="machine: two names have the same pseudonym; make a new key"):
        rows({"op": "pseudonym", "field": "machine"})


def test_papers_do_not_tell_what_would_undo_the_recipe() -> None:
    """Zero and rated value stay inside; whoever has the key can prove them."""
    made = product(
        {"op": "scale", "field": "load", "zero": "1", "rated": "4"}, {"op": "clip", "field": "load", "high": "2"}
    )
    other = product(
        {"op": "scale", "field": "load", "zero": "1", "rated": "5"}, {"op": "clip", "field": "load", "high": "2"}
    )

    assert published_recipe(made) == {
        "id": "r",
        "steps": [{"zh": "步", "en": "step"}],
        "operations": [{"op": "scale", "field": "load"}, {"op": "clip", "field": "load", "low": None, "high": "2"}],
    }
    text = b"recipe|" + made.recipe.model_dump_json().encode()
    assert recipe_digest(made, KEY) == hmac.new(KEY, text, hashlib.sha256).hexdigest() != recipe_digest(other, KEY)


def test_the_key_is_found_in_any_text() -> None:
    """In capitals too; other texts pass."""
    require_no_key({"a": KEY.hex()[1:], "b": ""}, KEY)
    with pytest.raises(FactoryKitError, match=r"b: holds the key of the plant"):
        require_no_key({"a": "", "b": f"x{KEY.hex().upper()}y"}, KEY)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Thirty-two bytes, in hexadecimal digits; its fingerprint tells nothing of it."""
    file = tmp_path / "keys" / "deep" / "a.key"
    key = plant_key(file)

    assert len(key) == 32
    assert file.read_text(encoding="ascii") == key.hex() + "\n"
    assert plant_key(file) == key != plant_key(tmp_path / "b.key")
    assert key_fingerprint(KEY) == hmac.new(KEY, b"factory-kit pseudonym key", hashlib.sha256).hexdigest()[:16]


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "ab" * 33, "钥" * 64])
def test_a_damaged_key_is_refused(tmp_path: Path, content: str) -> None:
    """Other signs, and any other length."""
    file = tmp_path / "a.key"
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)

    with pytest.raises(KeyRefused, match=r"a\.key: is no key of pseudonyms, expected 64 hexadecimal digits"):
        plant_key(file)


@pytest.mark.skipif("os.name == 'nt'", reason="Windows knows no modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """By group or by anybody."""
    file = tmp_path / "a.key"
    plant_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(mode)

    with pytest.raises(KeyRefused, match=r"a\.key: the key of the pseudonyms is readable by others; run chmod 600"):
        plant_key(file)


def test_an_order_is_taken_off_only_where_it_chooses_no_rows() -> None:
    """ORDER BY alone goes; with LIMIT it decides which rows there are, and stays."""
    con = duckdb.connect()

    assert "ORDER" not in unordered(con, "SELECT a FROM t ORDER BY a")
    assert unordered(con, "SELECT a FROM t ORDER BY a LIMIT 3") == "SELECT a FROM t ORDER BY a LIMIT 3"
    assert unordered(con, "SELECT a FROM t") == "SELECT a FROM t"
