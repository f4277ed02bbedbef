import threading
from dataclasses import replace
from http.server import HTTPServer
from pathlib import Path

import pytest

from tests.fakes import Answering
from tiphys.cluster import code
from tiphys.cluster.connection import NoServerError, connect_to
from tiphys.manifest import profiles

FOLDER = Path(__file__).parents[3] / "manifests"


@pytest.fixture
def profile():
    return profiles.load(FOLDER / "ci")


def test_the_archive_is_stored_under_its_hash_and_as_the_latest(profile, tmp_path):
    here = replace(profile, storage=replace(profile.storage, code=tmp_path.as_uri()))
    code.upload(here, b"archive", "abc", {})
    assert (tmp_path / "abc.tgz").read_bytes() == b"archive"
    assert (tmp_path / "latest.tgz").read_bytes() == b"archive"


def test_missing_keys_are_named(profile):
    with pytest.raises(code.CodeStoreError, match=r"AWS_ACCESS_KEY_ID is not set"):
        code.upload(profile, b"", "abc", {"AWS_SECRET_ACCESS_KEY": "x"})


def test_a_store_that_nobody_serves_is_named(profile):
    nobody = replace(profile.credentials, endpoint="http://127.0.0.1:9")
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    with pytest.raises(code.CodeStoreError, match="s3://artifacts/code"):
        code.upload(replace(profile, credentials=nobody), b"", "abc", keys)


def test_a_request_is_signed_for_the_profile_s_region(profile):
    signatures = []

    class Store(Answering):
        def do_PUT(self):
            signatures.append(self.headers["Authorization"])
            self.body()
            self.answer(200, ETag="1")

    with HTTPServer(("127.0.0.1", 0), Store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"http://127.0.0.1:{server.server_port}"
        there = replace(profile.credentials, endpoint=where, region="eu-north-1")
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-west-1"}
        code.upload(replace(profile, credentials=there), b"archive", "abc", keys)
        server.shutdown()

    assert len(signatures) == 2
    assert all("/eu-north-1/s3/aws4_request" in one for one in signatures)


def test_a_profile_without_a_server_or_a_token_says_so(profile):
    with pytest.raises(NoServerError, match="export ARGO_TOKEN="):
        connect_to(profile, {})
    with pytest.raises(NoServerError, match=r"`argo\.server`"):
        connect_to(replace(profile, argo=None), {})
    assert connect_to(profile, {"ARGO_TOKEN": "t"}).namespace == profile.namespace
