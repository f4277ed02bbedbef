"""Which columns a model is made from: the section `features` of params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tiphys.errors import UnknownNameError, UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Which columns a model reads and which one it predicts."""

    label: str
    """A column of booleans, or of 0 and 1."""
    numbers: list[str]
    categories: list[str]
    """Columns of text or of integers that count as names."""

    @classmethod
    def read(cls, path: Path) -> "Features":
        """Return the section `features` of a YAML file.

        Raises: UserError: it is not there, or not as it should be.
        """
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(str(path), f"{error}.") from error
        if not isinstance(raw, dict) or not isinstance(raw.get("features"), dict):
            raise UserError(str(path), "there is no section `features`.")
        return cls.from_json(raw["features"])

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Features":
        """Return what a file says; an unknown or missing key is an error of the file.

        Raises: UserError.
        """
        where = "features"
        for key in raw:
            if key not in cls.__slots__:
                raise UnknownNameError(where, "key", key, cls.__slots__)
        for key in cls.__slots__:
            if key not in raw:
                raise UserError(where, f"{key} is missing.")
        return cls(**raw)

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        return [*self.numbers, *self.categories, self.label]
