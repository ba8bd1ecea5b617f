"""Personal data and company codes in texts, as they are written in China; pure.

Check digits decide: GB 11643-1999 (18 digits of a resident, ISO 7064 MOD 11-2) and GB 32100-2015 (credit code, modulo 31).
Names are looked for only in fields that are about people: two or three signs after a family name are a word anywhere else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Personal", "about_people", "masked", "personal_data"]

RESIDENT = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx](?![0-9A-Za-z])"
)
MOBILE = re.compile(r"(?<![0-9A-Za-z.])(?:\+?86)?1[3-9]\d{9}(?![0-9A-Za-z])")
CREDIT = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])")
MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
PEOPLE = re.compile(
    r"operator|worker|staff|badge|login|user|employee|acknowledged_by|person|操作|员工|人员|姓名|工号|班长|签字|确认人",
    re.IGNORECASE,
)
SPACED = re.compile(r"(?<=\d)[ \u00a0-]+(?=[\dXx])")
RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FAMILY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟"
    "熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒"
)
NAME = re.compile(rf"(?:欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|[{FAMILY}])[\u4e00-\u9fff]{{1,2}}")


@dataclass(frozen=True, slots=True)
class Personal:
    """One thing found: what it is, and its text."""

    kind: str
    text: str


def personal_data(text: str, *, people: bool = False) -> list[Personal]:
    """What of *text* names a person or a company; *people* says that the field it comes from is about people."""
    plain = unicodedata.normalize("NFKC", text)
    found = {(each.kind, each.text): each for form in (plain, SPACED.sub("", plain)) for each in _patterns(form)}
    if people and NAME.fullmatch(plain.strip()):
        found["name", plain] = Personal("name", plain.strip())
    return list(found.values())


def about_people(*words: str) -> bool:
    """Whether a field with these names and labels is about people."""
    return any(PEOPLE.search(word) for word in words)


def masked(text: str) -> str:
    """Enough of *text* to find it again, too little to read it."""
    return text[:2] + "*" * min(len(text) - 2, 6) if len(text) > 3 else "*" * len(text)


def _patterns(text: str) -> Iterator[Personal]:
    yield from (Personal("resident id", found) for found in RESIDENT.findall(text) if _resident_fits(found))
    yield from (Personal("mobile", found) for found in MOBILE.findall(text))
    yield from (Personal("credit code", found) for found in CREDIT.findall(text) if _credit_fits(found))
    yield from (Personal("mail", found) for found in MAIL.findall(text))


def _resident_fits(text: str) -> bool:
    total = sum(int(sign) * weight for sign, weight in zip(text[:17], RESIDENT_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def _credit_fits(text: str) -> bool:
    total = sum(CREDIT_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(text[:17]))
    return CREDIT_SIGNS[(31 - total % 31) % 31] == text[17]
