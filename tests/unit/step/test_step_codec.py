"""What one step writes, the next one reads."""

import dataclasses
import math
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.step import codec, entry
from tiphys.step.forms import Misfit


class Season(Enum):
    SUMMER = "summer"
    WINTER = "winter"


class Level(Enum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    path: str
    size: int
    share: float | None = None


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(10**30), 10**30),
    float: st.floats(),
    bool: st.booleans(),
    Season: st.sampled_from(Season),
    Level: st.sampled_from(Level),
    Literal["a", "b\n"]: st.sampled_from(["a", "b\n"]),
    Literal[1, 2, "three"]: st.sampled_from([1, 2, "three"]),
    Pin: st.builds(Pin, path=TEXT, size=st.integers(), share=st.none() | st.floats()),
}


def typed(inner: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Return pairs of a container type and a value of it."""
    return inner.flatmap(
        lambda pair: st.sampled_from(
            [
                (list[pair[0]], [pair[1], pair[1]]),
                (tuple[pair[0], ...], (pair[1],)),
                (dict[str, pair[0]], {"k\n": pair[1]}),
                (list[pair[0] | None], [pair[1], None]),
            ]
        )
    )


PAIRS = st.recursive(
    st.sampled_from(list(SCALARS)).flatmap(lambda t: st.tuples(st.just(t), SCALARS[t])), typed
)


@given(PAIRS)
def test_what_a_step_writes_the_next_one_reads_from_its_argv(tmp_path_factory, pair):
    type_, value = pair
    path = tmp_path_factory.getbasetemp() / "parameter"
    entry._write(path, codec.encode(value, type_))
    as_argo_reads_it = (
        path.read_bytes().decode().removesuffix("\n")
    )  # of a file of an output parameter

    read = codec.decode(as_argo_reads_it, type_)

    assert repr(read) == repr(value)


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        ("as it is", str, "as it is"),
        ("7", str, "7"),
        (7, int, "7"),
        (True, bool, "true"),
        (0.5, float, "0.5"),
        (math.inf, float, "Infinity"),
        ("pass", Literal["pass", "fail"], "pass"),
        (Season.SUMMER, Season, "summer"),
        (Level.HIGH, Level, "2"),
        (["2013-01", "ü"], list[str], '["2013-01","ü"]'),
        (Pin(path="data", size=3), Pin, '{"path":"data","size":3,"share":null}'),
        ([math.nan], list[float], '["NaN"]'),
    ],
)
def test_text_is_as_a_person_would_write_it(value, type_, text):
    assert codec.encode(value, type_) == text


@pytest.mark.parametrize(
    ("text", "type_", "message"),
    [
        ("x", int, 'found "x", expected a whole number'),
        ("1.5", int, 'found "1.5", expected a whole number'),
        ("True", bool, 'found "True", expected true or false'),
        ("maybe", Literal["pass", "fail"], 'found "maybe", expected one of pass, fail'),
        ("a,b", list[str], 'found "a,b", which is no JSON, expected a list of: text'),
        ("[1]", list[str], "0: found 1 (int), expected text"),
        ('"x"', dict[str, int], 'found "x", expected an object of: a whole number'),
        ('{"path":"d","size":"3"}', Pin, 'size: found "3", expected a whole number'),
        ('{"path":"d"}', Pin, 'found no field "size", expected Pin (path, size, share)'),
        (
            '{"path":"d","size":3,"sise":3}',
            Pin,
            'found the field "sise", expected Pin (path, size, share)',
        ),
        ('[{"path":1,"size":3}]', list[Pin], "0.path: found 1 (int), expected text"),
    ],
)
def test_a_text_that_is_not_of_its_type_is_told_with_its_place(text, type_, message):
    with pytest.raises(Misfit) as caught:
        codec.decode(text, type_)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (1, str),
        ("1", int),
        (True, int),
        (0.5, int),
        ("1", float),
        (1, bool),
        ("x", Season),
        ({1: 2}, dict[str, int]),
        ("x", list[str]),
        ({}, Pin),
    ],
)
def test_a_value_that_is_not_of_its_type_is_not_written(value, type_):
    with pytest.raises(Misfit):
        codec.encode(value, type_)


@pytest.mark.parametrize(
    "type_",
    [str | None, set[str], int | str, dict[int, str], complex, Literal[b"x"], list],
    ids=str,
)
def test_types_that_text_cannot_carry_are_not_supported(type_):
    assert not codec.supported(type_)


@pytest.mark.parametrize("type_", [*SCALARS, int | None, list[str | None], dict[str, Any]], ids=str)
def test_types_that_text_can_carry_are_supported(type_):
    assert codec.supported(type_)


def test_asking_for_a_type_that_cannot_travel_is_a_bug_of_ours():
    with pytest.raises(codec.UntypedError):
        codec.decode("x", set[str])
