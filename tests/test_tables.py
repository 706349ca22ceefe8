from __future__ import annotations

import pytest

from cifarlib._support.tables import Table


def test_text_is_aligned_and_numbers_have_separators() -> None:
    table = Table(["Name", "Count"], [("a", 1234567), ("longer", None)], "Title", ("Sum", 1.5))
    assert str(table).splitlines() == [
        "Title",
        "Name        Count",
        "------  ---------",
        "a       1,234,567",
        "longer",
        "------  ---------",
        "Sum           1.5",
    ]


def test_html_is_escaped_and_says_what_its_headers_head() -> None:
    table = Table(["<a>", "n"], [("x & y", 1000)], "a < b")
    html = table._repr_html_()
    assert "<caption>a &lt; b</caption>" in html
    assert '<th scope="col" style="text-align: left">&lt;a&gt;</th>' in html
    assert '<th scope="row" style="text-align: left">x &amp; y</th>' in html
    assert '<td style="text-align: right">1,000</td>' in html
    assert "<tfoot>" not in html


def test_empty_table_and_plain_values() -> None:
    assert str(Table(["a", "b"], [])).splitlines() == ["a  b", "-  -"]
    assert str(Table(["a"], [(True,), ("2026",)])).splitlines()[2:] == ["True", "2026"]


def test_row_of_the_wrong_length() -> None:
    with pytest.raises(ValueError, match="Row 2 has 1 cells, but there are 2 headers"):
        Table(["a", "b"], [(1, 2), (3,)])
