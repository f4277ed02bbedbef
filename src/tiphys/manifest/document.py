"""Documents: which file holds what, checked and decoded, each with its tree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tiphys.errors import nearest
from tiphys.manifest import decode, tree
from tiphys.manifest.check import check
from tiphys.manifest.model import ConfigMap, Kind, Position, Resource, WorkflowSpec
from tiphys.manifest.problem import Findings

API_VERSION = "argoproj.io/v1alpha1"
_KINDS = frozenset({*(each.value for each in Kind), "ConfigMap"})


@dataclass(frozen=True, slots=True)
class Document:
    """One decoded document: a resource or a ConfigMap, and where its values stand."""

    value: Resource | ConfigMap
    tree: tree.Mapping
    first_file: bool


def read(paths: Sequence[Path], findings: Findings, *, levels: bool) -> list[Document]:
    """Return the documents of *paths* that are of a kind we know, in order."""
    documents = []
    for number, path in enumerate(paths):
        for each in _trees(path, findings):
            kind = _kind(each, findings)
            if kind and isinstance(each, tree.Mapping):
                check(each, kind, findings, levels=levels)
                value = _config_map(each) if kind == "ConfigMap" else _resource(Kind(kind), each)
                documents.append(Document(value, each, number == 0))
    return documents


def _trees(path: Path, findings: Findings) -> list[tree.Value]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.error(Position(str(path)), f"byte {error.start} is not UTF-8 text.")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        findings.error(Position(str(path)), f"{reason}.", "Check the path.")
    else:
        before = len(findings.problems)
        documents = tree.parse(str(path), text, findings)
        if not documents and len(findings.problems) == before:
            findings.error(Position(str(path)), "the file is empty.")
        return documents
    return []


def _kind(document: tree.Value, findings: Findings) -> str | None:
    """Return the document's kind; None when it is none that we read."""
    kind, version = (decode.text(decode.get(document, each)) for each in ("kind", "apiVersion"))
    expected = "v1" if kind == "ConfigMap" else API_VERSION
    if not kind:
        advice = f"Begin with `apiVersion: {API_VERSION}` and `kind: Workflow`."
        findings.error(document.at, "this is no Kubernetes object: `kind:` is missing.", advice)
    elif kind in _KINDS and version != expected:
        at = _at(document, "apiVersion")
        findings.error(at, f"a {kind} has `apiVersion: {expected}`.")
    elif kind in _KINDS:
        return kind
    elif (advice := nearest(kind, _KINDS)).startswith("Did"):
        findings.error(_at(document, "kind"), f"there is no kind {kind}.", advice)
    else:
        found = f"the {kind} is not read: it means nothing without a cluster."
        findings.warn(_at(document, "kind"), found)
    return None


def _at(document: tree.Value, key: str) -> Position:
    at = decode.get(document, key).at
    return at if at.line else document.at


def _resource(kind: Kind, document: tree.Mapping) -> Resource:
    metadata = decode.get(document, "metadata")
    path = ("spec", "workflowSpec") if kind is Kind.CRON_WORKFLOW else ("spec",)
    return Resource(
        kind=kind,
        name=decode.text(decode.get(metadata, "name")),
        generate_name=decode.text(decode.get(metadata, "generateName")) or None,
        namespace=decode.text(decode.get(metadata, "namespace")) or None,
        labels=decode.texts(decode.get(metadata, "labels")),
        annotations=decode.texts(decode.get(metadata, "annotations")),
        spec=decode.decode(WorkflowSpec, decode.get(document, *path)),
        raw=tree.plain(document),
        at=document.at,
    )


def _config_map(document: tree.Mapping) -> ConfigMap:
    metadata = decode.get(document, "metadata")
    return ConfigMap(
        name=decode.text(decode.get(metadata, "name")),
        labels=decode.texts(decode.get(metadata, "labels")),
        data=decode.texts(document.get("data")),
    )


def resources(documents: Iterable[Document]) -> list[tuple[Document, Resource]]:
    """Return the documents that are resources."""
    return [(each, each.value) for each in documents if isinstance(each.value, Resource)]
