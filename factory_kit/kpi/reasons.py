"""Why there is no figure: the sentences that indicators write into records, in English, translated where they are shown."""

from __future__ import annotations

from factory_kit.i18n import N_

__all__ = [
    "FEW", "GOODS", "IMPOSSIBLE", "NOTHING_MEASURED", "NO_CYCLE", "NO_FAILURE", "NO_GOOD", "NO_METER", "NO_OEE", "NO_REWORK", "NO_STATE", "NO_STATES", "NO_TOTAL",
    "REASONS", "STATES", "TOO_LITTLE_KNOWN", "TWO_COUNTERS", "TWO_METERS", "UNKNOWN_UNIT", "WRONG_CYCLE",
]  # fmt: skip

TOO_LITTLE_KNOWN = N_("less of the interval is known than the indicator needs")
NOTHING_MEASURED = N_("the interval holds nothing to measure")
NO_STATE = N_("no point tells the state")
STATES = N_("several points tell the state")
NO_STATES = N_("no machine has a point that tells the state")
NO_TOTAL = N_("no point counts pieces")
NO_GOOD = N_("no point counts good pieces")
TWO_COUNTERS = N_("several points count the same pieces")
NO_CYCLE = N_("the ledger gives no ideal cycle")
NO_OEE = N_("no machine gives figures from which OEE can be computed")
IMPOSSIBLE = N_("pieces were counted while the machine never produced")
WRONG_CYCLE = N_("effectiveness is above 1, so the ideal cycle is wrong")
GOODS = N_("more good pieces than pieces were counted")
NO_REWORK = N_("no point counts reworked pieces")
NO_METER = N_("no equipment has a point that measures energy")
TWO_METERS = N_("several points measure the energy")
NO_FAILURE = N_("no failure was seen")
FEW = N_("fewer than five failures: a mean says little")
UNKNOWN_UNIT = N_("the unit of the energy is none of Wh, kWh, MWh")

REASONS: tuple[str, ...] = (
    TOO_LITTLE_KNOWN,
    NOTHING_MEASURED,
    NO_STATE,
    STATES,
    NO_STATES,
    NO_TOTAL,
    NO_GOOD,
    TWO_COUNTERS,
    NO_CYCLE,
    NO_OEE,
    IMPOSSIBLE,
    WRONG_CYCLE,
    GOODS,
    NO_REWORK,
    N_("the ledger names no production machine"),
    N_("the ledger names no metering point"),
    N_("no point is read"),
    NO_METER,
    TWO_METERS,
    UNKNOWN_UNIT,
    NO_FAILURE,
    FEW,
    N_("more than a tenth of what counts could not be told from the data"),
    N_("the ledger does not say how machines are controlled"),
    N_("the site lists no operations"),
    N_("no point tells whether advanced control is in service"),
    N_("more reworked than good pieces were counted"),
    N_("no machine gives figures from which this can be computed"),
    N_("pieces of several products cannot be added"),
    N_("the ledger does not say which machine finishes the product"),
    N_("the ledger names no product"),
    N_("the ledger names no place of emission"),
    N_("the ledger names no key equipment"),
    N_("no point tells of repair orders"),
)
"""Every sentence a shipped indicator can give; a test finds missing ones."""
