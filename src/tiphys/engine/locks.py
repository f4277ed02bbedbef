"""Mutexes and semaphores of templates, among the calls of one run (rule 54).

A call takes all its locks or none, and waits without a node. It keeps them until its node has
ended: a Retry node from its first attempt to its last.
"""

from tiphys.engine import tree, variables
from tiphys.engine.faults import TemplateError
from tiphys.engine.state import Enter, State
from tiphys.manifest.model import Semaphore, Synchronization


def taken(state: State, item: Enter, wanted: Synchronization) -> bool:
    """Take the locks of *item*, or have it called again once some are given back.

    Raises: TemplateError: a semaphore's size is not to be found.
    """
    limits = {f"Mutex/{one.namespace}/{one.name}": 1 for one in wanted.mutexes}
    limits |= dict(_semaphore(state, one) for one in wanted.semaphores)
    held = [lock for locks in state.locks.values() for lock in locks]
    if any(held.count(lock) >= limit for lock, limit in limits.items()):
        state.lock_waiters.append(item)
        return False
    state.locks[tree.identify(state, item.site.name)] = tuple(limits)
    return True


def _semaphore(state: State, one: Semaphore) -> tuple[str, int]:
    ref = one.config_map_key_ref
    if ref is None:
        raise TemplateError("synchronization", "has a semaphore without `configMapKeyRef`")
    words = variables.words(state)
    name, key = words.lenient(ref.name), words.lenient(ref.key)
    found = state.manifest.library.config_maps.get(name)
    size = found.data.get(key, "") if found else ""
    if not size.strip().isdigit():
        where = f"semaphore {name}/{key}"
        raise TemplateError(where, "has no size. Give the file of the ConfigMap, too.")
    return f"ConfigMap/{one.namespace}/{name}/{key}", int(size)
