"""The cache of data objects that the steps of a node share: who gets it, and where it is."""

from collections.abc import Iterable

from tiphys.author.document import Json
from tiphys.manifest.profile import Profile
from tiphys.manifest.support.kubernetes import CACHE

PATH = "/tiphys/cache"
MOUNT: Json = {"name": CACHE, "mountPath": PATH}
ENVIRONMENT: Json = {"name": "TIPHYS_CACHE", "value": PATH}


def has(texts: Iterable[str], profile: Profile) -> bool:
    """Whether a step that is given *texts* reads data that a cache may hold."""
    root = profile.storage.dvc
    return bool(profile.cache) and any(f"{text}/".startswith(f"{root}/") for text in texts)


def volume(profile: Profile) -> Json:
    """Return the volume. It is no input: a step does without what is not in it."""
    return {"name": CACHE, "persistentVolumeClaim": {"claimName": profile.cache}}
