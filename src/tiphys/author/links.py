"""Links below a pipeline's description, which Argo's UI shows as Markdown.

Buttons of its own the UI reads from the controller's ConfigMap only, which is the platform's.
"""

from tiphys.author import address
from tiphys.manifest.profile import GitSource, Profile

PIPELINE = "{pipeline}"
"""What stands for the pipeline's name in a link of the profile."""


def markdown(profile: Profile, pipeline: str) -> str:
    """Return the links in one line: the code, where it can be browsed, then the profile's."""
    links = _code(profile) | dict(profile.links)
    return " · ".join(f"[{name}]({url.replace(PIPELINE, pipeline)})" for name, url in links.items())


def _code(profile: Profile) -> dict[str, str]:
    url = address.browsable(profile.source.git) if isinstance(profile.source, GitSource) else ""
    return {"Code": url} if url else {}
