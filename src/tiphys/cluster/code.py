"""The project's code on its way to a cluster: one archive, stored under its own hash."""

from collections.abc import Mapping
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store, from_url

from tiphys.errors import UserError
from tiphys.manifest.profile import Profile

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class CodeNotStoredError(UserError):
    """The archive did not reach the object store."""

    def __init__(self, root: str, reason: str) -> None:
        super().__init__(
            root,
            f"the project's code could not be stored here ({reason}).",
            f"Set {' and '.join(KEYS)}, and look at `storage.code` and `credentials.endpoint`.",
        )


def upload(profile: Profile, archive: bytes, digest: str, environment: Mapping[str, str]) -> None:
    """Store *archive* as `<digest>.tgz` and as `latest.tgz` below the profile's `storage.code`.

    Raises: CodeNotStoredError.
    """
    root = profile.storage.code
    try:
        store = _open(profile, environment)
        for name in (digest, "latest"):
            obstore.put(store, f"{name}.tgz", archive)
    except (BaseError, ValueError) as problem:
        raise CodeNotStoredError(root, str(problem).splitlines()[0]) from None


def _open(profile: Profile, environment: Mapping[str, str]) -> ObjectStore:
    root = profile.storage.code
    if not root.startswith("s3://"):
        return from_url(root)
    missing = [name for name in KEYS if name not in environment]
    if missing:
        raise CodeNotStoredError(root, f"{' and '.join(missing)} is not set")
    endpoint = profile.credentials.endpoint if profile.credentials else ""
    config: dict[str, Any] = {
        "access_key_id": environment[KEYS[0]],
        "secret_access_key": environment[KEYS[1]],
        "region": environment.get("AWS_REGION", "us-east-1"),
    }
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store.from_url(
        root,
        **config,
        client_options={"allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 2},
    )
