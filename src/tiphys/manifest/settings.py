"""A YAML file of settings, read key by key: every problem is noted with its line, none raised."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tiphys.errors import UserError, nearest
from tiphys.manifest.model import Json, Position

Path_ = tuple[str | int, ...]


class SettingsError(UserError):
    """A settings file with problems: all of them, one a line, each with file and line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("", "\n".join(problems))


class Source:
    """One file: its decoded value, where each part of it stands, and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.positions: dict[Path_, Position] = {}
        self.value: Json = self._decode()

    @property
    def root(self) -> "Section":
        """The mapping that the file is."""
        return Section(self, (), self.value)

    def note(self, path: Path_, found: str, advice: str) -> None:
        """Note a problem at *path*, or at what holds it where that is not in the file."""
        while path not in self.positions and path:
            path = path[:-1]
        self.problems.append(f"{self.positions.get(path, self.path)}: {found} {advice}".strip())

    def _decode(self) -> Json:
        try:
            loader = yaml.CSafeLoader(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            self.problems.append(f"{self.path}: cannot be read: {error.strerror}.")
            return {}
        try:
            node = loader.get_single_node()
            if node is None:
                return {}
            self._locate((), node)
            return loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.problems.append(f"{self.path}:{line}: is no YAML: {error.problem}.")
            return {}
        finally:
            loader.dispose()

    def _at(self, node: yaml.Node) -> Position:
        return Position(str(self.path), node.start_mark.line + 1, node.start_mark.column + 1)

    def _locate(self, path: Path_, node: yaml.Node) -> None:
        """Note where each part stands: a value of a mapping where its key does."""
        self.positions.setdefault(path, self._at(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                where = (*path, key.value)
                first = self.positions.get(where)
                self.positions[where] = self._at(key)
                if first is None:
                    self._locate(where, value)
                else:
                    said = f'"{key.value}" is said twice.'
                    self.note(where, said, f"First on line {first.line}.")
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._locate((*path, number), item)


class Section:
    """A mapping in a file; each key that is asked for counts as known."""

    def __init__(self, source: Source, path: Path_, value: Json) -> None:
        self._source, self._path = source, path
        self._known: set[str] = set()
        self._value: Mapping[str, Json] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            self._expected("a mapping", value)

    def __contains__(self, key: str) -> bool:
        self._known.add(key)
        return key in self._value

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as written."""
        return tuple(self._value)

    def text(self, key: str, default: str | None = None) -> str:
        """Return the text at *key*; without a *default* it must be there."""
        return str(self._typed(key, str, "text", default) or "")

    def number(self, key: str) -> int | None:
        """Return the whole number at *key*, or None."""
        found = self._typed(key, int, "a whole number", 0)
        return int(found) if key in self._value and found is not None else None

    def free(self, key: str, default: Json = None) -> Json:
        """Return whatever is at *key*: its shape is somebody else's affair."""
        self._known.add(key)
        return self._value.get(key, default)

    def mapping(self, key: str) -> dict[str, Json]:
        """Return the mapping at *key*, as written; empty where there is none."""
        return dict(self._typed(key, dict, "a mapping", {}) or {})

    def items(self, key: str) -> tuple[Json, ...]:
        """Return the list at *key*, as written; empty where there is none."""
        return tuple(self._typed(key, list, "a list", []) or [])

    def quantities(self, key: str) -> dict[str, str]:
        """Return name → quantity, as text: `1`, `"500m"` and `2Gi` are all quantities."""
        found = {}
        for name, value in self.mapping(key).items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                self._expected("a quantity such as 2 or 4Gi", value, key, name)
            else:
                found[name] = str(value)
        return found

    def section(self, key: str) -> "Section":
        """Return the mapping at *key*, to be read key by key."""
        self._known.add(key)
        return Section(self._source, (*self._path, key), self._value.get(key, {}))

    def rest(self) -> dict[str, Json]:
        """Return what nobody asked for."""
        return {key: value for key, value in self._value.items() if key not in self._known}

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Return the text at *key*, one of *choices*; the first of them is the default."""
        found = self.text(key, choices[0])
        if found not in choices:
            self.wrong(key, f'{key} is "{found}", expected {" or ".join(choices)}.')
        return found

    def close(self, free: frozenset[str] = frozenset()) -> None:
        """Note every key that nobody asked for, but those in *free*."""
        for key in self.rest():
            if key not in free:
                self.wrong(key, f'unknown key "{key}".', nearest(key, self._known | free))

    def wrong(self, key: str, found: str, advice: str = "") -> None:
        """Note a problem with the value at *key*."""
        self._source.note((*self._path, key), found, advice)

    def _typed(self, key: str, type_: type, words: str, default: Any) -> Any:
        self._known.add(key)
        if key not in self._value:
            if default is None:
                self.wrong(key, f'there is no "{".".join(map(str, (*self._path, key)))}".')
            return default
        value = self._value[key]
        if type(value) is not type_:
            self._expected(words, value, key)
            return default
        return value

    def _expected(self, words: str, value: Json, *path: str) -> None:
        where = (*self._path, *path)
        name = ".".join(map(str, where)) or self._source.path.name
        self._source.note(where, f"{name} is {value!r}, expected {words}.", "")
