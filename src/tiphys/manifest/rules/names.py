"""Names: present, well formed, short enough, unique."""

import re
from collections.abc import Sequence
from typing import Protocol

from tiphys.manifest.model import Kind, Position, Resource
from tiphys.manifest.problem import Findings

_FIELD = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
_PARAMETER = re.compile(r"[-a-zA-Z0-9_]+")
_OBJECT = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
LONGEST_FIELD = 128
LONGEST_OBJECT = 63
LONGEST_CRON = 52
"""A cron workflow's runs append eleven characters to its name."""


class Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def at(self) -> Position: ...


def check_fields(what: str, named: Sequence[Named], findings: Findings) -> None:
    """Check the names of templates, steps or tasks (*what* is the noun for one of them)."""
    _check(what, named, _FIELD, findings)


def check_parameters(what: str, named: Sequence[Named], findings: Findings) -> None:
    """Check the names of parameters or artifacts: these may have `_`."""
    _check(what, named, _PARAMETER, findings)


def _check(what: str, named: Sequence[Named], form: re.Pattern[str], findings: Findings) -> None:
    first: dict[str, Position] = {}
    for each in named:
        if not each.name:
            findings.error(each.at, f"a {what} has no name.", "Add `name:`.")
        elif each.name in first:
            found = f'there are two of {what} "{each.name}".'
            findings.error(each.at, found, f"The first is in line {first[each.name].line}.")
        elif not form.fullmatch(each.name):
            letters = "letters, digits, - and _" if form is _PARAMETER else "letters, digits and -"
            findings.error(each.at, f'{what} name "{each.name}" may only have {letters}.')
        elif len(each.name) > LONGEST_FIELD:
            findings.error(each.at, _too_long(what, each.name, LONGEST_FIELD))
        first.setdefault(each.name, each.at)


def _too_long(what: str, name: str, longest: int) -> str:
    return f'{what} name "{name}" has {len(name)} characters; {longest} are allowed.'


def check_resource(resource: Resource, at: Position, findings: Findings) -> None:
    """Check `metadata.name`, which stands at *at*."""
    longest = LONGEST_CRON if resource.kind is Kind.CRON_WORKFLOW else LONGEST_OBJECT
    name = resource.name
    if not name and not (resource.generate_name and resource.kind is Kind.WORKFLOW):
        or_generate = " or `generateName:`" if resource.kind is Kind.WORKFLOW else ""
        found = f"the {resource.kind} has no name."
        findings.error(resource.at, found, f"Add `metadata.name:`{or_generate}.")
    elif name and not _OBJECT.fullmatch(name):
        found = f'the name "{name}" may only have lower-case letters, digits, - and dots.'
        findings.error(at, found)
    elif len(name) > longest:
        findings.error(at, _too_long(resource.kind, name, longest))
