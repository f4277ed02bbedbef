"""Which images a profile lets in: none that may be another tomorrow, none from elsewhere."""

import re
from collections.abc import Iterable, Iterator

from tiphys.author import templates
from tiphys.author.document import Json
from tiphys.errors import UserError
from tiphys.manifest.profile import Profile

_IN_A_PATCH = re.compile(r"""["']?\bimage["']?\s*:""")


class ImageError(UserError):
    """An image that the profile does not let in."""


def check(profile: Profile, documents: Iterable[Json]) -> None:
    """Check the images of *profile* and those that *documents* name, our own or not.

    Raises:
        ImageError: one has no tag, or `latest`, or stands in a patch; with `registries` in the
            profile, one is from another registry or not named by its digest.
    """
    if not profile.built:  # a laptop starts processes
        return
    for role, built in profile.images.items():
        _demand(profile, f"{profile.folder / 'images.yaml'}: {role}", built.image)
    for document in documents:
        name = document["metadata"].get("name", "-")
        for template in templates.of(document):
            where = f"{profile.name}: {name}, template {template['name']}"
            _check_patch(where, template)
            for image in _named(template):
                _demand(profile, where, image)
        _check_patch(f"{profile.name}: {name}", document.get("spec") or {})


def _check_patch(where: str, patched: Json) -> None:
    if _IN_A_PATCH.search(str(patched.get("podSpecPatch") or "")):
        raise ImageError(where, "its podSpecPatch names an image.", "Name it in the container.")


def _named(template: Json) -> Iterator[str]:
    """Yield the image of every container of *template*."""
    groups = (
        [template.get("container"), template.get("script")],
        template.get("initContainers"),
        template.get("sidecars"),
        (template.get("containerSet") or {}).get("containers"),
    )
    for container in (each for group in groups for each in group or ()):
        if container and container.get("image"):
            yield container["image"]


def _demand(profile: Profile, where: str, image: str) -> None:
    if "{{" in image:
        if profile.registries:
            found = f'image "{image}" is not known before a run.'
            raise ImageError(where, found, "Write the image itself: the profile has `registries`.")
        return
    repository, digest = _parts(image)
    tag = repository.rpartition("/")[2].partition(":")[2]
    if not digest and tag in {"", "latest"}:
        found = f'image "{image}" may be another one tomorrow.'
        raise ImageError(where, found, f"Name its digest: {image.removesuffix(':latest')}@sha256:…")
    if not profile.registries:
        return
    if not any(repository.startswith(f"{allowed}/") for allowed in profile.registries):
        known = ", ".join(profile.registries)
        found = f'image "{image}" is not from a registry of this profile: {known}.'
        advice = f"Copy it there, or add to `registries` in {profile.folder / 'profile.yaml'}."
        raise ImageError(where, found, advice)
    if not digest:
        found = f'image "{image}" has a tag, which can be moved.'
        raise ImageError(where, found, f"Name its digest: {image.removesuffix(f':{tag}')}@sha256:…")


def _parts(image: str) -> tuple[str, str]:
    """Return repository with tag, and digest; what names no registry is Docker Hub's.

    >>> _parts("busybox:1.36")
    ('docker.io/library/busybox:1.36', '')
    >>> _parts("registry.example:5000/a/b@sha256:12")
    ('registry.example:5000/a/b', 'sha256:12')
    """
    name, _, digest = image.partition("@")
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not (set(first) & set(".:") or first == "localhost"):
        name = f"docker.io/{name}"
    return name, digest
