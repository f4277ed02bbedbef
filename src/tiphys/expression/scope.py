"""The names a text may refer to, seen by simple tags as dotted words and by expressions as maps."""

from collections import ChainMap
from collections.abc import Mapping

from tiphys.expression.environment import Environment
from tiphys.expression.values import Value


class Scope:
    """Dotted names and their values, None for an output that will never come. Immutable.

    >>> scope = Scope({"steps.a-b.status": "Succeeded"})
    >>> scope.extended({"item": "1"}).tree()
    {'steps': {'a-b': {'status': 'Succeeded'}}, 'item': '1'}
    """

    __slots__ = ("_above", "_added", "_tree", "environment", "names")

    def __init__(
        self, names: Mapping[str, str | None], environment: Environment | None = None
    ) -> None:
        self.names: Mapping[str, str | None] = names
        self.environment = environment
        """The clock and dice of `{{= }}` tags; None: it is 1970 and the seed is 0."""
        self._above: Scope | None = None
        self._added = names
        self._tree: dict[str, Value] | None = None

    def extended(self, names: Mapping[str, str | None]) -> "Scope":
        """Return this scope with more names; a new one hides an old one."""
        layers = self.names.maps if isinstance(self.names, ChainMap) else [dict(self.names)]
        scope = Scope(ChainMap(dict(names), *layers), self.environment)
        scope._above, scope._added = self, names  # one of us
        return scope

    def tree(self) -> dict[str, Value]:
        """Return the names as nested maps. A dotted name hides the name it begins with."""
        if self._tree is None:
            self._tree = dict(self._above.tree()) if self._above else {}
            copied: set[int] = set()
            for name, value in self._added.items():
                _put(self._tree, name, value, copied)
        return self._tree


def _put(tree: dict[str, Value], name: str, value: str | None, copied: set[int]) -> None:
    """Set *name* in *tree*, whose maps are shared with the scope above unless *copied* by us."""
    *parents, leaf = name.split(".")
    owner = tree
    for parent in parents:
        child = owner.get(parent)
        if not isinstance(child, dict):
            child = {}
        elif id(child) not in copied:
            child = dict(child)
        copied.add(id(child))
        owner[parent] = child
        owner = child
    if not isinstance(owner.get(leaf), dict):
        owner[leaf] = value
