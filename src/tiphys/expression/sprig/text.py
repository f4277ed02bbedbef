"""Text. The subject comes last: made for template pipes. Positions count bytes."""

import json
import re

from tiphys.expression import jsontext
from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.library import strings
from tiphys.expression.text import shown
from tiphys.expression.values import Value


def texts_of(value: Value) -> list[str]:
    """Return the items of a list as text, nil left out; what is no list is its only item."""
    items = value if isinstance(value, list) else [value]
    return [shown(item) for item in items if item is not None]


def quoted(*values: object) -> str:
    return " ".join(
        json.dumps(text, ensure_ascii=False).replace("\\/", "/") for text in texts_of([*values])
    )


def single_quoted(*values: object) -> str:
    return " ".join(f"'{text}'" for text in texts_of([*values]))


def cat(*values: object) -> str:
    return " ".join(texts_of([*values]))


def trunc(size: int, text: str) -> str:
    data = text.encode()
    if size >= 0:
        return data[:size].decode(errors="replace")
    return data[size:].decode(errors="replace")


def substr(start: int, end: int, text: str) -> str:
    data = text.encode()
    if start < 0:
        start = 0
    elif not 0 <= end <= len(data):
        end = len(data)
    if not start <= end <= len(data):
        raise RefusedError(f"bytes {start} to {end} of {len(data)}.")
    return data[start:end].decode(errors="replace")


def indent(spaces: int, text: str) -> str:
    if spaces < 0:
        raise RefusedError(f"an indent of {spaces} blanks.")
    return " " * spaces + text.replace("\n", "\n" + " " * spaces)


def nindent(spaces: int, text: str) -> str:
    return "\n" + indent(spaces, text)


def nospace(text: str) -> str:
    return "".join(text.split())


def title(text: str) -> str:
    return re.sub(r"(?<!\w)\w", lambda match: match.group().upper(), text)


def untitle(text: str) -> str:
    return re.sub(r"(?<!\S)\S", lambda match: match.group().lower(), text)


def initials(text: str) -> str:
    return "".join(word[0] for word in text.split())


def swapcase(text: str) -> str:
    return text.swapcase()


def abbrev(width: int, text: str) -> str:
    return text if width < 4 or len(text) <= width else text[: width - 3] + "..."


def replace(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def repeat(times: int, text: str) -> str:
    return strings.repeat(text, times)


def trim_all(characters: str, text: str) -> str:
    return text.strip(characters) if characters else text


def trim_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def trim_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


def contains(part: str, text: str) -> bool:
    return part in text


def has_prefix(prefix: str, text: str) -> bool:
    return text.startswith(prefix)


def has_suffix(suffix: str, text: str) -> bool:
    return text.endswith(suffix)


def trim(text: str) -> str:
    return strings.trim(text)


def join(separator: str, value: object) -> str:
    return separator.join(texts_of(value))


def split_list(separator: str, text: str) -> list[str]:
    return strings.split(text, separator)


def split(separator: str, text: str) -> dict[str, Value]:
    return {f"_{index}": part for index, part in enumerate(strings.split(text, separator))}


def splitn(separator: str, most: int, text: str) -> dict[str, Value]:
    return {f"_{index}": part for index, part in enumerate(strings.split(text, separator, most))}


def plural(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def to_strings(value: object) -> list[str]:
    return texts_of(value)


def sort_alpha(value: object) -> list[str]:
    return sorted(texts_of(value))


def to_json(value: object) -> str:
    return jsontext.written(value)


def to_pretty_json(value: object) -> str:
    return jsontext.written(value, indent="  ")


def to_raw_json(value: object) -> str:
    return jsontext.written(value, html=False)


def from_json(text: str) -> Value:
    """Nil for what is no JSON."""
    try:
        return jsontext.decoded(text)
    except RefusedError:
        return None


FUNCTIONS: dict[str, Function] = {
    "abbrev": abbrev,
    "cat": cat,
    "contains": contains,
    "fromJson": from_json,
    "hasPrefix": has_prefix,
    "hasSuffix": has_suffix,
    "indent": indent,
    "initials": initials,
    "join": join,
    "lower": strings.lower,
    "mustFromJson": jsontext.decoded,
    "mustToJson": to_json,
    "mustToPrettyJson": to_pretty_json,
    "mustToRawJson": to_raw_json,
    "nindent": nindent,
    "nospace": nospace,
    "plural": plural,
    "quote": quoted,
    "repeat": repeat,
    "replace": replace,
    "sortAlpha": sort_alpha,
    "split": split,
    "splitList": split_list,
    "splitn": splitn,
    "squote": single_quoted,
    "substr": substr,
    "swapcase": swapcase,
    "title": title,
    "toJson": to_json,
    "toPrettyJson": to_pretty_json,
    "toRawJson": to_raw_json,
    "toString": strings.to_string,
    "toStrings": to_strings,
    "trim": trim,
    "trimAll": trim_all,
    "trimPrefix": trim_prefix,
    "trimSuffix": trim_suffix,
    "trimall": trim_all,
    "trunc": trunc,
    "untitle": untitle,
    "upper": strings.upper,
}
