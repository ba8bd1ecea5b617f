"""Finding a family of equipment by the words people use for it, in Chinese or English. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from factory_kit.model.connector import Connector

__all__ = ["ALIKE", "found", "matches"]

ALIKE: tuple[tuple[str, ...], ...] = (
    ("电表", "电能表", "电度表", "多功能表", "电力仪表", "electricity meter", "energy meter", "power meter"),
    ("电能质量", "power analyser", "power analyzer"),
    ("变频器", "变频", "vfd", "frequency converter", "drive"),
    ("逆变器", "光伏", "太阳能", "solar", "photovoltaic", "inverter"),
    ("空压机", "压缩机", "空气压缩", "compressor"),
    ("温控器", "温控仪", "温度控制", "temperature controller"),
    ("流量计", "流量", "flow meter", "flowmeter"),
    ("不间断电源", "后备电源", "ups", "uninterruptible"),
    ("可编程", "控制器模板", "plc"),
    ("机床", "数控", "cnc", "machine tool"),
    ("仪表", "计量", "meter"),
    ("安科瑞", "acrel"),
    ("正泰", "chint"),
    ("东鸿", "eastron"),
    ("施耐德", "schneider"),
    ("西门子", "siemens"),
    ("汇川", "inovance"),
    ("英威腾", "invt"),
    ("台达", "delta"),
    ("丹佛斯", "danfoss"),
    ("富士", "fuji"),
    ("士林", "shihlin"),
    ("四方", "sunfar", "simphoenix"),
    ("欧姆龙", "omron"),
    ("三菱", "mitsubishi"),
    ("华为", "huawei"),
    ("阳光电源", "sungrow"),
    ("捷尼查", "janitza"),
    ("维谛", "艾默生", "vertiv", "emerson", "liebert"),
    ("伊顿", "eaton"),
)
"""Words for one thing: who looks for one of a row finds what is described by any other of it."""


def matches(connector: Connector, words: Sequence[str]) -> bool:
    """Whether each of *words* (or a word for the same thing) stands in the name, the label or a product of *connector*."""
    label = connector.label
    text = "\n".join((connector.connector, label.zh, label.en, connector.driver, *connector.products)).casefold()
    return all(any(each in text for each in _meant(word.casefold())) for word in words)


def found(connectors: Iterable[Connector], words: Sequence[str]) -> list[Connector]:
    """Those of *connectors* that match all of *words*, by name; all of them without a word."""
    return sorted((each for each in connectors if matches(each, words)), key=lambda each: each.connector)


def _meant(word: str) -> set[str]:
    """*word* and all that stands in a row with it; a plural counts as the word itself."""
    single = word.removesuffix("s") if len(word) > 3 else word
    return {single, *(each for row in ALIKE if word in row or single in row for each in row)}
