"""What an expression tells its author, and where its time and chance come from."""

import json
import math
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tiphys.errors import UserError
from tiphys.expression import Environment, ExpressionError, evaluate
from tiphys.expression.calls import call
from tiphys.expression.environment import World
from tiphys.expression.evaluator import FUNCTIONS
from tiphys.expression.faults import RefusedError
from tiphys.expression.sprig import FUNCTIONS as SPRIG

NOON = Environment(now=datetime(2024, 6, 1, 12, tzinfo=UTC), seed=7)


def value(source, names=None):
    return evaluate(source, names or {}, NOON)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 +", "found the end. Expected a value.\n  1 +\n     ^"),
        ("(1", "Expected `)`."),
        ("'abc", "this string is never closed.\n  'abc\n  ^"),
        ("a @ b", "`@` has no meaning here.\n  a @ b\n    ^"),
        ("nil ?? 1 + 2", "Put one of the two into parentheses."),
        ("lenn('a')", 'there is no function "lenn". Did you mean "len"?\n  lenn(\'a\')\n  ^'),
        ("sprig.uppr('a')", 'there is no function "sprig.uppr". Did you mean "sprig.upper"?'),
        ("input.x", 'there is no name "input". Did you mean "inputs"?\n  input.x\n  ^'),
        ("inputs.x.y", "string has no y.\n  inputs.x.y\n           ^"),
        ("1 == '1'", "`==` does not take int and string.\n  1 == '1'\n    ^"),
        (
            "true &&\n  inputs.x < 1",
            "string and int have no order.\n    inputs.x < 1\n             ^",
        ),
        ("upper()", "`upper` needs 1 arguments, not 0."),
        ("upper('a', 'b')", "`upper` takes 1 arguments, not 2."),
        ("sprig.until('a')", "`sprig.until` takes int, not string."),
        ("date('gestern')", "name its layout"),
        ("jsonpath('[1]', '$.a.b')", "`$.a.b` finds nothing."),
        ("jsonpath('[1]', 'a')", "does not begin with `$`"),
        ("jsonpath('[1]', '$[?(@.x)]')", "not supported"),
        ("jsonpath('[1]', '$a')", "wrong at `a`"),
        ("let inputs = 1; 1", '"inputs" already has a meaning.'),
        ("inputs.f()", "`inputs.f` is nil, not a function."),
        ("[inputs][0].f()", "`this.f` is nil, not a function."),
        ("string(sprig.upper)", "a func has no text."),
        ("sprig.upper", "has no text"),
        ("0 / 0", "NaN has no JSON."),
        ("date('9999-12-31') + duration('24h')", "outside the years 1 to 9999"),
        ("sprig.randAlpha(-1)", "-1 random characters."),
        ("sprig.until(3000000)", "more than 1,000,000 numbers."),
        ("groupBy([1], #)", "a map whose keys are no strings has no JSON."),
    ],
)
def test_an_error_shows_the_place_and_says_what_to_do(source, message):
    with pytest.raises(ExpressionError) as caught:
        value(source, {"inputs": {"x": "text"}})
    assert message in str(caught.value)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize(
    "source", ["(" * 3000, "[" * 3000 + "]" * 3000, "x" + ".x" * 3000, "- " * 3000 + "1"]
)
def test_an_expression_nested_too_deeply_is_refused(source):
    with pytest.raises(ExpressionError, match="nested too deeply") as caught:
        value(source, {"x": {}})
    assert len(str(caught.value)) < 300


def test_json_nested_too_deeply_is_refused():
    for depth in (600, 100_000):
        with pytest.raises(ExpressionError):
            value("fromJSON(x)", {"x": "[" * depth + "]" * depth})


def test_a_chain_may_be_long():
    assert value("1" + "+1" * 3000) == 3001
    assert value(" && ".join(["x.y"] * 3000), {"x": {"y": True}}) is True


def test_an_error_in_a_long_line_shows_what_is_around_it():
    with pytest.raises(ExpressionError) as caught:
        value("1" + "+1" * 300 + " + oops" + "+1" * 300)
    line, caret = str(caught.value).splitlines()[-2:]
    assert line[caret.index("^") :].startswith("oops")
    assert len(line) <= 102


def test_the_clock_comes_from_outside():
    assert value("now()") == "2024-06-01T12:00:00Z"
    assert value("now(timezone('Asia/Tokyo')).Hour()") == 21
    assert value("sprig.date('15:04', sprig.now())") == "12:00"
    assert value("sprig.date('15:04', 'what is no date is now')") == "12:00"
    assert value("sprig.ago(now() - duration('90s'))") == "1m30s"
    assert value("sprig.unixEpoch(now())") == "1717243200"


def test_the_same_seed_draws_the_same_and_each_draw_differs():
    draws = value("[sprig.randAlphaNum(8), sprig.randAlphaNum(8), sprig.uuidv4()]")
    assert draws == value("[sprig.randAlphaNum(8), sprig.randAlphaNum(8), sprig.uuidv4()]")
    assert len(set(draws)) == 3
    assert draws[2][14] == "4"
    assert draws[2][19] in "89ab"
    other = Environment(now=NOON.now, seed=8)
    assert evaluate("sprig.randAlphaNum(8)", {}, other) != draws[0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sprig.randNumeric(20) matches '^[0-9]{20}$'", True),
        ("sprig.randAlpha(20) matches '^[A-Za-z]{20}$'", True),
        ("len(sprig.randAscii(5))", 5),
        ("sprig.randInt(3, 9) in 3..8", True),
    ],
)
def test_random_text_is_of_its_alphabet(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize("name", ["env", "expandenv", "getHostByName", "genPrivateKey"])
def test_nothing_reaches_the_machine(name):
    assert name not in SPRIG


def test_a_name_of_the_scope_hides_a_built_in():
    assert value("len == 'x'", {"len": "x"}) is True
    with pytest.raises(ExpressionError, match="not a function"):
        value("len('abc')", {"len": "x"})
    assert value("::len('abc')", {"length": "x"}) == 3


def test_a_list_built_by_set_does_not_leak_into_the_scope():
    names = {"inputs": {"x": "1"}}
    value("toJson(inputs)", names)
    assert names == {"inputs": {"x": "1"}}


def offset_of_error(source, names=None):
    """Return where an expression is wrong; 0 if it is not."""
    try:
        value(source, names)
    except ExpressionError as error:
        return error.offset
    return 0


@given(st.text())
@example("a?.")
@example("#")
@example("{(")
@example('"\\ud800"')
def test_any_text_is_an_expression_or_an_expression_error(text):
    assert 0 <= offset_of_error(text) <= len(text)


WORDS = "1 'a' x + - ** ?? ?. ? : .. ( ) [ ] { } | len map # .x , let = ; not in if else nil ::"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join))
def test_any_row_of_words_is_an_expression_or_an_expression_error(text):
    assert 0 <= offset_of_error(text, {"x": {"x": ["1"]}}) <= len(text)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(PLAIN)
def test_json_is_written_so_that_it_reads_back(document):
    written = value("toJson(x)", {"x": document})
    assert json.loads(written, parse_int=float) == json.loads(json.dumps(document), parse_int=float)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_integers_have_64_bits(left, right):
    total = value("a + b", {"a": left, "b": right})
    assert -(2**63) <= total < 2**63
    assert (total - left - right) % 2**64 == 0


ODD = [None, True, 0, -1, 3, 2**63 - 1, 1.5, -0.0, math.inf, math.nan, "", "a", "é(", [], ["a"], {}]
ODD += [{"a": 1}, NOON.now, [[1, 2], [3]]]


@settings(max_examples=1000)
@given(st.sampled_from(sorted(SPRIG)), st.lists(st.sampled_from(ODD), max_size=4))
def test_a_function_of_sprig_refuses_what_it_cannot_take(name, arguments):
    with suppress(RefusedError):
        call(name, SPRIG[name], deepcopy(arguments), World(NOON))


ARGUMENTS = st.sampled_from(["nil", "0", "-1", "1.5", "'a'", "[]", "{}", "#", "x", "x.y"])


@settings(max_examples=1000)
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(ARGUMENTS, max_size=4))
def test_a_built_in_refuses_what_it_cannot_take(name, arguments):
    source = f"{name}({', '.join(arguments)})"
    assert 0 <= offset_of_error(source, {"x": {"y": ["1"]}}) <= len(source)
