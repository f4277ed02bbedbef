"""The objects of a pin, from a cache to a remote: what `dvc push` does, to any store we can open.

Objects are named by their content, so one that is there already is not sent again. The list of a
folder's files goes last: where it is, all of them are.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import obstore

from tiphys.ml.data.pin import Pin, object_key
from tiphys.ml.storage import locate, open_store, reach

AT_ONCE = 16


def upload(pin: Pin, cache: Path, remote: str) -> int:
    """Have every object of *pin* in *remote*, and return how many bytes were sent.

    Args:
        pin: what to send
        cache: the folder of a DVC cache that has all of it
        remote: the URL of a DVC remote

    Raises: Temporary: the remote does not answer.
    """
    store, place = open_store(remote), locate(remote)

    def send(md5: str) -> int:
        file, key = cache / object_key(md5), object_key(md5)
        with reach(place):
            with suppress(FileNotFoundError):
                if obstore.head(store, key)["size"] == file.stat().st_size:
                    return 0
            obstore.put(store, key, file)
            return file.stat().st_size

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = sum(pool.map(send, _files(pin, cache)))
    return sent + send(pin.md5)


def _files(pin: Pin, cache: Path) -> Iterator[str]:
    if pin.is_directory:
        listing = json.loads((cache / object_key(pin.md5)).read_bytes())
        yield from dict.fromkeys(entry["md5"] for entry in listing)
