"""What the SQL of an indicator may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factory_kit.errors import QueryError
from factory_kit.kpi.review import review
from factory_kit.model.indicator import Indicator


def test_the_shipped_indicators_pass_their_review(shipped: dict[str, Indicator]) -> None:
    """All of them, and there are twenty-eight."""
    assert len(shipped) == 28
    for indicator in shipped.values():
        review(indicator)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT avg(value) FROM samples", r"uses avg\(\), whose answer is not the same everywhere"),
        ("SELECT now()", r"uses now\(\)"),
        ("SELECT * FROM samples WHERE random() < 0.5", r"uses random\(\)"),
        ("SELECT getenv('HOME')", r"uses getenv\(\)"),
        ("SELECT * FROM secrets", r"reads secrets, expected the views of the store"),
        ("SELECT * FROM information_schema.tables", r"reads information_schema\.tables"),
        ("SELECT * FROM 'other.parquet'", r"reads other\.parquet"),
        ("SELECT * FROM read_csv('/etc/passwd')", r"read_csv\(\) cannot be used here"),
        ("SELECT 1; SELECT 2", r"2 statements, expected one SELECT"),
        ("COPY samples TO 'x.csv'", r"is no SELECT"),
        ("DROP VIEW samples", r"is no SELECT"),
        ("WITH a AS (SELECT 1) SELECT * FROM a, b", r"reads b"),
    ],
)
def test_anything_else_is_refused_in_one_line(sql: str, message: str, shipped: dict[str, Indicator]) -> None:
    """The name of the indicator or of what is wrong, and what is expected."""
    with pytest.raises(QueryError, match=message) as caught:
        review(replace(shipped["oee"], sql=sql))
    assert "\n" not in str(caught.value)
