"""Why a pod that has its node does not start: image, Secret, volume, quota."""

import re
from collections.abc import Callable, Mapping, Sequence

from tiphys.report.waiting.evidence import Object, Reason

_QUOTA = re.compile(r"exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: (.+)$")
_IMAGE = re.compile(r'[Ii]mage "([^"]+)"')
_MISSING = re.compile(r'(secret|configmap) "([^"]+)" not found')
_KEY = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) (\S+)")
_MADE = {"PodInitializing", "ContainerCreating", ""}
"""What a pod says while its volumes are mounted and its containers are made."""


def explain(step: str, message: str, events: Sequence[Object] | None) -> Reason | None:
    """Return why the pod of *step* has not started; None where nothing is wrong.

    Args:
        step: its path.
        message: the node's message, as Argo took it from the pod.
        events: those of its pod; None: nobody could look.
    """
    word = message.partition(":")[0]
    if known := _WORDS.get(word):
        return known(step, message)
    if quota := _QUOTA.search(message):
        return _quota(step, quota)
    if word in _MADE:
        return _mounting(step, events)
    return None


def _quota(step: str, found: re.Match[str]) -> Reason:
    name, requested, used, limited = found.groups()
    return Reason(
        step=step,
        kind="quota",
        found=f"the quota {name} (requested {requested}; used {used}; limit {limited})",
        advice="It starts when others have ended; if it alone is over the limit, lower the tier or "
        f"ask who runs the cluster: kubectl describe resourcequota {name}",
    )


def _image(step: str, message: str) -> Reason:
    image = _IMAGE.search(message)
    why = message.rpartition(": ")[2]
    return Reason(
        step=step,
        kind="image",
        found=f"the image {image[1] if image else ''}, which cannot be pulled ({why})",
        advice="Is it pushed, is its name right in images.yaml, and may the node pull it "
        "(imagePullSecrets)?",
    )


def _absent_image(step: str, message: str) -> Reason:
    image = _IMAGE.search(message)
    return Reason(
        step=step,
        kind="image",
        found=f"the image {image[1] if image else ''}, which its node does not have",
        advice="Load it on every node, or let it be pulled: imagePullPolicy IfNotPresent.",
    )


def _configuration(step: str, message: str) -> Reason:
    if key := _KEY.search(message):
        kind, name = key[2], key[3].rpartition("/")[2]
        found = f'the key "{key[1]}" of the {kind} "{name}", which has no such key'
        return Reason(step=step, kind="secret", found=found, advice=_read(kind, name))
    if missing := _MISSING.search(message):
        return _absent(step, missing)
    found = f"its container, which cannot be made: {message.partition(': ')[2]}"
    return Reason(step=step, kind="container", found=found, advice="Correct the template.")


def _absent(step: str, missing: re.Match[str]) -> Reason:
    kind = {"secret": "Secret", "configmap": "ConfigMap"}[missing[1]]
    return Reason(
        step=step,
        kind=missing[1],
        found=f'the {kind} "{missing[2]}", which does not exist',
        advice=f"Make it: kubectl create {_GENERIC[missing[1]]} {missing[2]} --from-literal=KEY=…; "
        "the step then starts by itself.",
    )


_GENERIC = {"secret": "secret generic", "configmap": "configmap"}


def _read(kind: str, name: str) -> str:
    return f"Look what it holds: kubectl describe {kind.lower()} {name}"


def _mounting(step: str, events: Sequence[Object] | None) -> Reason | None:
    mounts = [event for event in events or () if event.get("reason") in _FAILURES]
    if not mounts:
        unseen = (
            "" if events is not None else "; events, which nobody could look at, would say more"
        )
        return Reason(step=step, kind="starting", found=f"its pod, which is being made{unseen}")
    said = str(mounts[-1].get("message", ""))
    if missing := _MISSING.search(said):
        return _absent(step, missing)
    advice = "Correct the volume in the profile or the template."
    found = f"a volume, which cannot be mounted: {said}"
    return Reason(step=step, kind="volume", found=found, advice=advice)


_FAILURES = {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"}

_WORDS: Mapping[str, Callable[[str, str], Reason]] = {
    "ErrImagePull": _image,
    "ImagePullBackOff": _image,
    "InvalidImageName": _image,
    "ErrImageNeverPull": _absent_image,
    "CreateContainerConfigError": _configuration,
    "CreateContainerError": _configuration,
}
