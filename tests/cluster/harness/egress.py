"""A way out of the cluster's network: an HTTPS proxy, for builds that install what a lock names.

It listens inside and connects outside: a socket stays in the network that it was made in.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 1 << 16


@contextmanager
def proxy() -> Iterator[str]:
    """Yield the URL of a proxy, for as long as the block runs. Called in the cluster's network."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        descriptor = inside.fileno()
        process = subprocess.Popen(
            ["nsenter", f"--net={_outside()}", sys.executable, __file__, str(descriptor)],
            stdin=subprocess.PIPE,
            pass_fds=[descriptor],
        )
        try:
            yield "http://{}:{}".format(*inside.getsockname())
        finally:
            process.communicate()


def _outside() -> Path:
    """Return the network of the nearest ancestor that has another: who entered the cluster's."""
    processes = Path("/proc")
    process, ours = os.getpid(), (processes / "self/ns/net").readlink()
    while (network := processes / str(process) / "ns/net").readlink() == ours:
        stat = (processes / str(process) / "stat").read_text()
        process = int(stat.rpartition(")")[2].split()[1])
    return network


async def serve(inside: socket.socket) -> None:
    """Connect whoever asks, until standard input ends."""
    async with await asyncio.start_server(_answer, sock=inside):
        await asyncio.to_thread(sys.stdin.read)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        verb, target, _ = head.decode().split(" ", 2)
        host, _, port = target.rpartition(":")
        if verb == "CONNECT":
            there = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
