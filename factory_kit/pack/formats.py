"""Papers of data spaces and catalogues: DCAT-AP 3 in Turtle, an ODRL offer, a Dataspace Protocol dataset, TC609 records, an in-toto statement."""

from __future__ import annotations

import json
import uuid

from factory_kit.pack.build import Built, as_json
from factory_kit.pack.digests import file_sha256

__all__ = ["dataspace", "dcat", "offer", "records", "statement", "uid"]

PARQUET = "application/vnd.apache.parquet"
NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "urn:factory-kit:product")


def uid(built: Built, what: str) -> str:
    """A stable URN for *what* of this version of the product."""
    product = built.template.product
    return f"urn:uuid:{uuid.uuid5(NAMES, f'{built.site.plant.id}|{product.product}|{product.version}|{what}')}"


def rules(built: Built) -> dict[str, object]:
    """Permission and prohibition, the same for every format."""
    listing = built.template.product.listing
    purpose = {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": listing.purpose}
    return {
        "permission": [{"action": "use", "constraint": [purpose]}],
        "prohibition": [{"action": "distribute"}],
    }


def offer(built: Built) -> str:
    """The offer in ODRL 2.2 as JSON-LD."""
    made: dict[str, object] = {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Offer",
        "uid": uid(built, "offer"),
        "profile": "http://www.w3.org/ns/odrl/2/core",
        "assigner": {"@type": "Party", "uid": f"urn:uscc:{built.site.plant.credit_code}"},
    }
    target = {"target": uid(built, "dataset")}
    return as_json(
        made
        | {name: [rule | target for rule in found] for name, found in rules(built).items() if isinstance(found, list)}
    )


def dataspace(built: Built) -> str:
    """The dataset as a catalogue of the Dataspace Protocol 2025-1 holds it; the connector of the supplier fills in its address."""
    listing = built.template.product.listing
    service = {
        "@id": uid(built, "service"),
        "@type": "DataService",
        "endpointURL": "https://connector.example.invalid/dsp",
    }
    ways = {"file": "HttpData-PULL", "api": "HttpData-PULL", "sandbox": "Sandbox-COMPUTE"}
    formats = list(dict.fromkeys(ways[way] for way in listing.delivery))
    return as_json({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
        "@id": uid(built, "dataset"),
        "@type": "Dataset",
        "hasPolicy": [{"@type": "Offer", "@id": uid(built, "offer"), **rules(built)}],
        "distribution": [{"@type": "Distribution", "format": each, "accessService": service} for each in formats],
    })  # fmt: skip


def records(built: Built) -> str:
    """One TC609-5-2025-02 record for each part, as JSON Lines; ``time_series`` is our extension of its media types."""
    product = built.template.product
    day = built.built_on.isoformat()
    lines = []
    for part in built.parts:
        sha256 = file_sha256(part)
        lines.append({
            "id": f"sha256:{sha256}",
            "rid": None,
            "data_content": [{"media_type": "time_series", "content": part.relative_to(built.folder).as_posix(), "sha256": sha256}],
            "annotation": None,
            "original_time": built.span.begins.date().isoformat(),
            "last_modified_time": day,
            "version": product.version,
            "license": "商业授权",
            "source": "自采" if "自行生产" in product.listing.origin else "组织机构",
            "source_details": f"{built.site.plant.name.zh}, papers/provenance.json",
            "generated_data_indicator": int(bool({"simulated"} & set(built.origins))),
        })  # fmt: skip
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def statement(built: Built) -> str:
    """The provenance as an in-toto Statement v1 over the parts."""
    subjects = [
        {"name": part.relative_to(built.folder).as_posix(), "digest": {"sha256": file_sha256(part)}}
        for part in built.parts
    ]
    return as_json({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "urn:factory-kit:provenance:1",
        "predicate": built.provenance,
    })  # fmt: skip


PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix spdx: <http://spdx.org/rdf/terms#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def dcat(built: Built) -> str:
    """Catalogue, dataset and distributions in Turtle, with every type that the shapes of DCAT-AP 3.0.1 ask for."""
    product, plant = built.template.product, built.site.plant
    dataset, publisher = uid(built, "dataset"), f"urn:uscc:{plant.credit_code}"
    parts = [f"<{uid(built, part.name)}>" for part in built.parts]
    keywords = ", ".join(_text(word, "zh") for word in product.listing.keywords)
    lines = [
        PREFIXES,
        f"<{uid(built, 'catalogue')}> a dcat:Catalog ;",
        f"  dct:title {_text(plant.name.zh + '数据产品目录', 'zh')} ; dct:description {_text('由数据产品清单生成', 'zh')} ;",
        f"  dct:publisher <{publisher}> ; dcat:dataset <{dataset}> .",
        f"<{publisher}> a foaf:Agent ; foaf:name {_text(plant.name.zh, 'zh')} .",
        f"<{dataset}> a dcat:Dataset ;",
        f"  dct:title {_text(product.title.zh, 'zh')}, {_text(product.title.en, 'en')} ;",
        f"  dct:description {_text(product.description.zh, 'zh')}, {_text(product.description.en, 'en')} ;",
        f"  dct:identifier {_text(product.identifier or product.product)} ; dcat:keyword {keywords} ; dcat:version {_text(product.version)} ;",
        f'  dct:issued "{built.built_on.isoformat()}"^^xsd:date ; dct:publisher <{publisher}> ;',
        f'  dct:temporal [ a dct:PeriodOfTime ; dcat:startDate "{built.span.begins.isoformat()}Z"^^xsd:dateTime ; dcat:endDate "{built.span.ends.isoformat()}Z"^^xsd:dateTime ] ;',
        f"  dcat:contactPoint [ a vcard:Kind, vcard:Organization ; vcard:fn {_text(plant.name.zh, 'zh')} ] ;",
        f"  dct:accessRights [ a dct:RightsStatement ; <http://www.w3.org/2000/01/rdf-schema#label> {_text(product.licence.title.zh, 'zh')} ] ;",
        f"  dcat:distribution {', '.join(parts)} .",
        f"<{uid(built, 'offer')}> a odrl:Policy, odrl:Offer .",
    ]
    return "\n".join([*lines, *(_distribution(built, name, place) for place, name in enumerate(parts))]) + "\n"


def _distribution(built: Built, name: str, place: int) -> str:
    part, product = built.parts[place], built.template.product
    return (
        f"{name} a dcat:Distribution ; dct:title {_text(part.name)} ;\n"
        f"  dcat:accessURL <{product.licence.url or uid(built, 'dataset')}> ;\n"
        f"  dct:license [ a dct:LicenseDocument ; dct:title {_text(product.licence.title.zh, 'zh')} ] ;\n"
        f"  dct:format <http://publications.europa.eu/resource/authority/file-type/PARQUET> ;\n"
        f"  dcat:mediaType <https://www.iana.org/assignments/media-types/{PARQUET}> ;\n"
        f'  dcat:byteSize "{part.stat().st_size}"^^xsd:nonNegativeInteger ; odrl:hasPolicy <{uid(built, "offer")}> ;\n'
        f'  spdx:checksum [ a spdx:Checksum ; spdx:algorithm spdx:checksumAlgorithm_sha256 ; spdx:checksumValue "{file_sha256(part)}"^^xsd:hexBinary ] .\n'
        "<http://publications.europa.eu/resource/authority/file-type/PARQUET> a dct:MediaTypeOrExtent .\n"
        f"<https://www.iana.org/assignments/media-types/{PARQUET}> a dct:MediaType .\n"
        "spdx:checksumAlgorithm_sha256 a spdx:ChecksumAlgorithm ."
    )


def _text(text: str, language: str = "") -> str:
    """*text* as a Turtle literal: JSON's escapes are Turtle's."""
    return json.dumps(text, ensure_ascii=False) + (f"@{language}" if language else "")
