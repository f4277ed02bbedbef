"""`$(NAME)` in commands and variables, as Kubernetes reads it before any shell does."""

import re
from collections.abc import Mapping

REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return *text* with the container's own *variables* filled in; `$$` is a dollar.

    A name that nothing defines stays as it is, so a shell still sees `$((1 + 2))`.

    >>> expanded("$(A) $$(A) $(B) $A $$", {"A": "x"})
    'x $(A) $(B) $A $'
    """

    def replacement(found: re.Match[str]) -> str:
        return "$" if found[1] is None else variables.get(found[1], found[0])

    return REFERENCE.sub(replacement, text)


def as_in_a_template(text: str) -> str:
    """Return a script or a raw artifact as its container finds it: a dollar for every `$$`.

    Argo hands the template to the pod in a variable, which Kubernetes reads too
    (`EnvVarTemplate` in workflow/controller/workflowpod.go).
    """
    return expanded(text, {})
