"""Links below a pipeline's description, which Argo's UI shows as Markdown.

Buttons of its own the UI reads from the controller's ConfigMap only, which is the platform's.
"""

import re

from tiphys.manifest.profile import GitSource, Profile

PIPELINE = "{pipeline}"
"""What stands for the pipeline's name in a link of the profile."""


def markdown(profile: Profile, pipeline: str) -> str:
    """Return the links in one line: the code, where it can be browsed, then the profile's."""
    links = _code(profile) | dict(profile.links)
    return " · ".join(f"[{name}]({url.replace(PIPELINE, pipeline)})" for name, url in links.items())


def _code(profile: Profile) -> dict[str, str]:
    if not isinstance(profile.source, GitSource) or not profile.source.git.startswith("http"):
        return {}
    without_user = re.sub(r"^(https?://)[^/@]*@", r"\1", profile.source.git)
    return {"Code": without_user.rstrip("/").removesuffix(".git")}
