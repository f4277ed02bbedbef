"""Text. Positions count bytes, as in Go; `len` counts characters (see arrays)."""

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.text import shown
from tiphys.expression.values import kind

LARGEST_REPEAT = 1_000_000


BLANKS = " \t\n\v\f\r\x85\xa0"


def trim(text: str, characters: str = BLANKS) -> str:
    return text.strip(characters) if characters else text


def trim_prefix(text: str, prefix: str = " ") -> str:
    return text.removeprefix(prefix)


def trim_suffix(text: str, suffix: str = " ") -> str:
    return text.removesuffix(suffix)


def upper(text: str) -> str:
    return text.upper()


def lower(text: str) -> str:
    return text.lower()


def split(text: str, separator: str, most: int = -1) -> list[str]:
    """At most *most* parts; all of them when it is negative, none when it is 0."""
    if most == 0:
        return []
    if separator:
        return text.split(separator, most - 1 if most > 0 else -1)
    if 0 < most < len(text):
        return [*text[: most - 1], text[most - 1 :]]
    return list(text)


def split_after(text: str, separator: str, most: int = -1) -> list[str]:
    parts = split(text, separator, most)
    return [part + separator for part in parts[:-1]] + parts[-1:]


def replace(text: str, old: str, new: str, most: int = -1) -> str:
    return text.replace(old, new, most)


def repeat(text: str, times: int) -> str:
    if not 0 <= times <= LARGEST_REPEAT:
        raise RefusedError(f"a string is repeated 0 to {LARGEST_REPEAT:,} times, not {times}.")
    return text * times


def join(items: list, glue: str = "") -> str:  # type: ignore[type-arg]  # an annotation to check by
    for item in items:
        if not isinstance(item, str):
            raise RefusedError(f"`join` takes strings, not {kind(item)}.")
    return glue.join(items)


def index_of(text: str, part: str) -> int:
    return text.encode().find(part.encode())


def last_index_of(text: str, part: str) -> int:
    return text.encode().rfind(part.encode())


def has_prefix(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


def has_suffix(text: str, suffix: str) -> bool:
    return text.endswith(suffix)


def to_string(value: object) -> str:
    return shown(value)


def type_name(value: object) -> str:
    return kind(value)


FUNCTIONS: dict[str, Function] = {
    "trim": trim,
    "trimPrefix": trim_prefix,
    "trimSuffix": trim_suffix,
    "upper": upper,
    "lower": lower,
    "split": split,
    "splitAfter": split_after,
    "replace": replace,
    "repeat": repeat,
    "join": join,
    "indexOf": index_of,
    "lastIndexOf": last_index_of,
    "hasPrefix": has_prefix,
    "hasSuffix": has_suffix,
    "string": to_string,
    "type": type_name,
}
