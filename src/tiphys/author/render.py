"""`workflows/*.py` to `manifests/<cluster>/*.yaml`: as text, written by whoever asked."""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tiphys import recipe
from tiphys.author import document, images, install, push
from tiphys.author.blame import BuildResultError, blamed
from tiphys.errors import UnknownNameError, UserError
from tiphys.manifest import profiles
from tiphys.manifest.profile import Profile

INSTALL = (
    "# Rendered by `tiphys render`, for `kubectl apply -f`: accounts, rights and all manifests.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A manifest as it should stand on disk."""

    path: Path
    text: str


class StaleImageError(UserError):
    """An image that was built from another lock than the one in the project."""

    def __init__(self, folder: Path, role: str) -> None:
        super().__init__(
            str(folder / "images.yaml"),
            f'the image of role "{role}" was built before requirements/{role}.lock changed.',
            f"Build it first: .venv/bin/python .ci/images.py {folder.name}",
        )


class ForeignModuleError(UserError):
    """Another package of the same name was imported in place of the project's."""

    def __init__(self, module: ModuleType, root: Path) -> None:
        super().__init__(
            str(module.__file__),
            f"was imported as {module.__name__}, which should come from {root}.",
            f"Has {module.__name__.partition('.')[0]}/ an __init__.py there?",
        )


class NothingToRenderError(UserError):
    """A folder that is no project, or one that is not finished."""


def render(project_root: Path, clusters: Iterable[str] | None = None) -> list[Rendered]:
    """Return every manifest of *project_root*, for all its clusters or for *clusters*.

    Raises:
        UserError: a profile, an image or a pipeline is wrong.
    """
    root = project_root.resolve()
    found = [load_profile(root, name) for name in _clusters(root, clusters)]
    pipelines = [(module, build) for module in _modules(root) if (build := _build(module))]
    if not pipelines:
        advice = "Write one: a file with a function build(profile)."
        raise NothingToRenderError(str(root / "workflows"), "there is no pipeline.", advice)
    return [
        manifest
        for profile in found
        for manifest in _of_profile(
            profile,
            [(module, _built(root, module, build, profile)) for module, build in pipelines],
        )
    ]


def load_profile(root: Path, cluster: str) -> Profile:
    """Return the profile of *cluster*, whose images are built from the project's locks."""
    profile = profiles.load(root / "manifests" / cluster)
    for role, image in profile.images.items():
        if recipe.lock_of(root, role) not in {"", image.recipe.lock}:
            raise StaleImageError(profile.folder, role)
    return profile


def write(manifests: Iterable[Rendered]) -> list[Path]:
    """Write *manifests* where they differ from what is on disk, and return those paths."""
    changed = []
    for manifest in manifests:
        if not manifest.path.exists() or manifest.path.read_text("utf-8") != manifest.text:
            manifest.path.write_text(manifest.text, "utf-8")
            changed.append(manifest.path)
    return changed


def _of_profile(
    profile: Profile, built: Sequence[tuple[ModuleType, list[Any]]]
) -> Iterator[Rendered]:
    """Yield a manifest a module, and one that installs them all; a laptop needs none."""
    aside = [each for _, found in built for each in found if isinstance(each, push.Aside)]
    built = [(module, [one for one in found if one not in aside]) for module, found in built]
    documents = [resource for _, resources in built for resource in resources]
    images.check(profile, [each.to_dict() for each in documents])
    for each in aside:
        yield Rendered(path=profile.folder / each.file, text=each.head + document.text([each]))
    for module, resources in built:
        if not resources:
            continue
        path = profile.folder / f"{module.__name__.rpartition('.')[2]}.yaml"
        yield Rendered(path=path, text=_header(module) + document.text(resources))
    if profile.built:
        accounts = install.resources(profile, [each.to_dict() for each in documents])
        lasting = [each for each in documents if each.to_dict()["kind"] != "Workflow"]
        yield Rendered(
            path=profile.folder / "install.yaml",
            text=INSTALL + document.text([*accounts, *lasting]),  # to apply a Workflow is to run it
        )


def _clusters(root: Path, wanted: Iterable[str] | None) -> list[str]:
    known = sorted(path.parent.name for path in root.glob("manifests/*/profile.yaml"))
    for name in wanted or ():
        if name not in known:
            raise UnknownNameError(str(root / "manifests"), "profile", name, known)
    if not known:
        advice = "Write one: manifests/local/profile.yaml."
        raise NothingToRenderError(str(root / "manifests"), "there is no profile.", advice)
    return known if wanted is None else list(wanted)


def _modules(root: Path) -> list[ModuleType]:
    """Import the project's workflows, the root first on the path."""
    if sys.path[:1] != [str(root)]:
        sys.path.insert(0, str(root))
    found = []
    for path in sorted((root / "workflows").glob("[!_]*.py")):
        with blamed(root):
            module = importlib.import_module(f"workflows.{path.stem}")
        if Path(inspect.getfile(module)).resolve() != path:
            raise ForeignModuleError(module, root)
        found.append(module)
    return found


def _build(module: ModuleType) -> Callable[[Profile], Any] | None:
    return getattr(module, "build", None)


def _built(
    root: Path, module: ModuleType, build: Callable[[Profile], Any], profile: Profile
) -> list[Any]:
    with blamed(root):
        found = build(profile)
    if not isinstance(found, list) or not all(hasattr(one, "to_dict") for one in found):
        raise BuildResultError(str(module.__file__), found)
    return found


def _header(module: ModuleType) -> str:
    path = module.__name__.replace(".", "/")
    return f"# Rendered by `tiphys render`; edit {path}.py instead.\n"
