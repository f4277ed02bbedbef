"""Keys: a step gets those of the storage it is given a URL of, and no others."""

from pathlib import Path
from typing import Any

import pytest

from tiphys.author import keys
from tiphys.manifest.profile import ArchiveSource, Credentials, Profile, Storage


def credentials(secret: str, **where: str) -> Credentials:
    return Credentials(secret=secret, access="id", secret_key="word", **where)  # noqa: S106 -- a key's name


PROFILE = Profile(
    name="lab",
    folder=Path("manifests/lab"),
    namespace="ml",
    built=True,
    images={},
    tiers={},
    gang="pod",
    source=ArchiveSource(),
    storage=Storage(artifacts="s3://a", registry="s3://r", checkpoints="s3://c", dvc="s3://d"),
    credentials=credentials("s3", endpoint="http://s3:7070"),
    own_credentials={"dvc": credentials("s3-data", region="eu-north-1")},
)


def given(*texts: str) -> dict[str, Any]:
    """Return the variables of a step with these arguments; of a secret, its name."""
    return {
        entry["name"]: entry.get("value") or entry["valueFrom"]["secretKeyRef"]["name"]
        for entry in keys.environment(texts, PROFILE)
    }


@pytest.mark.parametrize("text", ["7", "s3://elsewhere/r", "s3://r2/x"])
def test_a_step_that_touches_no_storage_gets_no_keys(text):
    assert given(text) == {}


def test_a_step_of_one_storage_gets_its_keys_as_every_client_reads_them():
    assert given("s3://d/files") == {
        "AWS_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "s3-data",
        "AWS_SECRET_ACCESS_KEY": "s3-data",
    }


def test_what_has_no_keys_of_its_own_has_the_default_ones():
    assert given("s3://r", "s3://c/run") == {
        "AWS_ENDPOINT_URL": "http://s3:7070",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "s3",
        "AWS_SECRET_ACCESS_KEY": "s3",
    }


def test_a_second_storage_has_its_keys_under_its_name():
    found = given("s3://d", "s3://c/run")

    assert found["AWS_ACCESS_KEY_ID"] == "s3"
    assert found["AWS_ACCESS_KEY_ID_DVC"] == "s3-data"
    assert found["AWS_REGION_DVC"] == "eu-north-1"
    assert "AWS_REGION" not in found
    assert found["TIPHYS_KEYS"] == '{"s3://d": "DVC"}'
