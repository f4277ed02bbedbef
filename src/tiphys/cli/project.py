"""Where the command stands: the project, its profiles, a manifest by its name."""

from pathlib import Path

from tiphys.errors import UnknownNameError
from tiphys.manifest import profiles
from tiphys.manifest.profile import Profile
from tiphys.runtime import project


def root() -> Path:
    """Return the root of the project we are in, else the current folder."""
    return project.find_root(Path.cwd()) or Path.cwd()


def profile(home: Path, name: str) -> Profile:
    """Return the profile *name* of the project at *home*; an unknown one names those there are."""
    known = [path.parent.name for path in home.glob("manifests/*/profile.yaml")]
    if name not in known:
        raise UnknownNameError(str(home / "manifests"), "profile", name, known)
    return profiles.load(home / "manifests" / name)


def manifest(home: Path, given: str, cluster: str) -> Path:
    """Return the file *given*, or the manifest of that name that *cluster* has."""
    path = Path(given)
    if path.suffix in {".yaml", ".yml", ".json"} or path.exists():
        return path
    folder = home / "manifests" / cluster
    found = folder / f"{given}.yaml"
    if not found.exists():
        names = [one.stem for one in folder.glob("*.yaml")]
        known = [name for name in names if name not in {"profile", "images"}]
        raise UnknownNameError(str(folder), "manifest", given, known)
    return found
