"""The project's code on its way to a cluster: one archive, stored under its own hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store, from_url

from tiphys.errors import UserError
from tiphys.manifest.profile import Profile

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class CodeStoreError(UserError):
    """The object store with the project's code cannot be used."""

    def __init__(self, root: str, reason: str) -> None:
        super().__init__(
            root,
            f"the project's code is kept here, and the store cannot be used ({reason}).",
            f"Set {' and '.join(KEYS)}, and look at `storage.code` and `credentials.endpoint`.",
        )


def upload(profile: Profile, archive: bytes, digest: str, environment: Mapping[str, str]) -> None:
    """Store *archive* as `<digest>.tgz` and as `latest.tgz` below the profile's `storage.code`.

    Raises: CodeStoreError.
    """
    root = profile.storage.code
    try:
        store = _open(profile, environment)
        for name in (digest, "latest"):
            obstore.put(store, f"{name}.tgz", archive)
    except (BaseError, ValueError) as problem:
        raise CodeStoreError(root, str(problem).splitlines()[0]) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One stored archive."""

    digest: str
    since: datetime
    """When it was last stored: each run stores the code it brings again."""
    bytes_: int


def archives(profile: Profile, environment: Mapping[str, str]) -> list[Archive]:
    """Return the archives below `storage.code`, but not the one that is also the latest.

    Raises: CodeStoreError: the store cannot be read.
    """
    try:
        found = [one for page in obstore.list(_open(profile, environment)) for one in page]
    except (BaseError, ValueError) as problem:
        raise CodeStoreError(profile.storage.code, str(problem).splitlines()[0]) from None
    return [
        Archive(digest=digest, since=one["last_modified"], bytes_=one["size"])
        for one in found
        if (digest := one["path"].removesuffix(".tgz")) not in {one["path"], "latest"}
        and "/" not in digest
    ]


def remove(profile: Profile, environment: Mapping[str, str], archive: Archive) -> None:
    """Delete *archive*, unless it was stored again meanwhile: then a run is about to need it.

    Raises: CodeStoreError: the store refuses.
    """
    path = f"{archive.digest}.tgz"
    try:
        store = _open(profile, environment)
        if obstore.head(store, path)["last_modified"] == archive.since:
            obstore.delete(store, path)
    except FileNotFoundError:
        return
    except (BaseError, ValueError) as problem:
        raise CodeStoreError(profile.storage.code, str(problem).splitlines()[0]) from None


def _open(profile: Profile, environment: Mapping[str, str]) -> ObjectStore:
    root = profile.storage.code
    if not root.startswith("s3://"):
        return from_url(root)
    missing = [name for name in KEYS if name not in environment]
    if missing:
        raise CodeStoreError(root, f"{' and '.join(missing)} is not set")
    credentials = profile.credentials_of(root)
    endpoint = credentials.endpoint if credentials else ""
    region = credentials.region if credentials else ""
    config: dict[str, Any] = {
        "access_key_id": environment[KEYS[0]],
        "secret_access_key": environment[KEYS[1]],
        "region": region or environment.get("AWS_REGION", "us-east-1"),
    }
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store.from_url(
        root,
        **config,
        client_options={"allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 2},
    )
