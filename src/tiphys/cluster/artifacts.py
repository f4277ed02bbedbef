"""What the steps of a run on a cluster left, read through Argo Server: a token is enough."""

from urllib.parse import quote

import urllib3

from tiphys.cluster.connection import REPLY_TIMEOUT_SECONDS, Connection, unreachable


def read(connection: Connection, run: str, node: str, artifact: str) -> bytes | None:
    """Return the bytes of an output artifact as stored; None where there is none.

    Args:
        connection: the server to ask.
        run: the workflow's name.
        node: the id of the node that left it.
        artifact: its name.

    Raises: ServerUnreachableError.
    """
    path = "/".join(quote(part) for part in (connection.namespace, run, node, artifact))
    headers = dict(connection.client.default_headers)
    try:
        reply = connection.client.rest_client.pool_manager.request(
            "GET",
            f"{connection.server}/artifacts/{path}",
            headers=headers,
            timeout=REPLY_TIMEOUT_SECONDS,
        )
    except urllib3.exceptions.HTTPError as problem:
        raise unreachable(connection.server, problem) from None
    return bytes(reply.data) if reply.status == 200 else None
