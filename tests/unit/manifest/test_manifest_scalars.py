"""Scalars mean what Argo's Go parser says they mean."""

import math

import pytest

from tiphys.manifest import scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("y", True),
        ("Off", False),
        ("True", True),
        ("tRue", "tRue"),
        ("0", 0),
        ("010", 8),
        ("0o10", 8),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+5", 5),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000),
        ("1e-2", 0.01),
        ("1e400", math.inf),
        (".nan.", ".nan."),
        ("12:30:45", "12:30:45"),
        ("2013-01", "2013-01"),
        ("2013-01-01", "2013-01-01"),
        ("-", "-"),
        ("v1", "v1"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
    ],
)
def test_plain_text_is_read_as_go_reads_it(text, value):
    assert scalar.resolve(text) == value
    assert type(scalar.resolve(text)) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("x", "x"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (2**53 + 1, "9007199254740992"),
        (math.inf, "inf"),
        (None, ""),
        ({"a": 1}, ""),
    ],
)
def test_a_parameter_becomes_text_as_in_argo(value, text):
    """Rule 31: numbers go through float64, lists and maps become empty."""
    assert scalar.any_string(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ([1, 2.5, True], "[1,2.5,true]"),
        ({"b": "x & y", "a": [{}]}, r'{"a":[{}],"b":"x \u0026 y"}'),
        ("a\nb", r'"a\nb"'),
    ],
)
def test_items_are_written_as_go_writes_json(value, text):
    assert scalar.go_json(value) == text
