"""Selecting under lock, grading by questionnaire, and the operations of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factory_kit.errors import DefinitionError, FactoryKitError, QueryError
from factory_kit.load.product import ProductTemplate, product_folder
from factory_kit.model.product import Checks, DataProduct, Grading
from factory_kit.model.recipe import Recipe, Shift
from factory_kit.pack.build import Built, Span, build_rows
from factory_kit.pack.deid import published_recipe, secret_shift
from factory_kit.pack.pseudonyms import pseudonyms
from factory_kit.shipped import data_dir
from factory_kit.store import Store

from .conftest import MIDNIGHT, site

DAY = Span(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 - spans are naive UTC
KEY = b"k" * 32
MINUTES = "SELECT s.time, p.equipment AS machine, s.value AS load, 'L3 CNC07' AS place FROM samples s JOIN points p USING (point), asked a WHERE p.role = 'active_power' AND s.time >= a.begins AND s.time < a.ends AND p.unit = 'kW'"
Make = Callable[..., Built]


def product(operations: Sequence[dict[str, Any]], load: dict[str, Any] | None = None, **more: Any) -> ProductTemplate:
    """A product of power by the minute with these operations; *load* changes its field."""
    text = {"zh": "值", "en": "value"}
    fields = [
        {"name": "time", "label": text, "description": text, "type": "timestamp", "key": True},
        {"name": "machine", "label": text, "description": text, "type": "string", "key": True, "sensitive": True, "treatment": "pseudonym"},
        {"name": "load", "label": text, "description": text, "type": "decimal", "unit": "1", **(load or {})},
    ]  # fmt: skip
    shipped = product_folder(data_dir("datasets") / "energy-hourly")
    content = shipped.product.model_dump() | {
        "product": "minutes", "roles": ("active_power",), "fields": tuple(fields), **more,
        "recipe": {"id": "r", "steps": (text,), "operations": tuple(operations)},
    }  # fmt: skip
    checks = Checks.model_validate({"expected": {"time": "time", "every": "minute", "per": ("machine",)}})
    return ProductTemplate(DataProduct.model_validate(content), MINUTES, checks)


PSEUDONYM = {"op": "pseudonym", "field": "machine"}


@pytest.fixture
def make(tmp_path: Path, store: Store) -> Make:
    """Builds a product from the store of two meters over the day."""

    def made(template: ProductTemplate, span: Span = DAY) -> Built:
        return build_rows(
            template, site(), store, tmp_path / "made", span=span, key=KEY, decided_by="张三", clock=lambda: MIDNIGHT
        )

    return made


def rows(built: Built) -> list[dict[str, Any]]:
    """All rows in order of machine and time."""
    found = pq.read_table(built.parts[0]).to_pylist()
    return sorted(found, key=lambda row: (row["machine"], row["time"]))


def test_a_pseudonym_replaces_every_value_and_needs_the_key(make: Make) -> None:
    """The names are those of the key, and nothing of the original is left in the file."""
    built = make(product([PSEUDONYM]))

    assert {row["machine"] for row in rows(built)} == set(pseudonyms(["meter-01", "meter-02"], KEY, "machine").values())
    assert b"meter-0" not in built.parts[0].read_bytes()
    assert b"CNC07" not in built.parts[0].read_bytes()


def test_times_move_by_whole_weeks_and_all_by_the_same(make: Make) -> None:
    """The shift is a secret number of weeks back, so that no time lies ahead; the interval in the papers moves with it, and its parameter is not told."""
    shift = {"op": "shift", "field": "time", "granule": "week", "most": 50}
    built = make(product([PSEUDONYM, shift]))
    by = secret_shift(Shift.model_validate(shift), KEY, "minutes")

    assert by.days % 7 == 0
    assert timedelta(days=-350) <= by <= timedelta(days=-7)
    assert rows(built)[0]["time"].replace(tzinfo=None) == DAY.begins + by
    assert built.span == Span(DAY.begins + by, DAY.ends + by)
    assert str(DAY.begins.date()) not in str(built.provenance)


def test_scaling_rounding_and_limits_come_in_the_order_of_the_recipe(make: Make) -> None:
    """6 and 60 kW of 50 kW rated, in steps of 0.05, top coded at 1: 0.1 (0.12 rounded) and 1."""
    steps = [PSEUDONYM, {"op": "scale", "field": "load", "rated": 50}, {"op": "round", "field": "load", "step": "0.05"},
             {"op": "clip", "field": "load", "high": 1}]  # fmt: skip
    built = make(product(steps))

    assert sorted({row["load"] for row in rows(built)}) == [0.1, 1.0]


def test_resampling_gives_one_row_per_group_and_window(make: Make) -> None:
    """Hours instead of minutes, with the largest of each."""
    steps = [PSEUDONYM, {"op": "resample", "time": "time", "every_s": 3600, "by": ("machine",),
                         "values": ({"name": "load", "of": "load", "statistic": "max"},)}]  # fmt: skip
    built = make(product(steps))

    assert [row["load"] for row in rows(built)].count(6.0) == 24
    assert built.rows == 48


def test_a_suppressed_column_cannot_leave(make: Make) -> None:
    """A field that the recipe suppresses is not there to be written."""
    template = product([PSEUDONYM, {"op": "suppress", "fields": ("load",)}])

    with pytest.raises(QueryError, match=r"^minutes/build\.sql: .*load"):
        make(template)


def test_the_papers_tell_the_recipe_without_what_would_undo_it() -> None:
    """Steps and limits are told, rated values and zero points are not."""
    steps = [{"op": "scale", "field": "load", "zero": 3, "rated": 50}, {"op": "round", "field": "load", "step": "0.05"}]

    assert published_recipe(product(steps).product)["operations"] == [
        {"op": "scale", "field": "load"},
        {"op": "round", "field": "load", "step": "0.05"},
    ]


def test_a_scaled_field_keeps_no_unit() -> None:
    """Kilowatts that were divided by the rated power are no kilowatts."""
    with pytest.raises(ValueError, match="scaled fields keep no unit of measurement, expected unit 1 or %: load"):
        product([{"op": "scale", "field": "load", "rated": 50}], load={"unit": "kW"})


def test_a_recipe_that_would_publish_the_key_is_refused(make: Make) -> None:
    """The key of the plant in any text of the product stops the build."""
    template = product([PSEUDONYM], recipe={"id": "r", "steps": ({"zh": KEY.hex().upper(), "en": "x"},)})
    with_key = template.product.model_copy(
        update={"recipe": Recipe.model_validate({"id": "r", "steps": ({"zh": KEY.hex(), "en": "x"},)})}
    )

    with pytest.raises(FactoryKitError, match="holds the key of the plant and would publish it"):
        make(ProductTemplate(with_key, template.sql, template.checks))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1; SELECT 2", "2 statements"),
        ("COPY samples TO '/tmp/x.csv'", "this is no SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", r"read_csv\(\) cannot be used here"),
        ("SELECT * FROM '/etc/passwd'", "files cannot be read here"),
    ],
)
def test_build_sql_reads_views_and_nothing_else(make: Make, sql: str, said: str) -> None:
    """Neither files nor networks, and it writes nothing."""
    template = product([PSEUDONYM])

    with pytest.raises(QueryError, match=rf"^minutes/build\.sql: query: .*{said}"):
        make(ProductTemplate(template.product, sql, template.checks))


def test_mixed_units_are_refused_where_nobody_looks_at_them(tmp_path: Path) -> None:
    """Kilowatts and watts under one role, and a build.sql that takes them for the same."""
    from factory_kit.model.run import CataloguePoint, Run
    from factory_kit.model.sample import Origin

    store = Store(tmp_path / "mixed")
    points = [
        CataloguePoint(f"meter-0{number}", "power", "active_power", unit, "float64", "h:0", "c", "1", "s")
        for number, unit in ((1, "kW"), (2, "W"))
    ]
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")):
        store.register(points)
    template = product([PSEUDONYM])
    careless = ProductTemplate(template.product, template.sql.replace("AND p.unit = 'kW'", ""), template.checks)

    with pytest.raises(FactoryKitError, match=r"the role active_power have the units W, kW, and build\.sql"):
        build_rows(careless, site(), store, tmp_path / "x", span=DAY, key=KEY, decided_by="a", clock=lambda: MIDNIGHT)


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, store: Store) -> None:
    """The limit on file sizes stands for a full disk: one line, and no file under the final name."""
    import subprocess
    import sys

    if sys.platform == "win32":
        pytest.skip("Windows has no such limit")
    code = f"""
import resource
from datetime import datetime
from pathlib import Path
from factory_kit.errors import FactoryKitError
from factory_kit.load.product import product_folder
from factory_kit.model.site import Site
from factory_kit.pack.build import Span, build_rows
from factory_kit.shipped import data_dir
from factory_kit.store import Store
template = product_folder(data_dir("datasets") / "energy-hourly")
plant = Site.model_validate_json({site().model_dump_json()!r}, strict=False)
day = Span(datetime(2026, 1, 1), datetime(2026, 1, 2))
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
try:
    build_rows(template, plant, Store(Path({str(store.folder)!r})), Path({str(tmp_path / "full")!r}), span=day, key=b"k" * 32, decided_by="a", clock=lambda: {MIDNIGHT})
except FactoryKitError as error:
    print("said:", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )

    assert "the disk is full, nothing was written" in done.stdout, done.stderr[-500:]
    assert [path for path in (tmp_path / "full").rglob("*") if path.is_file()] == []


def impacts(**harms: str) -> dict[str, Any]:
    """A grading as 一般/一级 with these answers."""
    answers = tuple({"on": on, "harm": harm, "because": "x"} for on, harm in harms.items())
    text = {"zh": "因", "en": "because"}
    return {
        "national": "一般",
        "domain": "生产数据域",
        "level": "一级",
        "because": text,
        "basis": ("b",),
        "impacts": answers,
    }


@pytest.mark.parametrize(
    ("harms", "derived"),
    [
        ({"国家安全": "一般"}, "重要"),
        ({"国家安全": "严重"}, "核心"),
        ({"经济运行": "严重"}, "重要"),
        ({"公共利益": "特别严重"}, "核心"),
    ],
)
def test_a_grade_below_the_answers_is_a_mistake(harms: dict[str, str], derived: str) -> None:
    """What the questionnaire gives cannot be declared away."""
    with pytest.raises(ValueError, match=f"national is 一般, but the answers under impacts give {derived}"):
        Grading.model_validate(impacts(**harms))


def test_harm_to_one_enterprise_stays_ordinary() -> None:
    """Data that hurts only an organisation or a person is 一般."""
    assert Grading.model_validate(impacts(组织权益="特别严重", 个人权益="严重")).national == "一般"


def test_product_and_listing_tell_all_their_mistakes_at_once(tmp_path: Path) -> None:
    """Two files, a mistake in each, both named with file and line."""
    folder = tmp_path / "energy-hourly"
    folder.mkdir()
    source = data_dir("datasets") / "energy-hourly"
    for name in ("build.sql", "checks.yaml"):
        (folder / name).write_bytes((source / name).read_bytes())
    (folder / "product.yaml").write_text(
        (source / "product.yaml").read_text("utf-8").replace("version: 1.0.0", "version: one"), "utf-8"
    )
    (folder / "listing.yaml").write_text(
        (source / "listing.yaml").read_text("utf-8").replace("scene: 工业制造", "scene: ''"), "utf-8"
    )

    with pytest.raises(DefinitionError) as caught:
        product_folder(folder)
    assert [(problem.file, problem.line, problem.path) for problem in caught.value.problems] == [
        ("energy-hourly/listing.yaml", 6, "scene"),
        ("energy-hourly/product.yaml", 2, "version"),
    ]


def test_ten_thousand_columns_are_one_line() -> None:
    """A product that wide is to be split."""
    text = {"zh": "值", "en": "value"}
    fields = tuple(
        {"name": f"c{number}", "label": text, "description": text, "type": "number", "key": True}
        for number in range(10_000)
    )
    content = product([]).product.model_dump() | {"fields": fields}

    with pytest.raises(ValueError, match="10000 fields, expected at most 1000; split the product"):
        DataProduct.model_validate(content)


def test_steps_of_a_recipe_are_exact_numbers() -> None:
    """0.05 is a twentieth, not a binary fraction near it."""
    step = product([{"op": "round", "field": "load", "step": "0.05"}]).product.recipe.operations[0]

    assert step.step == Decimal("0.05")  # type: ignore[union-attr]
