"""A cluster: Argo Server first, then the Kubernetes API as far as it may be asked."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import yaml

from tiphys.cli.there import There
from tiphys.cluster import api as kubernetes
from tiphys.cluster import inspection
from tiphys.cluster.api import Api
from tiphys.cluster.connection import ServerRefusedError
from tiphys.cluster.sight import UNNAMED
from tiphys.errors import UserError
from tiphys.manifest import webhook
from tiphys.manifest.profile import Credentials, GitSource
from tiphys.report import health
from tiphys.report.health import Check
from tiphys.runtime.clock import SystemClock

Documents = Sequence[dict[str, Any]]

SHOWN = 3
"""So many objects that are not as rendered are named; one command mends them all."""


def checks(where: There) -> Iterator[Check]:
    """Yield what is found at the cluster.

    Raises: ServerUnreachableError: no Argo Server answers.
    """
    link = where.connection
    yield health.version(inspection.version(link))
    skew = inspection.ahead(link, SystemClock().now())
    if skew is not None:
        yield health.clock(skew)
    try:
        yield _token(where)
        yield _namespace(where)
        where.list_runs()
    except ServerRefusedError as refused:
        yield Check(what="token", good=False, found=refused.found, advice=refused.advice)
        return
    yield _store(where)
    rendered = _documents(where)
    yield from _templates(where, rendered)
    try:
        yield from _closer(where, rendered)
    except UserError as problem:
        yield Check(what="Kubernetes API", good=False, found=problem.found, advice=problem.advice)


def _token(where: There) -> Check:
    who = inspection.account(where.connection)
    return Check(what="token", good=True, found=f"is known as {who}" if who else "is taken")


def _namespace(where: There) -> Check:
    managed, wanted = inspection.managed(where.connection), where.profile.namespace
    if managed in {"", wanted}:
        return Check(what="namespace", good=True, found=wanted)
    found = f"this Argo is for {managed} alone, the profile says {wanted}"
    return Check(what="namespace", good=False, found=found, advice="Correct `namespace`.")


def _store(where: There) -> Check:
    """Look whether the code of a run can be stored: with the keys of this shell."""
    if not where.profile.storage.code or isinstance(where.profile.source, GitSource):
        return Check(what="storage.code", good=None, found="not used by this profile")
    try:
        count = len(where.archives())
    except UserError as problem:
        return Check(what="storage.code", good=False, found=problem.found, advice=problem.advice)
    return Check(what="storage.code", good=True, found=f"can be read; {count} archives")


def _documents(where: There) -> Documents:
    """Return what `install.yaml` holds."""
    path = where.profile.folder / "install.yaml"
    if not path.exists():
        return []
    return [one for one in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if one]


def _file(where: There, name: str = "install.yaml") -> str:
    return f"manifests/{where.profile.name}/{name}"


def _pushed(where: There, rendered: Documents) -> bool:
    """Whether a push is to start runs."""
    if (where.profile.folder / "push.yaml").exists():
        return True
    return any(one["kind"] == "WorkflowEventBinding" for one in rendered)


def _templates(where: There, rendered: Documents) -> Iterator[Check]:
    """Compare what Argo Server shows with what is rendered."""
    for document in rendered:
        if document["kind"] in {"WorkflowTemplate", "CronWorkflow"}:
            try:
                theirs = inspection.template(where.connection, document)
            except ServerRefusedError as refused:
                yield Check(
                    what=_name(document), good=False, found=refused.found, advice=refused.advice
                )
            else:
                yield _compared(where, document, theirs)


def _compared(where: There, document: dict[str, Any], theirs: dict[str, Any] | None) -> Check:
    file = _file(where)
    if document["kind"] == "CronWorkflow":
        return health.schedule(document, theirs, file, where.profile.name)
    return health.installed(document, theirs, file)


def _closer(where: There, rendered: Documents) -> Iterator[Check]:
    """Look at what only the Kubernetes API shows."""
    api = where.api()
    if api is None:
        yield Check(
            what="rights, CRDs, secrets, tiers",
            good=None,
            found=f"not looked at: {UNNAMED}",
        )
        return
    yield from _kinds(where, api, rendered)
    yield from _rights(where, api)
    yield from _secrets(where, api)
    yield from _tokens(where, api, rendered)
    yield from _accounts(where, api, rendered)
    yield from _tiers(where, api)


def _kinds(where: There, api: Api, rendered: Documents) -> Iterator[Check]:
    bindings = (inspection.BINDINGS,) if _pushed(where, rendered) else ()
    yield from _known(api, "argoproj.io/v1alpha1", (*inspection.CRDS, *bindings), "Argo Workflows")
    if where.profile.gang == "jobset":
        yield from _known(api, "jobset.x-k8s.io/v1alpha2", ("jobsets",), "the JobSet controller")


def _known(api: Api, group: str, wanted: Sequence[str], of: str) -> Iterator[Check]:
    """Look whether the cluster has the kinds *wanted*, which *of* brings along."""
    known = inspection.kinds(api, group)
    for kind in wanted:
        there = kind in known
        found = "is there" if there else "is missing: the cluster does not know it"
        advice = "" if there else f"Install {of}."
        yield Check(what=f"CRD {kind}", good=there, found=found, advice=advice)


def _rights(where: There, api: Api) -> Iterator[Check]:
    """Ask Kubernetes what the token may do; a line for all that is given, one for each missing."""
    own = kubernetes.as_token(api, where.connection.bearer)
    known = list(inspection.rights(own, gangs=where.profile.gang == "jobset"))
    missing = [
        health.right(rule, command, allowed=allowed)
        for rule, command, allowed in known
        if not allowed
    ]
    given = len(known) - len(missing)
    yield Check(what="rights", good=not missing, found=f"{given} of {len(known)} are given")
    yield from missing


def _secrets(where: There, api: Api) -> Iterator[Check]:
    profile = where.profile
    below = f"/api/v1/namespaces/{profile.namespace}"
    named: dict[str, set[str]] = {}
    every: list[Credentials | None] = [profile.credentials, *profile.own_credentials.values()]
    for credentials in filter(None, every):
        named.setdefault(credentials.secret, set()).update(
            {credentials.access, credentials.secret_key}
        )
    if isinstance(profile.source, GitSource) and profile.source.secret:
        named.setdefault(profile.source.secret, set()).update({"username", "password"})
    for name, keys in named.items():
        what = f"Secret {name}"
        yield _seen(what, partial(_secret, api, name, sorted(keys)))
    if profile.cache:
        yield _seen(f"claim {profile.cache}", partial(_claim, api, below, profile.cache))


def _secret(api: Api, name: str, keys: list[str]) -> Check:
    held = kubernetes.find(api, f"/api/v1/namespaces/{api.namespace}/secrets/{name}")
    return health.secret(name, api.namespace, keys, held)


def _claim(api: Api, below: str, name: str) -> Check:
    claim = kubernetes.find(api, f"{below}/persistentvolumeclaims/{name}")
    found = "is there" if claim else "does not exist"
    advice = "" if claim else "Make the PersistentVolumeClaim that `cache` names."
    return Check(what=f"claim {name}", good=claim is not None, found=found, advice=advice)


def _tokens(where: There, api: Api, rendered: Documents) -> Iterator[Check]:
    """Look at the Secrets of accounts, and at the one that lets pushes in."""
    for document in rendered:
        if document["kind"] == "Secret":
            yield _seen(_name(document), partial(_account_token, api, document, _file(where)))
    if _pushed(where, rendered):
        yield _seen(f"Secret {webhook.CLIENTS}", partial(_clients, where, api))


def _account_token(api: Api, document: dict[str, Any], file: str) -> Check:
    return health.token(document, inspection.installed(api, document), file)


def _clients(where: There, api: Api) -> Check:
    path = where.profile.folder / webhook.TEMPLATE
    rendered = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    secret = {"kind": "Secret", "metadata": {"name": webhook.CLIENTS}}
    known, held = rendered.get("stringData") or (), inspection.installed(api, secret)
    return health.clients(webhook.CLIENTS, known, held, _file(where, webhook.TEMPLATE))


def _accounts(where: There, api: Api, rendered: Documents) -> Iterator[Check]:
    """Compare accounts, Roles and bindings with what is rendered, in one line."""
    file = _file(where)
    mine = [one for one in rendered if inspection.readable(one["kind"]) and one["kind"] != "Secret"]
    found = [_seen(_name(one), partial(_account, api, one, file)) for one in mine]
    unseen = [check for check in found if check.good is None]
    wrong = [check for check in found if check.good is False]
    what = "accounts and Roles"
    if wrong:
        names = ", ".join(f"{check.what} {check.found}" for check in wrong[:SHOWN])
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        yield Check(what=what, good=False, found=names + more, advice=f"kubectl apply -f {file}")
    elif unseen:
        yield Check(what=what, good=None, found=unseen[0].found)
    elif mine:
        yield Check(what=what, good=True, found=f"all {len(mine)} are as rendered")


def _name(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def _account(api: Api, document: dict[str, Any], file: str) -> Check:
    return health.installed(document, inspection.installed(api, document), file)


def _tiers(where: There, api: Api) -> Iterator[Check]:
    try:
        nodes = kubernetes.listed(api, "/api/v1/nodes")
    except kubernetes.ApiError as problem:
        yield Check(what="tiers", good=None, found=f"not looked at: {problem.found}")
        return
    for tier in where.profile.tiers.values():
        yield health.tier(tier, nodes)
        if last := health.on_demand(tier, nodes):
            yield last


def _seen(what: str, look: Callable[[], Check]) -> Check:
    """Return the finding; where it may not be looked at, that."""
    try:
        return look()
    except kubernetes.ApiError as problem:
        return Check(what=what, good=None, found=f"not looked at: {problem.found}")
