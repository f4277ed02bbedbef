"""Every push to main that changes what a run is made of is a run, of the pushed commit."""

from typing import Any

from tiphys.author import Profile, push


def webhook(profile: Profile) -> push.Webhook:
    """Return which pushes start a run; `.github/workflows/` listens for the same."""
    return push.Webhook(
        pipeline="training",
        branch="main",
        paths=("components/", "quality/", "gate/", "dvc.lock", "dvc.yaml", "params.yaml"),
        first=(
            "requirements/*.lock",
            *("src/", "pyproject.toml", "Containerfile"),
            f"manifests/{profile.name}/",
        ),
        skip="[tiphys skip]",
        bot="tiphys[bot]",
    )


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/push.yaml` holds: nothing where the source is no git."""
    return list(webhook(profile).resources(profile))
