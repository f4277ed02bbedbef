"""What holds for every run of a pipeline: its own word, and above that the cluster's."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hera.workflows import models
from pydantic import ValidationError

from tiphys.author import pod
from tiphys.author.document import Json
from tiphys.errors import UserError
from tiphys.manifest.profile import Profile


def of_every_run(profile: Profile, deadline: timedelta, keep: timedelta) -> dict[str, Any]:
    """Return fields of a workflow's spec, as Hera's constructor takes them.

    *deadline* and *keep* are the pipeline's; what the profile says of them counts.

    Raises: UserError: the profile says what is no field of a workflow, or no value of one.
    """
    file, given = str(profile.folder / "profile.yaml"), pod.of_the_run(profile)
    usual: Json = {
        "activeDeadlineSeconds": int(deadline.total_seconds()),
        "ttlStrategy": {"secondsAfterCompletion": int(keep.total_seconds())},
        "podGC": {"strategy": "OnWorkflowCompletion"},
    }
    try:
        spec = models.WorkflowSpec.model_validate(usual | given)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = ".".join(("spec", *map(str, first["loc"])))
        raise UserError(file, f"{name} is {first['input']!r}.", first["msg"]) from None
    kept = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for path in _lost(given, kept, "spec"):
        raise UserError(file, f"{path} is no field that Argo knows.", "Is it misspelt?")
    return {name: getattr(spec, name) for name in spec.model_fields_set}


def _lost(given: Any, kept: Any, path: str) -> Iterator[str]:
    """Yield where *given* has a key that *kept* has not: a model drops what it does not know."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            where = f"{path}.{name}"
            yield from _lost(value, kept[name], where) if name in kept else (where,)
    elif isinstance(given, list) and isinstance(kept, list):
        for number, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from _lost(one, other, f"{path}[{number}]")
