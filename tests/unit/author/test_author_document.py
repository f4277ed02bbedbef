"""Manifests as text: nothing in them can be misread by another YAML reader."""

import pytest
import yaml
from hera.workflows import Workflow, models
from hypothesis import given
from hypothesis import strategies as st

from tiphys.author import document


def labelled(value: str) -> str:
    return document.text([Workflow(name="w", labels={"label": value})])


@pytest.mark.parametrize("word", ["y", "N", "yes", "off", "true", "1e5", "0o17", "1:30", "012", ""])
def test_a_text_that_some_reader_takes_for_something_else_is_quoted(word):
    assert f"label: '{word}'" in labelled(word)


@pytest.mark.parametrize("word", ["yellow", "v1.2", "2Gi", "e5", "1-2"])
def test_other_texts_are_not_quoted(word):
    assert f"label: {word}\n" in labelled(word)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_text_is_it_is_read_back(value):
    assert yaml.safe_load(labelled(value))["metadata"]["labels"]["label"] == value


def test_a_text_of_several_lines_is_a_block():
    assert "label: |-\n      one\n      two\n" in labelled("one\ntwo")


def test_names_come_first_and_templates_last():
    text = document.text(
        [Workflow(name="w", templates=[models.Template(name="t")], entrypoint="t")]
    )

    keys = [line.split(":")[0].strip(" -") for line in text.splitlines()]
    assert keys == [
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "spec",
        "entrypoint",
        "templates",
        "name",
    ]


def test_several_resources_are_several_documents():
    text = document.text([Workflow(name="a"), Workflow(name="b")])

    assert [found["metadata"]["name"] for found in yaml.safe_load_all(text)] == ["a", "b"]
