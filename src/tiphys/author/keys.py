"""Which keys a step gets: those of the storage, and of the git repository, that it is given."""

import json
from collections.abc import Iterable
from dataclasses import fields

from tiphys.author.document import Json
from tiphys.manifest.profile import Credentials, GitSource, Profile, Storage


def environment(texts: Iterable[str], profile: Profile) -> list[Json]:
    """Return the `env` entries for a step that is given *texts*.

    The keys are `AWS_*`, as every client reads them. Where a step touches storages with different
    keys, those of the second have its name behind theirs, and TIPHYS_KEYS says which URL they are
    for.
    """
    texts = list(texts)
    wanted = _wanted(texts, profile)
    common = profile.credentials if profile.credentials in wanted else next(iter(wanted), None)
    found = _of_git(texts, profile)
    if common is None:
        return found
    found += _entries(common, "")
    suffixes: dict[str, str] = {}
    for credentials, names in wanted.items():
        if credentials != common:
            suffix = names[0].upper()
            suffixes |= {getattr(profile.storage, name): suffix for name in names}
            found += _entries(credentials, f"_{suffix}")
    if suffixes:
        found.append({"name": "TIPHYS_KEYS", "value": json.dumps(suffixes)})
    return found


def _wanted(texts: list[str], profile: Profile) -> dict[Credentials, list[str]]:
    """Return the credentials of each storage that one of *texts* lies in."""
    found: dict[Credentials, list[str]] = {}
    for name in (each.name for each in fields(Storage)):
        root = getattr(profile.storage, name)
        credentials = profile.own_credentials.get(name, profile.credentials)
        if root and credentials and any(_below(root, text) for text in texts):
            found.setdefault(credentials, []).append(name)
    return found


def _of_git(texts: list[str], profile: Profile) -> list[Json]:
    """Return who a step is that is given the URL of the project's repository, to push to it."""
    source = profile.source
    if not isinstance(source, GitSource) or not source.secret or source.git not in texts:
        return []
    names = {"GIT_USERNAME": "username", "GIT_PASSWORD": "password"}
    return [_secret(name, source.secret, key) for name, key in names.items()]


def _secret(name: str, secret: str, key: str) -> Json:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _below(root: str, text: str) -> bool:
    return text == root or text.startswith(f"{root}/")


def _entries(credentials: Credentials, suffix: str) -> list[Json]:
    found: list[Json] = []
    if endpoint := credentials.endpoint:
        insecure = json.dumps(endpoint.startswith("http://"))
        found.append({"name": f"AWS_ENDPOINT_URL{suffix}", "value": endpoint})
        if not suffix:
            found.append({"name": "AWS_ALLOW_HTTP", "value": insecure})
    if region := credentials.region:
        found.append({"name": f"AWS_REGION{suffix}", "value": region})
    for name, key in (
        ("AWS_ACCESS_KEY_ID", credentials.access),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_key),
    ):
        found.append(_secret(f"{name}{suffix}", credentials.secret, key))
    return found
