"""What the address of a git repository is elsewhere: in a host's payloads, and in a browser."""

import re


def announced(url: str) -> str:
    """Return the git URL *url* as a payload has it: no user in https, ssh in its short form.

    >>> announced("https://me@git.example.com/ml/flights")
    'https://git.example.com/ml/flights.git'
    >>> announced("ssh://git@git.example.com/ml/flights.git")
    'git@git.example.com:ml/flights.git'
    """
    url = url.rstrip("/").removesuffix(".git") + ".git"
    url = re.sub(r"^(https?://)[^/@]*@", r"\1", url)
    return re.sub(r"^ssh://([^/:]+)(:\d+)?/", r"\1:", url)


def browsable(url: str) -> str:
    """Return where people read what lies at the git URL *url*; "" where it is not on the web.

    >>> browsable("https://me@git.example.com/ml/flights.git")
    'https://git.example.com/ml/flights'
    >>> browsable("git@git.example.com:ml/flights.git")
    ''
    """
    return announced(url).removesuffix(".git") if url.startswith("http") else ""
