"""What the rules know while they look at the templates of one resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tiphys.errors import nearest
from tiphys.manifest import tree
from tiphys.manifest.model import Call, Json, Library, Position, Template, TemplateRef
from tiphys.manifest.problem import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """What `workflow.*` can give; None stands for "not to be known here"."""

    parameters: frozenset[str] | None
    outputs: Mapping[str, frozenset[str] | None]
    """Global names by `parameters` and `artifacts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings of a resource's templates."""

    findings: Findings
    library: Library
    local: Mapping[str, Template]
    """The templates that a plain name can mean."""
    trees: Mapping[Position, tree.Mapping]
    """Every mapping of the manifest by where it stands."""
    globals: Globals
    defaults: Mapping[str, Json]
    """The `templateDefaults` as written."""
    folder: Path
    """Where the first file lies: the file that is missing may lie there too."""

    def at(self, where: Position, *fields: str) -> Position:
        """Return where the value of the first field that is written stands, else *where*."""
        mapping = self.trees.get(where, tree.Mapping())
        written = (mapping.get(each) for each in fields if each in mapping.entries)
        return next((each.at for each in written), where)

    def template_of(self, call: Call) -> Template | None:
        """Return what *call* calls; None when it is unknown, or known only when it runs."""
        if call.inline:
            return call.inline
        if call.template_ref:
            return self.referred(call.template_ref)
        return self.local.get(call.template or "")

    def referred(self, reference: TemplateRef) -> Template | None:
        """Return the template of another resource that *reference* names."""
        library = self.library
        shelf = library.cluster_templates if reference.cluster_scope else library.templates
        resource = shelf.get(reference.name)
        templates = resource.spec.templates if resource else ()
        return next((each for each in templates if each.name == reference.template), None)


def title(template: Template) -> str:
    """Return what messages call *template*."""
    return f'template "{template.name}"' if template.name else "the inline template"


def close(name: str, known: Mapping[str, object] | frozenset[str]) -> str:
    """Return advice only if some known name is near to *name*."""
    advice = nearest(name, known)
    return advice if advice.startswith("Did") else ""


def is_dynamic(text: str) -> bool:
    """Whether *text* holds a tag and so is known only when it runs."""
    return "{{" in text
