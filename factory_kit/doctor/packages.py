"""The packages Factory Kit rests on: whether each is there, in a version that fits, and loads on this machine."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from factory_kit.doctor.child import loaded
from factory_kit.doctor.finding import Finding
from factory_kit.i18n import N_, _

__all__ = [
    "CORE",
    "EXTRAS",
    "EXTRA_MODULES",
    "Need",
    "Standing",
    "extra_findings",
    "from_wheelhouse",
    "needs",
    "package_findings",
    "standing",
]

PROJECT = "factory-kit"
CORE: Mapping[str, tuple[str, str]] = {
    "altair": ("altair", N_("charts in reports")),
    "asyncua": ("asyncua", N_("reading over OPC UA")),
    "babel": ("babel", N_("dates and numbers in reports")),
    "cryptography": ("cryptography", N_("OPC UA encryption, and signatures")),
    "docxtpl": ("docxtpl", N_("reports as Word files")),
    "duckdb": ("duckdb", N_("everything that reads the store: queries, figures, evidence, reports")),
    "google-crc32c": ("google_crc32c", N_("writing to the store, so collecting and importing too")),
    "jinja2": ("jinja2", N_("reports and pages")),
    "markupsafe": ("markupsafe", N_("reports and pages")),
    "numpy": ("numpy", N_("everything that handles samples")),
    "openpyxl": ("openpyxl", N_("forms that come back filled in")),
    "packaging": ("packaging", N_("comparing versions in this very command")),
    "pandas": ("pandas", N_("importing what historians export")),
    "pillow": ("PIL", N_("photos as evidence")),
    "py-minisign": ("minisign", N_("keys and sealed files")),
    "pyarrow": ("pyarrow", N_("writing to the store, so collecting and importing too")),
    "pydantic": ("pydantic", N_("every file that people write: the site, connectors, models")),
    "pydantic-core": ("pydantic_core", N_("every file that people write: the site, connectors, models")),
    "pymodbus": ("pymodbus", N_("the simulated plant, so the demonstration too")),
    "pyserial": ("serial", N_("Modbus over serial lines")),
    "python-docx": ("docx", N_("reports as Word files")),
    "pyyaml": ("yaml", N_("every file that people write: the site, connectors, models")),
    "rfc8785": ("rfc8785", N_("evidence records and sealed files")),
    "rich": ("rich", N_("tables and the live screen")),
    "scikit-learn": ("sklearn", N_("anomalies of equipment in diagnose")),
    "scipy": ("scipy", N_("the way to the next level, and tables that hide small cells")),
    "starlette": ("starlette", N_("the questionnaire in the browser")),
    "typer": ("typer", N_("the command line")),
    "typst": ("typst", N_("reports as PDF")),
    "tzdata": ("tzdata", N_("time zones")),
    "uvicorn": ("uvicorn", N_("the questionnaire in the browser")),
    "vl-convert-python": ("vl_convert", N_("charts in reports")),
    "xlsxwriter": ("xlsxwriter", N_("reports and forms as Excel files")),
}
"""What each package is imported as, and what its absence switches off."""
EXTRAS: Mapping[str, str] = {
    "keyring": N_("passwords of OPC UA servers in the system's keyring; the environment and typing remain"),
    "lake": N_("store push and store pull with object stores and Delta tables"),
    "spark": N_("lake kpi with the engine spark; duckdb remains"),
    "validate": N_("what mlcroissant and frictionless say about a data package; our own checks remain"),
}
"""What is switched off without each extra."""
EXTRA_MODULES: Mapping[str, str] = {
    "keyring": "keyring",
    "botocore": "botocore",
    "deltalake": "deltalake",
    "urllib3": "urllib3",
    "pyspark": "pyspark",
    "mlcroissant": "mlcroissant",
    "frictionless": "frictionless",
}
VISUAL_C = "DLL load failed"
"""What Python says on Windows where Microsoft's C++ runtime is missing."""


@dataclass(frozen=True)
class Need:
    """A package that is asked for: by the core, or by an extra."""

    name: str
    module: str
    asked: Requirement
    extra: str = ""


@dataclass(frozen=True)
class Standing:
    """How a need stands on this machine."""

    need: Need
    version: str
    """Empty: not installed."""
    fits: bool
    broken: str
    """Why it does not load, in Python's words; empty when it does."""

    @property
    def kind(self) -> Literal["ok", "absent", "other version", "broken"]:
        """What is wrong with it, the first thing that is."""
        if not self.version:
            return "absent"
        if not self.fits:
            return "other version"
        return "broken" if self.broken else "ok"


def needs(lines: Iterable[str] | None = None) -> list[Need]:
    """What this version asks for here, extras for developers left out; *lines* are requirements as metadata holds them."""
    lines = _requirements() if lines is None else lines
    asked = [Requirement(line) for line in lines]
    core = [Need(name, CORE[name][0], each) for each in asked if _wanted(each, "") and (name := _name(each)) in CORE]
    further = [
        Need(name, EXTRA_MODULES[name], each, extra)
        for extra in EXTRAS
        for each in asked
        if not _wanted(each, "") and _wanted(each, extra) and (name := _name(each)) in EXTRA_MODULES
    ]
    return core + further


def _requirements() -> list[str]:
    """What this version asks for: of a checkout its pyproject.toml, otherwise what was noted when it was installed."""
    file = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if file.is_file():
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        extras = project["optional-dependencies"].items()
        return [*project["dependencies"], *(f"{each}; extra == '{name}'" for name, lines in extras for each in lines)]
    try:
        return requires(PROJECT) or []
    except PackageNotFoundError:
        return []


def _name(asked: Requirement) -> str:
    return asked.name.lower()


def _wanted(asked: Requirement, extra: str) -> bool:
    return asked.marker is None or asked.marker.evaluate({"extra": extra})


def standing(asked: Iterable[Need]) -> list[Standing]:
    """How each need stands; those installed are loaded once, in another process."""
    found = [(need, _version(need.name)) for need in asked]
    broken = loaded([need.module for need, have in found if have])
    return [
        Standing(need, have, need.asked.specifier.contains(have or "0", prereleases=True), broken.get(need.module, ""))
        for need, have in found
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def package_findings(found: Iterable[Standing]) -> Iterator[Finding]:
    """One finding for all that is well in the core, and one for each package that is not."""
    core = [each for each in found if not each.need.extra]
    if not core:
        text = _("nothing says what Factory Kit needs: it was not installed by pip")
        yield Finding("packages", _("Packages"), "note", text)
        return
    well = [each for each in core if each.kind == "ok"]
    listed = ", ".join(_listed(each) for each in well)
    yield Finding("packages", _("Packages"), "ok", f"{len(well)} / {len(core)}: {listed}")
    for each in core:
        if each.kind != "ok":
            yield Finding(
                f"package-{each.need.name}", each.need.name, "missing", _said(each), _(CORE[each.need.name][1]), _remedy(each)
            )  # fmt: skip


def _listed(each: Standing) -> str:
    """Name and version; also which versions fit, where newer ones may not."""
    asked = str(each.need.asked.specifier)
    return f"{each.need.name} {each.version}" + (f" ({asked})" if "<" in asked else "")


def _said(each: Standing) -> str:
    asked = str(each.need.asked.specifier)
    if each.kind == "absent":
        return _("not installed; wanted: {asked}").format(asked=asked or "*")
    if each.kind == "other version":
        return _("{version} is installed; wanted: {asked}").format(version=each.version, asked=asked)
    said = " ".join(each.broken.split())[:200]
    return _("{version} is installed and does not load ({said})").format(version=each.version, said=said)


def _remedy(each: Standing) -> str:
    if VISUAL_C in each.broken:
        return _(
            "install Microsoft Visual C++ Redistributable (x64, vc_redist.x64.exe; bring it along) and open a new console"
        )
    return from_wheelhouse(each.need.extra)


def from_wheelhouse(extra: str = "") -> str:
    """How a package is had without internet."""
    wanted = f"{PROJECT}[{extra}]" if extra else PROJECT
    return _('from a wheelhouse folder: pip install --no-index --find-links FOLDER "{wanted}"').format(wanted=wanted)


def extra_findings(found: Iterable[Standing]) -> Iterator[Finding]:
    """One finding for each extra."""
    listed = list(found)
    for extra, off in EXTRAS.items():
        parts = [each for each in listed if each.need.extra == extra]
        title = _("Extra {name}").format(name=f"[{extra}]")
        wrong = [each for each in parts if each.kind != "ok"]
        if wrong or not parts:
            said = "; ".join(f"{each.need.name}: {_said(each)}" for each in wrong) or _("not installed")
            yield Finding(f"extra-{extra}", title, "limited", said, _(off), from_wheelhouse(extra))
        else:
            versions = ", ".join(f"{each.need.name} {each.version}" for each in parts)
            yield Finding(f"extra-{extra}", title, "ok", versions)
