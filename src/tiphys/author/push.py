"""A push that starts a run: what Argo Server needs to take a git host's webhook.

The payload is GitHub's. An expression that fails on somebody else's event would be an error of
theirs, because Argo asks every binding of the namespace: so the cheap and certain questions come
first, and `&&` stops at the first that says no.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tiphys.author import address, install
from tiphys.author.access import Rule
from tiphys.author.document import Json
from tiphys.manifest import webhook
from tiphys.manifest.profile import GitSource, Profile

ACCOUNT = "tiphys-push"
"""Who starts the run. Argo Server looks for its token in `tiphys-push.service-account-token`."""

EVENT = "git"
"""The end of the webhook's address: /api/v1/events/NAMESPACE/git."""

_ARGO = "argoproj.io"

_LABEL = 'sprig.trimAll("-_.", sprig.trunc(63, sprig.regexReplaceAll("[^-A-Za-z0-9_.]", {}, "-")))'
"""What a label may say: `github-actions[bot]` may not stand in one."""

_URLS = tuple(f"payload.repository.{name}_url" for name in ("clone", "ssh", "git"))

_PLACEHOLDER = "${WEBHOOK_SECRET}"

_TEMPLATE = """\
# Rendered by `tiphys render`: a template, as no secret is ever committed. Once for a namespace:
#
#   export WEBHOOK_SECRET="$(openssl rand -hex 32)"    # the same goes into the git host's webhook
#   envsubst < {file} | kubectl apply -f -
#
# Its name does not end in .yaml: `kubectl apply -f` of the folder leaves a real one alone.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside(install.Resource):
    """An object in a file of its own, which `install.yaml` leaves out."""

    file: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Which pushes start a run of *pipeline*."""

    pipeline: str
    branch: str
    paths: Sequence[str]
    """Files, and folders with a slash at the end: a run is made of them."""
    first: Sequence[str]
    """Likewise, `*` being part of a name. Where one is changed, the cluster must be given something
    before a run, so CI does that and starts the run: the binding leaves the push alone."""
    skip: str
    """What ends the subject of a commit that must start nothing. A quote after it says that such a
    commit is quoted: one that reverts it, reapplies it or merges either, which starts a run."""
    bot: str
    """The author of commits that runs make."""

    def resources(self, profile: Profile) -> list[install.Resource]:
        """Return binding, account, Role and the template of the Secret; nothing without git."""
        if not isinstance(profile.source, GitSource):
            return []
        kind = "WorkflowEventBinding"
        binding = install.labelled(profile, f"{_ARGO}/v1alpha1", kind, f"push-{self.pipeline}")
        binding["spec"] = {
            "event": {"selector": self.selector(profile.source.git)},
            "submit": {
                "workflowTemplateRef": {"name": self.pipeline},
                "metadata": self._metadata(),
                "arguments": {
                    "parameters": [{"name": "revision", "valueFrom": {"event": "payload.after"}}]
                },
            },
        }
        made = (binding, *_rights(profile, self.pipeline))
        return [*(install.Resource(value=value) for value in made), _secret(profile)]

    def selector(self, url: str) -> str:
        """Return the condition, in expr-lang: every line must hold."""
        message = "payload.head_commit.message"
        quoted = f'{self.skip}"'
        files = "concat(.added, .modified, .removed)"
        conditions = (
            f"discriminator == {_text(EVENT)}",
            '"push" in (metadata["x-github-event"] ?? [])',
            f"payload.ref == {_text(f'refs/heads/{self.branch}')}",
            f"{_text(address.announced(url))} in [{', '.join(_URLS)}]",
            "payload.head_commit != nil",
            f"(!({message} contains {_text(self.skip)}) || {message} contains {_text(quoted)})",
            f"payload.head_commit.author.name != {_text(self.bot)}",
            f"any(payload.commits, {{any({files}, {{{_one_of(self.paths)}}})}})",
            f"none(payload.commits, {{any({files}, {{{_one_of(self.first)}}})}})",
        )
        return "\n&& ".join(conditions) + "\n"

    def _metadata(self) -> Json:
        """Return what a run is called: the same push has the same name, and makes no second run."""
        return {
            "name": f"{_text(f'{self.pipeline}-')} + payload.after[0:12]",
            "labels": {
                "tiphys.dev/commit": "payload.after",
                "tiphys.dev/pusher": _LABEL.format("payload.pusher.name"),
            },
            "annotations": {"tiphys.dev/change": 'payload.compare ?? ""'},
        }


def _one_of(patterns: Sequence[str]) -> str:
    return " || ".join(map(_matches, patterns))


def _matches(pattern: str) -> str:
    """Return the condition that the file `#` is what *pattern* means.

    >>> _matches("gate/"), _matches("dvc.lock"), _matches("models/*/")
    ('# startsWith "gate/"', '# == "dvc.lock"', '# matches "^models/[^/]*/"')
    """
    if "*" in pattern:
        end = "" if pattern.endswith("/") else "$"
        regex = re.escape(pattern).replace(re.escape("*"), "[^/]*")
        return f"# matches {_text(f'^{regex}{end}')}"
    return f"# {'startsWith' if pattern.endswith('/') else '=='} {_text(pattern)}"


def _text(value: str) -> str:
    return json.dumps(value)


def _secret(profile: Profile) -> Aside:
    value = install.labelled(profile, "v1", "Secret", webhook.CLIENTS)
    value["stringData"] = {ACCOUNT: f"type: github\nsecret: {_PLACEHOLDER}\n"}
    head = _TEMPLATE.format(file=f"manifests/{profile.name}/{webhook.TEMPLATE}")
    return Aside(value=value, file=webhook.TEMPLATE, head=head)


def _rights(profile: Profile, pipeline: str) -> list[Json]:
    """Return the account, its token and its Role: it may start this pipeline, and see nothing."""
    rules = (
        Rule(group=_ARGO, resource="workfloweventbindings", verbs=("list",)),
        Rule(group=_ARGO, resource="workflowtemplates", verbs=("get",), names=(pipeline,)),
        Rule(group=_ARGO, resource="workflows", verbs=("create",)),
    )
    account, *role = install.bound(profile, ACCOUNT, [rule.manifest() for rule in rules])
    return [account, install.token(profile, ACCOUNT), *role]
