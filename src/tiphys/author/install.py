"""`install.yaml`: everything a namespace needs before the first run, for `kubectl apply -f`.

Accounts and Roles are read off the rendered templates, so a template and what it may do cannot
disagree; then come the rendered documents themselves.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tiphys.author import access, pod, templates
from tiphys.author.access import Rule
from tiphys.author.document import Json
from tiphys.errors import UserError
from tiphys.manifest.profile import Profile

SUBMITTER = "tiphys-submitter"
"""Who starts and follows runs: the account of `--on`."""

REPORTS = (Rule(group="argoproj.io", resource="workflowtaskresults", verbs=("create", "patch")),)
"""How Argo's own containers report what a step has put out."""

_READ = ("get", "list", "watch")
_SUBMITS = (
    Rule(
        group="argoproj.io",
        resource="workflows",
        verbs=("create", *_READ, "update", "patch", "delete"),
    ),
    Rule(group="argoproj.io", resource="workflowtemplates", verbs=("create", *_READ, "update")),
    Rule(
        group="argoproj.io",
        resource="cronworkflows",
        verbs=("create", *_READ, "update", "patch"),
    ),
    Rule(group="argoproj.io", resource="workfloweventbindings", verbs=("get", "list")),
    Rule(group="", resource="pods", verbs=(*_READ, "delete")),  # `retry` deletes failed ones
    Rule(group="", resource="pods/log", verbs=("get",)),
    Rule(group="", resource="events", verbs=_READ),
    Rule(group="", resource="resourcequotas", verbs=("get", "list")),
    Rule(group="jobset.x-k8s.io", resource="jobsets", verbs=("get", "list", "delete")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An object that is written as it is."""

    value: Json

    def to_dict(self) -> Json:
        """Return it as JSON."""
        return self.value


class DisagreementError(UserError):
    """Two templates of one name that ask for different rights."""

    def __init__(self, profile: Profile, account: str) -> None:
        super().__init__(
            str(profile.folder / "install.yaml"),
            f'two pipelines ask for different rights for "{account}".',
            "Give both templates the same `access=`, or rename one function.",
        )


def resources(profile: Profile, documents: Iterable[Json]) -> list[Resource]:
    """Return the accounts, Roles and bindings that *documents* need, and the submitter's.

    Raises:
        DisagreementError: two of them want one account with different rights.
    """
    found = [
        *bound(profile, pod.EXECUTOR, [rule.manifest() for rule in REPORTS]),
        token(profile, pod.EXECUTOR),
    ]
    for name, rules in _accounts(profile, documents).items():
        found += bound(profile, name, rules)
    found += bound(profile, SUBMITTER, [rule.manifest() for rule in _submits(profile)])
    return [Resource(value=value) for value in found]


def bound(profile: Profile, name: str, rules: Sequence[Json]) -> list[Json]:
    """Return a ServiceAccount and, if there are *rules*, its Role."""
    account = labelled(profile, "v1", "ServiceAccount", name)
    if not rules:
        return [account]
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": profile.namespace}
    binding = labelled(profile, f"{group}/v1", "RoleBinding", name)
    return [
        account,
        labelled(profile, f"{group}/v1", "Role", name) | {"rules": list(rules)},
        binding
        | {"roleRef": {"apiGroup": group, "kind": "Role", "name": name}, "subjects": [subject]},
    ]


def token(profile: Profile, account: str) -> Json:
    """Return the Secret in which Argo looks for the token of its own containers."""
    secret = labelled(profile, "v1", "Secret", f"{account}.service-account-token")
    secret["metadata"]["annotations"] = {"kubernetes.io/service-account.name": account}
    return secret | {"type": "kubernetes.io/service-account-token"}


def labelled(profile: Profile, version: str, kind: str, name: str) -> Json:
    """Return the beginning of an object of the namespace, with the labels of all that is ours."""
    metadata = {"name": name, "namespace": profile.namespace, "labels": dict(pod.LABELS)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _accounts(profile: Profile, documents: Iterable[Json]) -> dict[str, list[Json]]:
    """Return account to rules, for every template of ours that names its own."""
    found: dict[str, list[Json]] = {}
    for template in (each for document in documents for each in templates.of(document)):
        name = template.get("serviceAccountName", "")
        if not name.startswith("tiphys-"):
            continue
        annotations = template.get("metadata", {}).get("annotations", {})
        rules = json.loads(annotations.get(access.ANNOTATION, "[]"))
        if found.setdefault(name, rules) != rules:
            raise DisagreementError(profile, name)
    return found


def _submits(profile: Profile) -> Sequence[Rule]:
    """Return the submitter's rules: Argo Server reads artifacts with the caller's own rights."""
    credentials = profile.credentials_of(profile.storage.artifacts)
    if credentials is None:
        return _SUBMITS
    secret = Rule(group="", resource="secrets", verbs=("get",), names=(credentials.secret,))
    return (*_SUBMITS, secret)
