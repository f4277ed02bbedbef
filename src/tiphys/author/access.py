"""What a step may ask of the cluster's API, named after what it does there.

A template says `access=`, as it says `retry=`. Rendering makes a ServiceAccount of it with a Role
that holds these rules and nothing else; a step that asks for nothing gets no token at all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tiphys.author.document import Json

ANNOTATION = "tiphys.dev/access"
"""On a template: its rules as JSON, for whoever reads the manifest or makes the Role from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An entry of a Role; there is no way to write a wildcard."""

    group: str
    resource: str
    verbs: Sequence[str]
    names: Sequence[str] = ()
    """Only these objects; all of the namespace where it is empty."""

    def __post_init__(self) -> None:
        if "*" in (self.group, self.resource, *self.verbs):
            text = "a rule names its group, its resource and its verbs: no wildcards"
            raise ValueError(text)

    def manifest(self) -> Json:
        """Return the rule as a Role has it."""
        found: Json = {
            "apiGroups": [self.group],
            "resources": [self.resource],
            "verbs": list(self.verbs),
        }
        return found | ({"resourceNames": list(self.names)} if self.names else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A named set of rights."""

    name: str
    rules: tuple[Rule, ...] = ()

    def __add__(self, other: "Access") -> "Access":
        """Return both sets as one."""
        if not other.rules:
            return self
        return (
            other
            if not self.rules
            else Access(name=f"{self.name}-{other.name}", rules=self.rules + other.rules)
        )


NONE = Access(name="none")
"""No question to the API: its pod has no token."""

GANG = Access(
    name="gang",
    rules=(
        Rule(
            group="jobset.x-k8s.io",
            resource="jobsets",
            verbs=("create", "get", "delete"),
        ),
        Rule(group="", resource="pods", verbs=("list",)),
        Rule(group="", resource="pods/log", verbs=("get",)),
    ),
)
"""A launcher makes a JobSet, follows its pods and takes it away."""


def serving(*names: str) -> Access:
    """Return the right to apply the Deployments and Services of these *names*, and no others.

    `create` can be held to a name too, because they are applied on the server's side: the request
    has the name in its path.
    """
    verbs = ("create", "get", "patch")
    return Access(
        name="serving",
        rules=(
            Rule(group="apps", resource="deployments", verbs=verbs, names=names),
            Rule(group="", resource="services", verbs=verbs, names=names),
        ),
    )


def annotation(access: Access) -> Mapping[str, str]:
    """Return *access* as an annotation; nothing where it has no rules."""
    if not access.rules:
        return {}
    return {ANNOTATION: json.dumps([rule.manifest() for rule in access.rules])}


def account(template: str, declared: Access, given: Access) -> str:
    """Return the ServiceAccount of *template*; what its tier brings along makes it another one."""
    name = f"tiphys-{template}"
    return name if given == declared else f"{name}-{given.name}"
