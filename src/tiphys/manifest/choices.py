"""A parameter that lists its values: no other is taken, neither here nor on a cluster."""

from tiphys.errors import UserError
from tiphys.manifest.model import Parameter


class NotAChoiceError(UserError):
    """A value that the parameter's `enum` does not list."""

    def __init__(self, declared: Parameter, value: str) -> None:
        found = f'parameter "{declared.name}" is "{value}".'
        super().__init__(str(declared.at), found, f"It may be one of: {', '.join(declared.enum)}.")


def check(declared: Parameter, value: str) -> None:
    """Raise NotAChoiceError where *value* cannot be given to *declared*."""
    if declared.enum and value not in declared.enum:
        raise NotAChoiceError(declared, value)
