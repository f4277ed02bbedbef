"""Whatever is written, loading answers with problems and never with an exception."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tiphys.manifest import decode, decode_template, joined, load, support, tree
from tiphys.manifest.model import WorkflowSpec

FIELDS = sorted({field for rows in support.KINDS.values() for field in rows or ()})
WORDS = ["main", "a", "{{tasks.a.outputs.parameters.x}}", "{{= inputs.x ?? 1}}", "{{", "yes", ""]

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)
    ),
    max_leaves=25,
)
templates = st.fixed_dictionaries(
    {"name": st.sampled_from(WORDS)},
    optional={
        "container": values,
        "steps": st.lists(st.lists(values, max_size=2), max_size=2),
        "dag": st.fixed_dictionaries({"tasks": st.lists(values, max_size=3)}),
        "inputs": values,
        "outputs": values,
    },
)
specs = values | st.fixed_dictionaries(
    {"entrypoint": st.sampled_from(WORDS), "templates": st.lists(templates, max_size=3)},
    optional={"templateDefaults": values, "arguments": values},
)


@given(spec=specs)
def test_any_value_decodes(spec):
    decode.decode(WorkflowSpec, tree.of(spec))
    decode_template(spec)


@given(spec=specs, kind=st.sampled_from(["Workflow", "WorkflowTemplate", "CronWorkflow"]))
@settings(max_examples=100, deadline=None)
def test_any_document_loads(tmp_path_factory, spec, kind):
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "a"},
        "spec": {"workflowSpec": spec} if kind == "CronWorkflow" else spec,
    }
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    result = load([path])

    assert bool(result.manifest) != bool(result.errors)
    assert all(each.at.line for each in result.problems)
    if result.manifest:
        joined(result.manifest)


@given(
    text=st.text(alphabet=st.sampled_from(list("a: -[]{}&*!|>'\"#%@`,?<\n\t\\x01")), max_size=60)
)
@settings(max_examples=100, deadline=None)
def test_any_text_loads(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any-text.yaml"
    path.write_text(text, encoding="utf-8")

    assert load([path]).errors
