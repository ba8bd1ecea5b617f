"""The index: a DuckDB file beside ledger and bundles for asking; it can be deleted and rebuilt, and says the same again."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from factory_kit.district.journal import cases_of
from factory_kit.district.office import Office
from factory_kit.district.receipts import restore_receipts
from factory_kit.district.trial import TRIAL
from factory_kit.errors import Altered, StoreBusy
from factory_kit.seal.chain import Link

__all__ = ["Rebuilt", "index", "rebuild_index", "units_of_plants"]

FORM = 2
FILE = "index.duckdb"
CHUNK = 20_000
EXACT = pa.decimal128(9, 4)
RECEIPTS = pa.schema(
    [
        ("number", pa.int64()), ("hash", pa.string()), ("campaign", pa.string()), ("file", pa.string()),
        ("sha256", pa.string()), ("received", pa.string()), ("outcome", pa.string()), ("rules", pa.list_(pa.string())),
        ("assessment", pa.string()), ("credit_code", pa.string()), ("site_no", pa.string()), ("name_zh", pa.string()),
        ("name_en", pa.string()), ("industry", pa.string()), ("units", pa.list_(pa.string())), ("model", pa.string()),
        ("type", pa.string()), ("provider", pa.string()), ("supersedes", pa.string()), ("level", pa.int64()),
        ("floor", pa.int64()), ("total", pa.string()), ("open", pa.int64()), ("next_at", pa.string()), ("answers", pa.string()),
        ("verified", pa.bool_()), ("on_site", pa.int64()),
    ]
)  # fmt: skip
DOMAINS = pa.schema([("number", pa.int64()), ("node", pa.string()), ("score", pa.string())])
DOCUMENTS = pa.schema([("number", pa.int64()), ("document", pa.string())])
LADDERS = pa.schema(
    [
        ("number", pa.int64()), ("ladder", pa.string()), ("level", pa.int64()), ("proven", pa.int64()),
        ("at_best", pa.int64()), ("verified", pa.bool_()), ("zh", pa.string()), ("en", pa.string()),
    ]
)  # fmt: skip
SCENES = pa.schema([("number", pa.int64()), ("scene", pa.string())])
PLANTS = pa.schema(
    [
        ("credit_code", pa.string()), ("site_no", pa.string()), ("name", pa.string()), ("industry", pa.string()),
        ("size", pa.string()), ("above_scale", pa.string()), ("mu", pa.string()), ("energy_tce", pa.string()),
        ("output_10k", pa.string()), ("since", pa.string()), ("until", pa.string()), ("street", pa.string()),
    ]
)  # fmt: skip
UNITS = pa.schema([("credit_code", pa.string()), ("site_no", pa.string()), ("unit", pa.string())])
RANKS = pa.schema([("campaign", pa.string()), ("type", pa.string()), ("place", pa.int64())])
CAMPAIGNS = pa.schema([("campaign", pa.string()), ("trial", pa.bool_())])
WITHDRAWN = pa.schema([("number", pa.int64())])
TABLES = {"receipts": RECEIPTS, "domains": DOMAINS, "documents": DOCUMENTS, "ladders": LADDERS, "scenes": SCENES}
FRESH = {"plants": PLANTS, "plant_units": UNITS, "ranks": RANKS, "campaigns": CAMPAIGNS, "withdrawn": WITHDRAWN}

VIEWS = """
CREATE OR REPLACE VIEW accepted AS
  SELECT *, CAST(total AS DECIMAL(9,4)) AS score FROM receipts
  WHERE outcome LIKE 'accepted%' AND number NOT IN (SELECT number FROM withdrawn);
CREATE OR REPLACE VIEW counted AS
  SELECT a.* REPLACE (a.model || CASE WHEN g.trial AND NOT coalesce(a.verified, false) THEN '{trial}' ELSE '' END AS model),
         coalesce(g.trial AND NOT coalesce(a.verified, false), false) AS trial
  FROM accepted a LEFT JOIN ranks r USING (campaign, type) LEFT JOIN campaigns g USING (campaign)
  WHERE NOT EXISTS (SELECT 1 FROM accepted b WHERE b.supersedes = a.assessment AND b.campaign = a.campaign)
  QUALIFY row_number() OVER (
    PARTITION BY a.campaign, a.credit_code, a.site_no, a.model, g.trial AND NOT coalesce(a.verified, false) ORDER BY coalesce(r.place, 99), a.number DESC) = 1;
CREATE OR REPLACE VIEW facts AS
  SELECT c.*, coalesce(p.street, list_filter(c.units, lambda u: regexp_matches(u, '^[0-9]{9}$'))[1], '') AS street,
         substr(coalesce(p.industry, c.industry), 1, 2) AS division, coalesce(p.size, '') AS size,
         coalesce(p.above_scale, 'new') AS above_scale,
         CAST(p.mu AS DECIMAL(18,6)) AS mu, CAST(p.energy_tce AS DECIMAL(18,6)) AS energy_tce,
         CAST(p.output_10k AS DECIMAL(18,6)) AS output_10k
  FROM counted c LEFT JOIN plants p USING (credit_code, site_no);
CREATE OR REPLACE VIEW climbed AS
  SELECT f.* EXCLUDE (level, verified), l.ladder || CASE WHEN g.trial AND NOT l.verified THEN '{trial}' ELSE '' END AS ladder,
         l.level, l.proven, l.at_best, l.zh, l.en, coalesce(g.trial AND NOT l.verified, false) AS ladder_trial
  FROM facts f JOIN ladders l USING (number) LEFT JOIN campaigns g USING (campaign)
  QUALIFY row_number() OVER (PARTITION BY f.campaign, f.credit_code, f.site_no, l.ladder ORDER BY f.number DESC) = 1;
""".replace("{trial}", TRIAL)


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild went through: records of the ledger, bundles opened, receipts that had to be written again."""

    records: int
    bundles: int
    receipts: int


@contextmanager
def index(office: Office) -> Iterator[Any]:
    """A DuckDB connection to the index of *office*, brought up to date with ledger and registers.

    Tables ``receipts``, ``domains``, ``documents``, ``plants``, ``plant_units``; views ``accepted``, ``counted``, ``facts``.
    ``StoreBusy`` while another process brings it up to date.
    """
    con = _open(office.path / FILE)
    try:
        if not _follows(con, office):
            con.close()
            (office.path / FILE).unlink()
            con = _open(office.path / FILE)
        _take(con, _newer(con, office))
        _refresh(con, office)
        yield con
    finally:
        con.close()


def rebuild_index(office: Office, workers: int = 1) -> Rebuilt:
    """The index made anew from ledger and bundles: every bundle is hashed, and its score is the one the ledger holds.

    Lost receipts are written again, erased bundles are not looked for. ``Altered`` names the first record or bundle that is
    not what it was.
    """
    links = list(office.ledger())
    erased = cases_of(office.path).erasures
    kept = [
        link.record
        for link in links
        if link.record["outcome"].startswith("accepted") and link.record["sha256"] not in erased
    ]
    _check_bundles(office.bundles_folder, kept, workers)
    (office.path / FILE).unlink(missing_ok=True)
    with _open(office.path / FILE) as con:
        _take(con, links)
        _refresh(con, office)
    return Rebuilt(len(links), len(kept), restore_receipts(office))


def units_of_plants(office: Office, day: str) -> Iterator[Mapping[str, str]]:
    """Each plant of the register with each unit it reports to on *day*."""
    from datetime import date  # noqa: PLC0415 - one use

    registers = office.registers()
    for credit_code, site_no in registers.plants:
        for unit in registers.units_of(credit_code, site_no, date.fromisoformat(day)):
            yield {"credit_code": credit_code, "site_no": site_no, "unit": unit}


def _open(path: Path) -> Any:
    try:
        con = duckdb.connect(str(path))
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StoreBusy(
                "{file}: another process is using the index; repeat when it is done", file=path.name
            ) from error
        path.unlink()  # no index of ours, or one that was cut off: it is made anew
        con = duckdb.connect(str(path))
    con.execute("CREATE TABLE IF NOT EXISTS meta (form INTEGER, number BIGINT, hash VARCHAR)")
    if con.execute("SELECT form FROM meta WHERE form <> ?", [FORM]).fetchone():
        con.close()
        path.unlink()  # of an earlier form: made anew
        return _open(path)
    for name, schema in (TABLES | FRESH).items():
        con.register("empty", pa.Table.from_pylist([], schema=schema))
        con.execute(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT * FROM empty")  # noqa: S608 - names of our own
        con.unregister("empty")
    con.execute(VIEWS)
    return con


def _follows(con: Any, office: Office) -> bool:
    """Whether the index ends at a record that the ledger has."""
    found = con.execute("SELECT number, hash FROM meta").fetchone()
    if found is None:
        return True
    number, expected = found
    return any(link.n == number and link.hash == expected for link in office.ledger()) if number else True


def _newer(con: Any, office: Office) -> list[Link]:
    last = con.execute("SELECT coalesce(max(number), 0) FROM meta").fetchone()[0]
    return [link for link in office.ledger() if link.n > last]


def _take(con: Any, links: Sequence[Link]) -> None:
    """Add *links*, all or none."""
    if not links:
        return
    con.execute("BEGIN")
    for start in range(0, len(links), CHUNK):
        some = links[start : start + CHUNK]
        rows = {
            "receipts": [_receipt(link) for link in some],
            "domains": [
                {"number": link.n, "node": node, "score": score}
                for link in some
                for node, score in link.record.get("domains", {}).items()
            ],
            "documents": [
                {"number": link.n, "document": sha256} for link in some for sha256 in link.record.get("documents", ())
            ],
            "ladders": [{"number": link.n, **each} for link in some for each in link.record.get("ladders", ())],
            "scenes": [{"number": link.n, "scene": scene} for link in some for scene in link.record.get("scenes", ())],
        }
        for name, found in rows.items():
            _insert(con, name, TABLES[name], found)
    con.execute("DELETE FROM meta")
    con.execute("INSERT INTO meta VALUES (?, ?, ?)", [FORM, links[-1].n, links[-1].hash])
    con.execute("COMMIT")


def _refresh(con: Any, office: Office) -> None:
    """Registers and campaigns as they are now."""
    registers = office.registers()
    places = {unit.id for unit in office.units().units if unit.kind in {"street", "town"}}
    last = con.execute("SELECT coalesce(max(received), '2000-01-01') FROM receipts").fetchone()[0][:10]
    units = list(units_of_plants(office, last))
    streets = {(row["credit_code"], row["site_no"]): row["unit"] for row in units if row["unit"] in places}
    plants = [{**row, "street": streets.get(key)} for key, row in registers.plants.items()]
    ranks = [
        {"campaign": campaign.id, "type": kind, "place": place}
        for campaign in office.campaigns()
        for place, kind in enumerate(campaign.precedence)
    ]
    campaigns = [
        {"campaign": campaign.id, "trial": campaign.unverified_models == "trial"} for campaign in office.campaigns()
    ]
    withdrawn = [{"number": number} for number in sorted(cases_of(office.path).withdrawn)]
    fresh: dict[str, Sequence[Mapping[str, Any]]] = {
        "plants": plants, "plant_units": units, "ranks": ranks, "campaigns": campaigns, "withdrawn": withdrawn,
    }  # fmt: skip
    con.execute("BEGIN")
    for name, found in fresh.items():
        con.execute(f"DELETE FROM {name}")  # noqa: S608 - names of our own
        _insert(con, name, FRESH[name], found)
    con.execute("COMMIT")


def _insert(con: Any, name: str, schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        con.register(
            "rows", pa.Table.from_pylist([{key: row.get(key) for key in schema.names} for row in rows], schema=schema)
        )
        con.execute(f"INSERT INTO {name} SELECT * FROM rows")  # noqa: S608 - names of our own
        con.unregister("rows")


def _receipt(link: Link) -> dict[str, Any]:
    record = link.record
    plant, model = record.get("plant") or {}, record.get("model")
    return {
        **{key: record.get(key) for key in RECEIPTS.names},
        "number": link.n,
        "hash": link.hash,
        "rules": [ruling["rule"] for ruling in record["rulings"]],
        "credit_code": plant.get("credit_code"),
        "site_no": plant.get("site_no"),
        "name_zh": plant.get("zh"),
        "name_en": plant.get("en"),
        "industry": (record.get("industry") or {}).get("code", "").lstrip("ABCDEFGHIJKLMNOPQRST"),
        "model": f"{model['id']}@{model['edition']}" if model else None,
        "on_site": len(set(record.get("on_site", ()))),
    }


def _check_bundles(folder: Path, records: Sequence[Mapping[str, Any]], workers: int) -> None:
    wanted = [(record["sha256"], record.get("level"), record["file"]) for record in records]
    check = partial(_check_bundle, folder)
    if workers <= 1:
        for each in wanted:
            check(each)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for _ in pool.map(check, wanted, chunksize=max(1, min(256, len(wanted) // (4 * workers)))):
            pass


def _check_bundle(folder: Path, wanted: tuple[str, int | None, str]) -> None:
    sha256, level, file = wanted
    path = folder / f"{sha256}.zip"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Altered("{file}: the bundle of {name} is missing; bring it back", file=path.name, name=file) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Altered(
            "{file}: the bundle of {name} was altered; bring the received one back", file=path.name, name=file
        )
    with zipfile.ZipFile(path) as archive:
        score = json.loads(archive.read("score.json"))
    if level is not None and score["score"]["level"] != level:
        raise Altered("{file}: its score is not the one in the ledger", file=path.name)
