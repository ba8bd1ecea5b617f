"""Papers that programs read, all made from the one manifest: data dictionary, Croissant 1.1, Data Package v2, quality, provenance."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Container, Mapping
from fractions import Fraction
from pathlib import Path

from factory_kit.files import write_atomically
from factory_kit.model.product import FieldType, ProductField
from factory_kit.pack.build import Built, as_json
from factory_kit.pack.charts import chart_files
from factory_kit.pack.deid import published_recipe
from factory_kit.pack.digests import file_sha256
from factory_kit.pack.form import checklist, upload_form
from factory_kit.pack.formats import dataspace, dcat, offer, records, statement, uid
from factory_kit.pack.leaks import identifying
from factory_kit.pack.quality import QualityRow
from factory_kit.pack.quality_more import Score, db31, series_checks, tc609, tc609_groups
from factory_kit.pack.readme import categories, collected, readme, sample_rows, statistics
from factory_kit.pack.summary import summary_of

__all__ = ["PAPERS", "write_papers"]

CROISSANT_TYPE: Mapping[FieldType, str] = {
    "timestamp": "sc:DateTime", "string": "sc:Text", "integer": "cr:Int64", "decimal": "cr:Float64", "number": "cr:Float64", "boolean": "sc:Boolean",
}  # fmt: skip
PACKAGE_TYPE: Mapping[FieldType, str] = {
    "timestamp": "datetime", "string": "string", "integer": "integer", "decimal": "number", "number": "number", "boolean": "boolean",
}  # fmt: skip
PARQUET = ["application/vnd.apache.parquet", "application/x-parquet"]
"""Both, since readers of Croissant know only the second (mlcroissant 1.1)."""

CROISSANT_CONTEXT: Mapping[str, object] = {
    "@language": "zh-Hans", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "odrl": "http://www.w3.org/ns/odrl/2/",
    "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes",
    "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
    "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
"""The context of the Croissant 1.1 specification: it must stand in the file, so that readers need no network."""

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]


def write_papers(built: Built, keep: Container[str] = ()) -> None:
    """All papers and pictures of *built* beside its data, but those to *keep* as they are."""
    for name, picture in chart_files(built).items():
        _write(built.folder / name, picture)
    for name, made in PAPERS.items():
        if name not in keep:
            _write(built.folder / name, made(built))


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)


def dictionary(built: Built) -> str:
    """The data dictionary as CSV that spreadsheets open in Chinese (UTF-8 with BOM)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["字段 field", "名称 label_zh", "label_en", "类型 type", "单位 unit", "主键 key", "必填 required", "最小 minimum", "最大 maximum", "小数位 places", "处理 treatment", "说明 description_zh", "description_en"])  # fmt: skip
    writer.writerows(_dictionary_row(field) for field in built.template.product.fields)
    return "\ufeff" + out.getvalue()


def _dictionary_row(field: ProductField) -> list[str]:
    places = str(field.places) if field.type == "decimal" else ""
    limits = ["" if limit is None else str(limit) for limit in (field.minimum, field.maximum)]
    marks = ["是 yes" if mark else "否 no" for mark in (field.key, field.required)]
    return [
        field.name,
        field.label.zh,
        field.label.en,
        field.type,
        field.unit,
        *marks,
        *limits,
        places,
        field.treatment,
        field.description.zh,
        field.description.en,
    ]


def croissant(built: Built) -> str:
    """The dataset in Croissant 1.1: one FileObject a part, and a FileSet without ``containedIn`` over all of them."""
    product, plant = built.template.product, built.site.plant
    licence = product.licence.url or product.licence.title.zh
    return as_json({
        "@context": CROISSANT_CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": product.product.replace("-", "_"),
        "alternateName": [product.title.zh, product.title.en],
        "description": {"zh-Hans": product.description.zh, "en": product.description.en},
        "license": licence,
        "url": f"urn:factory-kit:product:{product.product}:{product.version}",
        "version": product.version,
        "datePublished": built.built_on.isoformat(),
        "citeAs": f"{plant.name.zh}: {product.title.zh} {product.version}",
        "creator": {"@type": "sc:Organization", "name": plant.name.zh},
        "keywords": list(product.listing.keywords),
        "temporalCoverage": f"{built.span.begins.isoformat()}Z/{built.span.ends.isoformat()}Z",
        "rai:dataCollection": collected(built.origins),
        "rai:dataCollectionTimeFrame": [f"{built.span.begins.isoformat()}Z", f"{built.span.ends.isoformat()}Z"],
        "rai:dataPreprocessingProtocol": [step.en for step in product.recipe.steps],
        "rai:personalSensitiveInformation": ["none found; see papers/residual-risk.json"],
        "rai:dataLimitations": product.documentation["局限性说明"].en if "局限性说明" in product.documentation else "see README.md",
        "rai:dataUseCases": [product.listing.purpose],
        "usageInfo": {"@type": "odrl:Offer", "@id": uid(built, "offer"), "url": "odrl-offer.json"},
        "isLiveDataset": False,
        "distribution": [*(_file_object(built, part) for part in built.parts), _file_set()],
        "recordSet": [_record_set(built)],
    })  # fmt: skip


def _file_object(built: Built, part: Path) -> dict[str, object]:
    name = part.relative_to(built.folder).as_posix()
    return {
        "@type": "cr:FileObject", "@id": name, "name": part.name, "contentUrl": name, "encodingFormat": PARQUET, "contentSize": f"{part.stat().st_size} B",
        "sha256": file_sha256(part),
    }  # fmt: skip


def _file_set() -> dict[str, object]:
    return {
        "@type": "cr:FileSet",
        "@id": "parts",
        "name": "parts",
        "encodingFormat": PARQUET,
        "includes": "data/part-*.parquet",
    }


def _record_set(built: Built) -> dict[str, object]:
    fields = built.template.product.fields
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "key": [{"@id": f"rows/{field.name}"} for field in fields if field.key],
        "field": [_croissant_field(field) for field in fields],
    }


def _croissant_field(field: ProductField) -> dict[str, object]:
    made: dict[str, object] = {
        "@type": "cr:Field", "@id": f"rows/{field.name}", "name": field.name, "description": {"zh-Hans": field.description.zh, "en": field.description.en},
        "dataType": CROISSANT_TYPE[field.type], "source": {"fileSet": {"@id": "parts"}, "extract": {"column": field.name}},
    }  # fmt: skip
    return made | ({"unitText": field.unit} if field.unit else {})


def data_package(built: Built) -> str:
    """The dataset as Data Package v2: one resource a part, hashes, and no ``bytes``, which its reader counts wrongly on Parquet."""
    product = built.template.product
    return as_json({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": product.product,
        "title": product.title.zh,
        "description": product.description.zh,
        "version": product.version,
        "created": f"{built.built_on.isoformat()}T00:00:00Z",
        "keywords": list(product.listing.keywords),
        "contributors": [{"title": built.site.plant.name.zh, "roles": ["creator"]}],
        "licenses": [{"name": product.licence.id, "title": product.licence.title.zh} | ({"path": product.licence.url} if product.licence.url else {})],
        "resources": [_resource(built, part) for part in built.parts],
    })  # fmt: skip


MISSING = ["", "nan", "NaT"]
"""How a missing value of Parquet looks to validators that read it through pandas."""


def _resource(built: Built, part: Path) -> dict[str, object]:
    fields = built.template.product.fields
    return {
        "name": part.stem, "type": "table", "path": part.relative_to(built.folder).as_posix(), "format": "parquet", "mediatype": PARQUET[0],
        "hash": f"sha256:{file_sha256(part)}",
        "schema": {"fields": [_package_field(field) for field in fields], "primaryKey": [field.name for field in fields if field.key], "missingValues": MISSING},
    }  # fmt: skip


def _package_field(field: ProductField) -> dict[str, object]:
    made: dict[str, object] = {
        "name": field.name,
        "type": PACKAGE_TYPE[field.type],
        "title": field.label.zh,
        "description": field.description.zh,
    }
    limits = {
        name: float(value)
        for name, value in (("minimum", field.minimum), ("maximum", field.maximum))
        if value is not None
    }
    return made | ({"unit": field.unit} if field.unit else {}) | {"constraints": {"required": field.required, **limits}}


def quality_report(built: Built) -> str:
    """The quality of the rows by GB/T 36344-2018, each figure with how it was counted."""
    rows = [_quality_record(row) for row in built.quality]
    national = tc609(built.quality, (built.folder / "README.md").read_text(encoding="utf-8"))
    groups = {
        code: {"mean": _decimal(mean), "verdict": verdict} for code, (mean, verdict) in tc609_groups(national).items()
    }
    assert built.scope is not None  # noqa: S101 - whoever builds judges
    series = series_checks(built.scope)
    return as_json({
        "standard": "GB/T 36344-2018", "confidence": "secondary", "weights": None, "indicators": rows,
        "DB31/T 1523-2024": {"confidence": "secondary", "indicators": [_score(each) for each in db31(built.quality)]},
        "TC609-5-2025-04": {"confidence": "secondary", "pass_mark": "0.90 in each group", "groups": groups, "indicators": [_score(each) for each in national]},
        "time_series": {name: {"count": count, "of": of, "sql": sql} for name, (count, of, sql) in series.items()},
    })  # fmt: skip


def _score(score: Score) -> dict[str, object]:
    status = "not assessed" if score.share is None else "assessed"
    return {
        "code": score.code,
        "label": {"zh": score.label, "en": score.label_en},
        "status": status,
        "score": _decimal(score.share),
        "how": score.how,
    }


def _quality_record(row: QualityRow) -> dict[str, object]:
    return {
        "code": row.code, "label": {"zh": row.label.zh, "en": row.label.en}, "status": "assessed" if row.assessed else "not assessed", "better": row.better,
        "numerator": row.numerator, "denominator": row.denominator, "ratio": _decimal(row.ratio), "score": _decimal(row.score), "how": row.how,
    }  # fmt: skip


def _decimal(ratio: object) -> str | None:
    """Six decimals, rounded down, as text: a share just below a mark must not be shown on it."""
    if not isinstance(ratio, Fraction):
        return None
    millionths = ratio.numerator * 1_000_000 // ratio.denominator
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def manifest(built: Built) -> str:
    """The product as decided: definition, grading, interval, rows and kind."""
    return as_json({
        "product": built.template.product.model_dump(mode="json", exclude={"recipe": {"operations"}}),
        "plant": {"name": built.site.plant.name.model_dump(), "credit_code": built.site.plant.credit_code, "industry": built.site.plant.industry.model_dump()},
        "kind": built.site.kind,
        "rows": str(built.rows),
        "interval": {"from": f"{built.span.begins.isoformat()}Z", "to": f"{built.span.ends.isoformat()}Z"},
        "built_on": built.built_on.isoformat(),
    })  # fmt: skip


def recipe(built: Built) -> str:
    """What was done to the data, without what would undo it."""
    return as_json(published_recipe(built.template.product))


def residual(built: Built) -> str:
    """The risk that is left, measured."""
    risk = built.risk
    assert risk is not None  # noqa: S101 - build_rows measures it
    unicity = None if risk.unicity is None else {str(known): _decimal(share) for known, share in risk.unicity.items()}
    return as_json({
        "groups": risk.groups, "field": risk.field, "unicity": unicity, "k": risk.k, "quasi_identifiers": list(risk.quasi),
        "linkage_hit_rate": _decimal(risk.linked), "names_looked_for": len(identifying(built.secrets)), "names_found": 0,
        "how": {"zh": "unicity(p)：随机知道 p 个（时间，值）点即能单独识别的组所占比例；linkage：持有全部原始序列者按归一化互相关找回自身的比例；"
                      "k：准标识符组合下最小组数；names_found 不为 0 时不生成数据包",
                "en": "unicity(p): share of groups singled out by p random known (time, value) points; linkage: share of series found again, by normalised "
                      "cross-correlation, by somebody who owns the originals; k: groups that share the rarest quasi-identifiers; with names_found above 0 there is no package"},
        "standard": "GB/T 42460-2023 (clause 6.3)", "confidence": "secondary",
    })  # fmt: skip


def provenance(built: Built) -> str:
    """Where the rows come from."""
    return as_json(built.provenance)


def sample(built: Built) -> str:
    """The first rows as CSV that spreadsheets open in Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    names, rows = sample_rows(built)
    writer.writerow(names)
    writer.writerows(rows)
    return "\ufeff" + out.getvalue()


def figures(built: Built) -> str:
    """Least, largest, mean and spread of every number field, counts of every label, and what the product's own summary tells."""
    told, lines = built.template.product.summary, summary_of(built.template, built.parts)
    summary = None if told is None else {
        "title": told.title.model_dump(), "columns": {name: label.model_dump() for name, label in told.columns.items()}, "rows": lines,
        "note": told.note and told.note.model_dump(), "sql": built.template.summary,
    }  # fmt: skip
    return as_json({"fields": statistics(built), "categories": categories(built), "summary": summary})


def papers_checklist(built: Built) -> str:
    """What is attached and what is missing."""
    return checklist(built, built.folder, (built.folder / "README.md").read_text(encoding="utf-8"))


PAPERS: Mapping[str, Callable[[Built], str | bytes]] = {
    "README.md": readme,
    "croissant.json": croissant,
    "datapackage.json": data_package,
    "product.json": manifest,
    "papers/data-dictionary.csv": dictionary,
    "papers/quality.json": quality_report,
    "papers/provenance.json": provenance,
    "papers/recipe.json": recipe,
    "papers/residual-risk.json": residual,
    "papers/statistics.json": figures,
    "papers/上传表单.xlsx": upload_form,
    "sample/sample.csv": sample,
    "dcat.ttl": dcat,
    "odrl-offer.json": offer,
    "dataspace.json": dataspace,
    "records.jsonl": records,
    "papers/provenance.intoto.json": statement,
    "papers/checklist.json": papers_checklist,
}
