"""The Kubernetes API as a pod reaches it: by its own ServiceAccount, for its own namespace."""

from pathlib import Path

from kubernetes import client, config

from tiphys.errors import UserError

OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class NoPodError(UserError):
    """Something that asks the cluster for more than the step runs where there is no cluster."""

    def __init__(self, where: str, advice: str, problem: object) -> None:
        super().__init__(where, f"works in a pod only ({problem}).", advice)


def connect(where: str, advice: str) -> tuple[client.ApiClient, str]:
    """Return the API and the namespace of this pod.

    Args:
        where: what needs them, for people
        advice: what to do where they cannot be had
    Raises: NoPodError: this is no pod, or it has no token.
    """
    settings = client.Configuration()
    try:
        config.load_incluster_config(settings)  # type: ignore[no-untyped-call]  # ships no types
        namespace = OWN_NAMESPACE.read_text()
    except (config.ConfigException, OSError) as error:
        raise NoPodError(where, advice, error) from error
    return client.ApiClient(settings), namespace
