from dataclasses import replace

import pytest

from tiphys.ml.data import Pin
from tiphys.ml.features import Features
from tiphys.ml.training.request import Request, Settings
from tiphys.step import WrongInput, codec

REQUEST = Request(
    dataset=Pin(path="data/flights", md5="ab.dir", size=9, nfiles=1, revision="v1"),
    remote="s3://dvc",
    months=["2013-01"],
    features=Features(label="late", numbers=["wind"], categories=["town"]),
    settings=Settings(epochs=4, seed=7),
    workers=4,
    checkpoints="s3://checkpoints/run/train/",
)


def test_a_request_travels_as_text():
    assert codec.decode(codec.encode(REQUEST, Request), Request) == REQUEST


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": replace(REQUEST.dataset, md5="cd.dir")},
        {"months": ["2013-02"]},
        {"features": replace(REQUEST.features, numbers=[])},
        {"settings": replace(REQUEST.settings, seed=8)},
        {"workers": 2},
    ],
)
def test_what_changes_the_weights_is_another_training(changed):
    assert replace(REQUEST, **changed).fingerprint != REQUEST.fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": replace(REQUEST.dataset, revision="v2")},
        {"remote": "/mnt/dvc"},
        {"checkpoints": "s3://elsewhere"},
        {"nodes": 2},
    ],
)
def test_what_changes_no_weight_is_the_same_training(changed):
    assert replace(REQUEST, **changed).fingerprint == REQUEST.fingerprint


def test_checkpoints_of_other_trainings_lie_beside():
    assert REQUEST.place == f"s3://checkpoints/run/train/{REQUEST.fingerprint}"


def test_the_nodes_share_the_workers_evenly():
    assert replace(REQUEST, nodes=2).workers_of_a_node == 2


@pytest.mark.parametrize(("workers", "nodes"), [(3, 2), (1, 2), (0, 1)])
def test_workers_that_the_nodes_cannot_share_are_wrong_input(workers, nodes):
    with pytest.raises(WrongInput, match=f"{workers} workers cannot be shared by {nodes} nodes"):
        replace(REQUEST, workers=workers, nodes=nodes).check_shares()
