"""JSON as Go writes it, because Argo's values are texts that users compare and parse."""

import json
import re

from tiphys.manifest.model import Json

ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
WORTH_ESCAPING = re.compile("[<>&\u2028\u2029]")
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+')


def compact(value: Json) -> str:
    r"""Return *value* as compact JSON with sorted keys.

    >>> compact({"b": 1, "a": "<"})
    '{"a":"\\u003c","b":1}'
    """
    return escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True))


def ordered(value: Json) -> str:
    """Return *value* as compact JSON with its keys as they are."""
    return escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def tightened(text: str, *, html: bool = True) -> str:
    """Return JSON *text* without blanks: numbers keep their spelling, keys their order.

    With *html*, `<`, `>` and `&` are escaped as Go does by default.

    >>> tightened('{"b": 1.0, "a": [ 1e3 ]}')
    '{"b":1.0,"a":[1e3]}'

    Raises: ValueError: *text* is not JSON.
    """
    json.loads(text)
    tight = "".join(WORD.findall(text))
    return escaped(tight) if html else tight


def escaped(text: str) -> str:
    return WORTH_ESCAPING.sub(lambda match: ESCAPED[match[0]], text)


def elements(text: str) -> list[str]:
    """Return the elements of a JSON list, or the members of an object, as compact texts.

    >>> elements('[1.0, {"a": [1, 2]}, "x,y"]')
    ['1.0', '{"a":[1,2]}', '"x,y"']
    """
    parts: list[str] = []
    depth, current = 0, ""
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^\s"\[\]{},]+', text.strip()[1:-1]):
        word = match[0]
        depth += (word in "[{") - (word in "]}")
        if word == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += word
    return [*parts, current] if current else parts
