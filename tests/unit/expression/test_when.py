"""Conditions: what `when` says to its author."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.expression import ExpressionError, condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b == 1", "`a.b` is taken for a field of an object. Quote text"),
        ("a.B == 1", "Put it into quotes."),
        (" == 1", "a comparator cannot stand at the beginning."),
        ("a ==", "the condition ends too early. Is a tag empty?"),
        ("my-task == x", "`-` takes a number, and `my` is string.\n  my-task == x\n    ^"),
        ("'a' > 1", "compares two numbers or two texts, not string and float"),
        ("'a", "`'` is never closed."),
        ("1.2.3 == 1", "`1.2.3` is no number."),
        ("a $ b", "`$` is no operator."),
        ("(a == b", "the parentheses are not balanced."),
        ("a in (b)", "`in` needs at least two values in parentheses"),
        ("!(1)", "`!` takes true or false"),
        ("yes", "this gives `yes`, string. A condition must be true or false"),
        ("] == 1", "`]` has no meaning here."),
        ("1 + true", "`+` takes a number"),
    ],
)
def test_an_error_shows_the_place_and_says_what_to_do(text, message):
    with pytest.raises(ExpressionError) as caught:
        condition(text)
    assert message in str(caught.value)


def test_a_condition_nested_too_deeply_is_refused():
    with pytest.raises(ExpressionError, match="nested too deeply"):
        condition("(" * 3000 + "true" + ")" * 3000)


def offset_of_error(text):
    """Return where a condition is wrong; 0 if it is not."""
    try:
        condition(text)
    except ExpressionError as error:
        return error.offset
    return 0


@given(st.text())
def test_any_text_is_a_condition_or_an_expression_error(text):
    assert 0 <= offset_of_error(text) <= len(text)


WORDS = "1 'a' a a.B + ** == =~ && || ! - ? : ?? , ( ) in true << '2020-01-01' [x] 'b"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=10).map(" ".join))
def test_any_row_of_words_is_a_condition_or_an_expression_error(text):
    assert 0 <= offset_of_error(text) <= len(text)
