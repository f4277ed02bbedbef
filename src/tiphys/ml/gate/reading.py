"""Reads a YAML mapping into types, collecting every problem with its file, line and column."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tiphys.errors import UserError, nearest


class SpecError(UserError):
    """A gate spec is wrong; the text has every problem, one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("", "\n".join(problems))


@dataclass(slots=True)
class Section:
    """A mapping of the file: its fields are taken one by one, `close` reports the rest."""

    path: Path
    node: yaml.Node
    title: str
    problems: list[str]
    fields: dict[str, tuple[yaml.Node, yaml.Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.node, yaml.MappingNode):
            self.complain(self.node, f"{self.title} is no mapping.")
            return
        for key, value in self.node.value:
            if key.value in self.fields:
                self.complain(key, f'"{key.value}" is given twice.')
            self.fields[key.value] = (key, value)

    def complain(self, at: yaml.Node, found: str) -> None:
        """Note a problem at the position of *at*."""
        line, column = at.start_mark.line + 1, at.start_mark.column + 1
        self.problems.append(f"{self.path}:{line}:{column}: {found}")

    def take(self, name: str) -> yaml.Node | None:
        """Return the value of a field and count the field as known."""
        _, value = self.fields.pop(name, (None, None))
        return value

    def text(self, name: str) -> str:
        """Return a field that must be there and be a word."""
        value = self.take(name)
        if value is None:
            self.complain(self.node, f'{self.title} has no "{name}".')
        elif not isinstance(value, yaml.ScalarNode) or not value.value:
            self.complain(value, f'"{name}" must be a word.')
        else:
            return str(value.value)
        return ""

    def choice(self, name: str, known: Collection[str]) -> str:
        """Return a field that must be one of *known*, which is "" where it is not."""
        value = self.fields.get(name, (self.node, self.node))[1]
        word = self.text(name)
        if word and word not in known:
            self.complain(value, f'{name} "{word}" is not known. {nearest(word, known)}')
            return ""
        return word

    def number(self, name: str, default: float | None = None) -> float | None:
        """Return a field that must be a number of zero or more."""
        value = self.take(name)
        if value is None:
            return default
        try:
            number = float(value.value)
        except (TypeError, ValueError):
            self.complain(value, f'"{name}" must be a number, not "{value.value}".')
            return default
        if not 0 <= number < float("inf"):
            self.complain(value, f'"{name}" must be zero or more, not {value.value}.')
        return number

    def count(self, name: str, default: int) -> int:
        """Return a field that must be a whole number of one or more."""
        at = self.fields.get(name, (self.node, self.node))[1]
        number = self.number(name, default) or 0
        if number < 1 or number != int(number):
            self.complain(at, f'"{name}" must be a whole number of one or more.')
        return int(number)

    def section(self, name: str) -> "Section | None":
        """Return a field that is a mapping itself."""
        value = self.take(name)
        return None if value is None else Section(self.path, value, f'"{name}"', self.problems)

    def sections(self, name: str) -> Iterator["Section"]:
        """Yield the mappings that a field lists."""
        value = self.take(name)
        if value is None:
            return
        if not isinstance(value, yaml.SequenceNode):
            self.complain(value, f'"{name}" must be a list.')
            return
        for number, node in enumerate(value.value, 1):
            yield Section(self.path, node, f'entry {number} of "{name}"', self.problems)

    def close(self, known: Collection[str], refused: Collection[str] = ()) -> None:
        """Report every field that nobody took; *refused* are real ones of a later release."""
        for name, (key, _) in self.fields.items():
            if name in refused:
                self.complain(key, f'"{name}" is not supported yet; remove it.')
            else:
                self.complain(key, f'{self.title} has no field "{name}". {nearest(name, known)}')


def document(path: Path) -> Section:
    """Return the one mapping that is the file. Raises: SpecError: it is no YAML, or not there."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise SpecError([f"{path}: there is no such file."]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError([f"{path}: is no YAML: {error}"]) from error
    if node is None:
        raise SpecError([f"{path}: is empty."])
    return Section(path, node, "the spec", [])
