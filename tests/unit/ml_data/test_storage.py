import json

import pytest
from obstore.exceptions import GenericError

from tiphys.errors import UserError
from tiphys.ml import storage
from tiphys.step import Temporary


def redirected(**places):
    return {"TIPHYS_STORAGE": json.dumps(places), "TIPHYS_PROJECT": "/project"}


def test_the_longest_beginning_wins():
    environ = redirected(**{"s3://ml": ".tiphys/storage", "s3://ml/dvc": ".dvc/cache"})
    assert storage.locate("s3://ml/dvc", environ) == "/project/.dvc/cache"
    assert storage.locate("s3://ml/registry", environ) == "/project/.tiphys/storage/registry"


def test_a_beginning_ends_where_a_name_ends():
    environ = redirected(**{"s3://ml": "elsewhere"})
    assert storage.locate("s3://mlops/x", environ) == "s3://mlops/x"


def test_a_relative_root_belongs_to_the_project():
    assert storage.locate(".tiphys/storage", redirected()) == "/project/.tiphys/storage"


def test_a_directory_is_a_store(tmp_path):
    store = storage.open_store(f"file://{tmp_path}/a%20b")
    store.put("x/y", b"1")
    assert (tmp_path / "a b/x/y").read_bytes() == b"1"


def test_only_a_remote_place_has_no_directory():
    assert storage.local_directory("s3://ml/x", {}) is None


def test_an_unknown_scheme_is_refused_with_what_is_known():
    with pytest.raises(UserError, match=r"ftp://x: this is no place.*s3://"):
        storage.open_store("ftp://x", {})


def test_a_redirection_that_is_no_object_is_the_users_mistake():
    with pytest.raises(UserError, match="TIPHYS_STORAGE"):
        storage.locate("s3://ml", {"TIPHYS_STORAGE": "[]"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [("400 Bad Request: <Message>No bucket.</Message>", UserError), ("429 Slow", Temporary),
     ("503 Busy", Temporary)],
)  # fmt: skip
def test_a_request_that_is_wrong_is_not_tried_again(status, kind):
    error = GenericError(f"Server returned non-2xx status code: {status}")
    with pytest.raises(kind), storage.reach("s3://ml"):
        raise error


def test_refused_access_is_no_temporary_failure():
    with pytest.raises(UserError, match="access is refused"), storage.reach("s3://ml"):
        raise PermissionError


def test_a_storage_with_keys_of_its_own_is_opened_with_them():
    environ = {
        "TIPHYS_KEYS": '{"s3://data": "DVC"}',
        "AWS_ACCESS_KEY_ID_DVC": "reader",
        "AWS_SECRET_ACCESS_KEY_DVC": "word",
        "AWS_ENDPOINT_URL_DVC": "http://127.0.0.1:9",
        "AWS_REGION_DVC": "eu-north-1",
    }

    own = storage.open_store("s3://data/files", environ).config
    assert (own["access_key_id"], own["region"]) == ("reader", "eu-north-1")
    assert own["endpoint"] == "http://127.0.0.1:9"
    assert "access_key_id" not in storage.open_store("s3://data2/files", environ).config
