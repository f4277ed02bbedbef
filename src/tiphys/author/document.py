"""A Hera object as text: the same bytes every time, and nothing that YAML could misread."""

import re
from typing import Any, Protocol

import yaml

Json = dict[str, Any]
"""A part of a manifest as Argo's JSON has it, before it is text."""


class Buildable(Protocol):
    """A Hera workflow of any kind."""

    def to_dict(self) -> Any:
        """Return it as Argo's JSON."""


class Dumper(yaml.CSafeDumper):
    """Quotes what other YAML readers take for something else; long texts stay on their lines."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value where it stands: anchors help nobody who reads a diff."""
        del data
        return True


def text(resources: list[Buildable]) -> str:
    """Return *resources* as YAML documents."""
    return "---\n".join(
        yaml.dump(
            _ordered(resource.to_dict()),
            Dumper=Dumper,
            sort_keys=False,
            width=1_000_000,
            allow_unicode=True,
        )
        for resource in resources
    )


_FIRST = (
    *("apiVersion", "kind", "name", "generateName", "namespace", "annotations"),
    *("metadata", "spec"),
    *("template", "inputs", "outputs", "container", "image", "imagePullPolicy", "command", "args"),
)
_LAST = ("templates",)
_RANK = {key: number for number, key in enumerate(_FIRST)} | dict.fromkeys(_LAST, 1000)


def _ordered(value: Any) -> Any:
    """Return *value* with names first and templates last; between them, the alphabet."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (_RANK.get(key, len(_FIRST)), key))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _string(dumper: Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, _string)
# Kubernetes reads YAML with Go: `y` and `n` are booleans there, `1e5` and `0o7` are numbers, which
# PyYAML would leave unquoted.
Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^0o[0-7]+$"),
    list("-+.0123456789"),
)
