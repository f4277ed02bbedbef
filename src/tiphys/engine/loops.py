"""`withItems`, `withParam` and `withSequence`: one call becomes many (rules 6 to 10)."""

import json
import re
from collections.abc import Sequence as Items
from dataclasses import replace

from tiphys.engine import calls, jsontext, rewrite
from tiphys.engine.faults import TemplateError
from tiphys.engine.words import Words
from tiphys.manifest.model import Call, Json, Sequence

NO_LIST = "withParam value could not be parsed as a JSON list:"
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
FORMAT = re.compile(r"%(?P<flags>[-+ 0#]*)(?P<width>\d*)(?P<verb>[dxXobcqv%])")


def expanded(call: Call, words: Words) -> list[Call]:
    """Return the calls that a looping call stands for, named `t(i:item)`.

    Raises: TemplateError: the list cannot be read, or a tag in the body is unknown.
    """
    items = listed(call)
    body = replace(call, with_items=None, with_param=None, with_sequence=None)
    refused = _surely_refused(call)
    return [_one(body, index, item, words, lenient=refused) for index, item in enumerate(items)]


def _surely_refused(call: Call) -> bool:
    """Whether `when` is false whatever the item: then its body may hold anything."""
    try:
        return not calls.holds(call.when)
    except TemplateError:
        return False


def listed(call: Call) -> Items[str]:
    """Return the items as JSON texts; one that cannot be read is none if `when` is false."""
    try:
        if call.with_items:
            return [item.json for item in call.with_items]
        if call.with_param:
            return _from_parameter(call.with_param)
        return sequence(call.with_sequence or Sequence())
    except TemplateError:
        if _surely_refused(call):
            return []
        raise


def _from_parameter(text: str) -> Items[str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise TemplateError(NO_LIST, f"{text.strip()}: {error}") from error
    if not isinstance(found, list):
        raise TemplateError(NO_LIST, text.strip())
    return jsontext.elements(text)


def sequence(spec: Sequence) -> list[str]:
    """Return the numbers of a sequence, as JSON strings (rule 9).

    >>> sequence(Sequence(start="3", end="1", format="n%02d"))
    ['"n03"', '"n02"', '"n01"']

    Raises: TemplateError: a bound is no whole number, or there is no bound.
    """
    start = _whole(spec.start or "0")
    if spec.end is not None:
        end = _whole(spec.end)
    elif spec.count is not None:
        count = _whole(spec.count)
        if count == 0:
            return []
        end = start + count - 1
    else:
        raise TemplateError("withSequence", "has neither end nor count")
    step = 1 if start <= end else -1
    return [json.dumps(printed(spec.format or "%d", n)) for n in range(start, end + step, step)]


def _whole(text: str) -> int:
    if not re.fullmatch(r"[-+]?\d+", text):
        raise TemplateError("withSequence", f'needs whole numbers, not "{text}"')
    return int(text)


def printed(layout: str, number: int) -> str:
    """Return *number* by a Go printf format.

    >>> printed("%02X", 200)
    'C8'
    """

    def verb(match: re.Match[str]) -> str:
        if match["verb"] == "%":
            return "%"
        if match["verb"] == "c":
            return chr(number)
        if match["verb"] == "b":
            return format(number, f"{'0' if '0' in match['flags'] else ''}{match['width']}b")
        kind = {"v": "d", "q": "d"}.get(match["verb"], match["verb"])
        return f"%{match['flags']}{match['width']}{kind}" % number

    return FORMAT.sub(verb, layout)


def _one(body: Call, index: int, item: str, words: Words, *, lenient: bool) -> Call:
    """Return *body* with one item filled in."""
    label, names = described(item)
    filler = words.known().more(names).lenient if lenient else words.more(names).strict
    cleaned = label.replace("(", "").replace(")", "")
    filled = rewrite.rewritten(body, filler)
    return replace(filled, name=f"{body.name}({index}:{cleaned})", template=body.template)


def described(item: str) -> tuple[str, dict[str, str]]:
    """Return how an item is called in a node's name, and what `{{item…}}` stands for.

    >>> described('{"b": 2, "a": "x"}')
    ('a:x,b:2', {'item.b': '2', 'item.a': 'x', 'item': '{"a":"x","b":2}'})
    >>> described('"x y"')
    ('x y', {'item': 'x y'})
    """
    if NUMBER.fullmatch(item):
        return item, {"item": item}
    value = json.loads(item)
    if isinstance(value, str):
        return raw(item), {"item": value}
    if isinstance(value, bool):
        return item, {"item": item}
    if isinstance(value, dict):
        return _map(item, value)
    inside = [] if value is None else jsontext.elements(item)
    text = "null" if value is None else jsontext.tightened(item)
    return "[" + " ".join(raw(part) for part in inside) + "]", {"item": text}


def _map(item: str, value: dict[str, Json]) -> tuple[str, dict[str, str]]:
    parts = {key: raw(text) for key, text in members(item).items()}
    label = ",".join(sorted(f"{key}:{text}" for key, text in parts.items()))
    names = {f"item.{key}": text for key, text in parts.items()}
    ordered = {key: members(item)[key] for key in sorted(value)}
    whole = (
        "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{v}" for k, v in ordered.items()) + "}"
    )
    return label, {**names, "item": jsontext.escaped(whole)}


def members(item: str) -> dict[str, str]:
    """Return the members of a JSON object, each as JSON text with its own spelling."""
    found = {}
    for part in jsontext.elements(item):
        key, end = json.JSONDecoder().raw_decode(part)
        found[str(key)] = part[end + 1 :]
    return found


def raw(text: str) -> str:
    """Return JSON text without its outer quotes, not decoded (rule 7)."""
    tight = jsontext.tightened(text, html=False)
    return tight[1:-1] if tight.startswith('"') else tight
