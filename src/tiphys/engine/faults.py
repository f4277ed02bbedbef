"""What ends a node as Error before or instead of running. The text is the node's message."""

from tiphys.errors import TiphysError


class TemplateError(TiphysError):
    """A template, argument or output that cannot be resolved: the node is an Error (rule 25)."""

    def __init__(self, subject: str, found: str = "") -> None:
        """Say of *subject* what was *found*; both make one sentence."""
        super().__init__(" ".join(filter(None, [subject, found])))


class DeadlockError(TemplateError):
    """A reference to an output that will never be there (rule 28): Argo would wait for ever."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{{{{{name}}}}}",
            "names an output that will never be there, "
            "and Argo would wait for it for ever. "
            "Declare it, give its producer a valueFrom.default, or guard this call with `when`.",
        )
