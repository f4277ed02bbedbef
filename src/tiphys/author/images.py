"""Which images a profile lets in: none that may be another tomorrow, none from elsewhere."""

import re
from collections.abc import Iterable, Iterator

from tiphys.author import templates
from tiphys.author.document import Json
from tiphys.errors import UserError
from tiphys.expression import references
from tiphys.manifest import tree
from tiphys.manifest.problem import Findings
from tiphys.manifest.profile import Profile

_PLACES = ("container", "script", "initContainers", "sidecars", "containerSet", "volumes")
"""Fields of a template, and of a workflow's spec, that hold images."""

_OWN_KEYS = frozenset({"annotations", "labels", "matchLabels", "nodeSelector"})
"""Here `image` is anybody's word."""

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LATER = "…"
"""What stands for a tag, and for a text that cannot be read, while images are looked for."""


class ImageError(UserError):
    """An image that the profile does not let in."""


def check(profile: Profile, documents: Iterable[Json]) -> None:
    """Check the images of *profile* and those that *documents* name, our own or not.

    Raises:
        ImageError: one has no tag, or `latest`, or stands in a patch; with `registries` in the
            profile, one is from another registry, not named by its digest, or not known yet.
    """
    if not profile.built:  # a laptop starts processes
        return
    for role, built in profile.images.items():
        _demand(profile, f"{profile.folder / 'images.yaml'}: {role}", built.image)
    for document in documents:
        whole = f"{profile.name}: {document['metadata'].get('name', '-')}"
        for template in templates.of(document):
            _check(profile, f"{whole}, template {template['name']}", template)
        for spec in templates.specs(document):
            _check(profile, whole, spec)


def _check(profile: Profile, where: str, part: Json) -> None:
    """Check a template or the spec around it."""
    _check_patch(profile, where, str(part.get("podSpecPatch") or ""))
    for image in _named(part):
        _demand(profile, where, image)


def _check_patch(profile: Profile, where: str, text: str) -> None:
    documents, known = _read(text)
    if any(_images(documents)):
        raise ImageError(where, "its podSpecPatch names an image.", "Name it in the container.")
    if profile.registries and not (known and all(map(_of_attempts, _TAG.findall(text)))):
        found = "its podSpecPatch is not known before a run."
        advice = "Use no tags but of `retries` and `lastRetry`: the profile has `registries`."
        raise ImageError(where, found, advice)


def _of_attempts(tag: str) -> bool:
    """Whether the inside of a tag reads the attempts before and nothing else."""
    names = {path.partition(".")[0] for path in references.paths(tag.removeprefix("="))}
    return bool(names) and names <= {"retries", "lastRetry"} and "$env" not in tag


def _named(part: Json) -> Iterator[str]:
    """Yield every image that *part* names, also in a text that becomes a pod of its own."""
    yield from _images([part.get(place) for place in _PLACES])
    resource = part.get("resource") or {}
    yield from _written(resource.get("manifest") or "")
    if resource.get("manifestFrom"):
        yield _LATER


def _images(held: object) -> Iterator[str]:
    """Yield the images that *held* names at any depth: of containers, volumes and gangs."""
    match held:
        case list():
            for each in held:
                yield from _images(each)
        case {"name": "TIPHYS_GANG", "value": str(text)}:
            yield from _written(text)
        case dict():
            for key, value in held.items():
                if key == "image" and value:
                    yield str(value.get("reference") if isinstance(value, dict) else value)
                elif key not in _OWN_KEYS:
                    yield from _images(value)
        case _:
            pass


def _written(text: str) -> Iterator[str]:
    documents, known = _read(text)
    yield from _images(documents)
    if not known:
        yield _LATER


def _read(text: str) -> tuple[list[object], bool]:
    """Return the YAML documents of *text*, and whether they are objects whatever its tags say."""
    findings = Findings()
    found = [tree.plain(each) for each in tree.parse("", _TAG.sub(_LATER, text), findings)]
    return [*found], not findings.problems and all(isinstance(each, dict) for each in found)


def _demand(profile: Profile, where: str, image: str) -> None:
    if "{{" in image or _LATER in image:
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
