"""The real thing on real flights: two months, one epoch."""

from pathlib import Path

import pytest

from components.export import export
from components.train import train
from tests import pinned
from tiphys.errors import UserError
from tiphys.ml import package
from tiphys.ml.training import jobset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data():
    if not (ROOT / "data/flights/2013-01.parquet").exists():
        pytest.skip("the data are not here: make data")
    return ROOT / "data/flights"


def trained_for_one_epoch(data, folder):
    """Return what training on one month came to; the checkpoint is in *folder*."""
    return train(
        dataset=pinned.pin(data, folder / "store"),
        remote=str(folder / "store"),
        months=["2013-01"],
        checkpoints=str(folder / "checkpoints"),
        epochs=1,
        checkpoint=folder / "checkpoint",
    )


@pytest.mark.slow
def test_flights_become_a_model(data, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(ROOT)
    trained = trained_for_one_epoch(data, tmp_path)
    said = capfd.readouterr().out
    assert 'tiphys.metric {"name": "auc_validation"' in said
    assert 'tiphys.metric {"name": "downloaded_bytes", "value": 0.0}' in said
    assert 0.3 < trained.loss < 0.7
    exported = export(checkpoint=tmp_path / "checkpoint", data=data, model=tmp_path / "model")
    assert exported.rows_checked == 26_398
    names = {one.name for one in package.load(tmp_path / "model").inputs}
    assert {"carrier", "planned_minutes", "temp"} < names
    assert not names & {"dep_time", "dep_delay", "arr_time", "air_time", "arr_delay", "late"}


@pytest.mark.slow
def test_a_gang_that_starts_again_says_nothing_of_data_that_it_found(
    data, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(jobset.RESTARTED, "1")
    trained_for_one_epoch(data, tmp_path)
    said = capfd.readouterr().out
    assert 'tiphys.metric {"name": "loss"' in said
    assert "downloaded_bytes" not in said


def test_a_month_that_is_not_there_is_named_before_any_worker_starts(data, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match='no month "2014-01"'):
        train(
            dataset=pinned.pin(data, tmp_path / "store"),
            remote=str(tmp_path / "store"),
            months=["2014-01"],
            checkpoints=str(tmp_path),
            checkpoint=tmp_path / "checkpoint",
        )
