"""The names a text may refer to, seen by simple tags as dotted words and by expressions as maps."""

from collections import ChainMap
from collections.abc import Mapping

from tiphys.expression.environment import Environment
from tiphys.expression.values import Value


class Scope:
    """Dotted names and their values, None for an output that will never come. Immutable.

    >>> scope = Scope({"steps.a-b.status": "Succeeded"})
    >>> scope.tree()
    {'steps': {'a-b': {'status': 'Succeeded'}}}
    """

    __slots__ = ("_tree", "environment", "names")

    def __init__(
        self, names: Mapping[str, str | None], environment: Environment | None = None
    ) -> None:
        self.names = names
        self.environment = environment
        """The clock and dice of `{{= }}` tags; None: they may not ask for them."""
        self._tree: dict[str, Value] | None = None

    def extended(self, names: Mapping[str, str | None]) -> "Scope":
        """Return this scope with more names; a new one hides an old one."""
        layers = self.names.maps if isinstance(self.names, ChainMap) else [dict(self.names)]
        return Scope(ChainMap(dict(names), *layers), self.environment)

    def tree(self) -> dict[str, Value]:
        """Return the names as nested maps. A dotted name hides the name it begins with."""
        if self._tree is None:
            self._tree = _nested(self.names)
        return self._tree


def _nested(names: Mapping[str, str | None]) -> dict[str, Value]:
    tree: dict[str, Value] = {}
    for name in sorted(names, key=lambda name: name.count(".")):
        *parents, leaf = name.split(".")
        owner = tree
        for parent in parents:
            child = owner.get(parent)
            if not isinstance(child, dict):
                child = owner[parent] = {}
            owner = child
        owner[leaf] = names[name]
    return tree
