"""`python -m tiphys.ml.serving`: the server process, and the serve image's entry point."""

import argparse
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import IO, NoReturn

import uvicorn

from tiphys.ml.registry import Registry
from tiphys.ml.serving import app, process
from tiphys.ml.serving.follow import Follower
from tiphys.ml.serving.process import Endpoint

logger = logging.getLogger("tiphys.serving")
DIRECTORY = Path(tempfile.gettempdir(), "tiphys-serving")
LOOK = timedelta(seconds=1)
IDLE = timedelta(seconds=75)
"""How long a connection may wait for its next request: longer than balancers keep theirs."""
ENDED = timedelta(seconds=5)
"""How long requests that have begun may take once the server is told to go."""


def main() -> int:
    """Serve until a signal ends it. Returns 0, also where another serves this folder already."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # uvicorn stops first, then hands the signal on to us
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s"
    )
    directory = options.directory.absolute()
    lock = process.claim(directory)
    if lock is None:
        logger.info("another server runs in %s", directory)
        return 0
    with lock, _listen(options.host, options.port) as listener:
        follower = Follower(
            Registry.open(options.registry),
            options.model,
            directory / "versions",
            timedelta(seconds=options.every),
        )
        os.chdir(directory)  # the folder of who started it may vanish
        follower.start()
        threading.Thread(target=_leave_with, args=(directory, lock), daemon=True).start()
        endpoint = Endpoint(
            url=f"http://{options.host}:{listener.getsockname()[1]}",
            model=options.model,
            registry=options.registry,
            pid=os.getpid(),
            identity=process.identity(os.getpid()),
            log=directory / "server.log",
        )
        process.announce(directory, endpoint)
        logger.info("listening at %s", endpoint.url)
        config = uvicorn.Config(
            app.build(follower),
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=int(IDLE.total_seconds()),
            timeout_graceful_shutdown=int(ENDED.total_seconds()),
        )
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _end(*_: object) -> NoReturn:
    sys.exit(0)


def _leave_with(directory: Path, lock: IO[str]) -> None:
    """End the server once its folder is removed: nobody could find it to stop it."""
    while process.holds(directory, lock):
        time.sleep(LOOK.total_seconds())
    logger.info("%s is gone, and so is this server", directory)
    os.kill(os.getpid(), signal.SIGTERM)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then: else an answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tiphys.ml.serving", description=__doc__)
    parser.add_argument("--registry", required=True, help="URL of the registry to follow")
    parser.add_argument("--model", required=True, help="its name in the registry")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in an image")
    parser.add_argument("--port", type=int, default=8080, help="0 takes any that is free")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="for models and lock")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between looks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
