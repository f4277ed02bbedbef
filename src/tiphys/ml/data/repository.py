"""A clone that commits and pushes, without a git program: images have none.

Pushing is compare-and-set: it succeeds only if the branch is still where it was cloned. Credentials
for a URL over HTTP come from GIT_USERNAME and GIT_PASSWORD.
"""

import getpass
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import urllib3
from dulwich.client import GitClient, HTTPUnauthorized, get_transport_and_path
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from tiphys.errors import UnknownNameError, UserError
from tiphys.step import Temporary

BOT = "tiphys[bot] <tiphys-bot@localhost>"
"""The author of what a run commits, so that a push of it starts no run."""

SKIP = "[tiphys skip]"
"""Stands in the message of such a commit, for the same reason."""


class MovedError(Exception):
    """Somebody else pushed to the branch since it was cloned: clone again."""


class RepositoryError(UserError):
    """A repository that is not there, or that lets us not in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A branch of a repository, checked out in a folder."""

    url: str
    branch: str
    folder: Path
    head: str
    """The commit that the branch was at."""

    def messages(self, limit: int) -> Iterator[tuple[str, str]]:
        """Yield (commit, message) of the newest *limit* commits, the newest first."""
        with Repo(str(self.folder)) as repo:
            walk = repo.get_walker(include=[ObjectID(self.head.encode())])
            for entry in islice(walk, limit):
                commit = entry.commit
                yield commit.id.decode(), commit.message.decode(errors="replace")

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit *paths* as the bot, and return the commit."""
        with Repo(str(self.folder)) as repo:
            tree = repo.get_worktree()
            tree.stage(paths)
            made = tree.commit(message.encode(), author=BOT.encode(), committer=BOT.encode())
            return made.decode()

    def push(self, commit: str) -> None:
        """Set the branch to *commit*, a descendant of `head`.

        Raises:
            MovedError: the branch is not at `head` any more; nothing was changed.
            Temporary, RepositoryError: it cannot be reached.
        """
        ref = Ref(f"refs/heads/{self.branch}".encode())

        def update(refs: Mapping[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            if refs.get(ref) != self.head.encode():
                raise MovedError
            return {ref: ObjectID(commit.encode())}

        with Repo(str(self.folder)) as repo, _reached(self.url):
            client, path = _client(self.url)
            pack: Any = repo.generate_pack_data  # its type differs in `progress` alone
            done = client.send_pack(path.encode(), update, pack)
        if refusal := (done.ref_status or {}).get(ref):
            _explain(self.url, self.branch, refusal)


def clone(url: str, branch: str, folder: Path) -> Clone:
    """Check out *branch* of the repository *url* in *folder*, which is made.

    Raises:
        Temporary: the repository does not answer.
        UserError: there is no such repository or branch, or we are not let in.
    """
    ref = Ref(f"refs/heads/{branch}".encode())
    _have_a_name()
    with _reached(url):
        client, path = _client(url)
        known = client.get_refs(path.encode()).refs
        if ref not in known:
            prefix = "refs/heads/"
            names = [name.decode().removeprefix(prefix) for name in known]
            raise UnknownNameError(shown(url), "branch", branch, names)
        with client.clone(path, str(folder), branch=branch, origin_url=url) as repo:
            head = repo.head().decode()
    return Clone(url=url, branch=branch, folder=folder, head=head)


def shown(url: str) -> str:
    """Return *url* without the credentials in it, fit for a log.

    >>> shown("https://ada:secret@git.example/flights.git")
    'https://git.example/flights.git'
    """
    return re.sub(r"://[^/@]*@", "://", url)


def _have_a_name() -> None:
    """Call a user whom the system does not know by ours.

    A pod may run as any UID, and dulwich asks who that is even where it is told who commits.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = BOT.partition("[")[0]


def _client(url: str) -> tuple[GitClient, str]:
    known = os.environ if url.startswith(("http://", "https://")) else {}
    return get_transport_and_path(
        url, username=known.get("GIT_USERNAME"), password=known.get("GIT_PASSWORD"), quiet=True
    )


def _explain(url: str, branch: str, refusal: str) -> None:
    """Say why the other side did not take a push; that it moved is found there, too."""
    if any(word in refusal for word in ("fast", "unable to set", "lock", "fetch first")):
        raise MovedError
    advice = "Is the branch protected? The account of GIT_USERNAME must be let in."
    raise RepositoryError(shown(url), f'refuses the push to "{branch}": {refusal}.', advice)


@contextmanager
def _reached(url: str) -> Iterator[None]:
    try:
        yield
    except HTTPUnauthorized as error:
        advice = "Are GIT_USERNAME and GIT_PASSWORD right?"
        raise RepositoryError(shown(url), "access is refused.", advice) from error
    except NotGitRepository as error:
        raise RepositoryError(shown(url), "there is no git repository.") from error
    except (GitProtocolError, OSError, urllib3.exceptions.HTTPError) as error:
        problem = f"{shown(url)} does not answer: {shown(str(error))}"
        raise Temporary(problem) from error
