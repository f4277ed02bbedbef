"""When an object on a cluster needs no update."""

import pytest

from tiphys.cluster import drift

SPEC = {
    "entrypoint": "main",
    "templates": [
        {"name": "main", "dag": {"tasks": [{"name": "a", "template": "b"}]}},
        {"name": "b", "volumes": [{"name": "tmp", "emptyDir": {}}], "container": {"image": "c"}},
    ],
}
HERE = {"metadata": {"name": "t", "labels": {"a": "b"}}, "spec": SPEC}


def there(labels=None, **changed):
    """Return the object as Argo Server writes it, with *changed* in its second template."""
    first, second = SPEC["templates"]
    second = {**second, "inputs": {}, "outputs": {}, "metadata": {}, **changed}
    templates = [{**first, "inputs": {}}, {k: v for k, v in second.items() if v is not None}]
    metadata = {"name": "t", "uid": "1", "labels": labels or {"a": "b", "c": "d"}}
    return {"metadata": metadata, "spec": {**SPEC, "arguments": {}, "templates": templates}}


def test_what_the_server_writes_out_is_no_difference():
    assert drift.is_there(there(), HERE)


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": {"c": "d"}},
        {"container": {"image": "other"}},
        {"volumes": []},
        {"volumes": None},
        {"nodeSelector": {"pool": "spot"}},
        {"outputs": {"parameters": [{"name": "n"}]}},
    ],
)
def test_what_is_other_more_or_less_is_a_difference(changed):
    assert not drift.is_there(there(**changed), HERE)
