from pathlib import Path

import pytest

from tiphys.manifest.model import Artifact, Inputs, Outputs, Parameter, Template, ValueFrom
from tiphys.runtime.workspace import Workspace, alias, declared_paths

SPACE = Workspace(Path("/w"), ("/in/data.csv", "/out"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/out", "/w/out"),
        ("--model=/out/m.bin", "--model=/w/out/m.bin"),
        ("cat </in/data.csv>/out/x", "cat </w/in/data.csv>/w/out/x"),
        ('open("/in/data.csv")', 'open("/w/in/data.csv")'),
        ("/outer /out-1 /out.txt", "/outer /out-1 /out.txt"),
        ("s3://bucket/out file:///out $HOME/out ${X}/out ../out", None),
        ("/usr/out", None),
        ("wrote /out.", "wrote /w/out."),
    ],
)
def test_whole_path_tokens_are_rewritten(text, expected):
    assert SPACE.rewritten(text) == (expected or text)


def test_nothing_is_rewritten_where_nothing_is_declared():
    assert Workspace(Path("/w"), ()).rewritten("/out") == "/out"


def test_the_declared_paths_are_those_of_artifacts_and_output_parameters():
    template = Template(
        name="t",
        inputs=Inputs(artifacts=(Artifact(name="a", path="/in/a"),)),
        outputs=Outputs(
            artifacts=(Artifact(name="b", path="/out/longer/"), Artifact(name="c", path="here")),
            parameters=(
                Parameter(name="p", value_from=ValueFrom(path="/out/p")),
                Parameter(name="q", value_from=ValueFrom(expression="1")),
            ),
        ),
    )
    assert declared_paths(template) == ("/out/longer", "/out/p", "/in/a")


def test_an_awkward_path_gets_a_short_plain_name(tmp_path):
    node = tmp_path / "my node's"
    node.mkdir()
    link = alias(node)
    assert link.resolve() == node
    assert " " not in str(link)
    assert alias(node) == link
    assert alias(tmp_path) == tmp_path
