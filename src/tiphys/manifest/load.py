"""Files to a manifest: what runs, and the library it may refer to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tiphys.manifest import document
from tiphys.manifest.document import API_VERSION, Document
from tiphys.manifest.model import (
    ConfigMap,
    Json,
    Kind,
    Library,
    Manifest,
    Position,
    Resource,
    TemplateRef,
    WorkflowSpec,
)
from tiphys.manifest.problem import Findings, Loaded, Problem
from tiphys.manifest.rules import manifest as rules


def load(
    paths: Sequence[Path], *, on_cluster: bool = False, parameters: Collection[str] = ()
) -> Loaded:
    """Return what *paths* hold and every problem there is; never raises for what is written.

    The first file gives what runs; further ones bring what it refers to.

    Args:
        paths: YAML files of one or more documents.
        on_cluster: the manifest goes to a cluster, so do not report what this machine ignores
            or refuses.
        parameters: names of workflow parameters that are given beside the files (`-p`).
    """
    findings = Findings()
    documents = document.read(paths, findings, levels=not on_cluster)
    main = _main(documents, paths, findings)
    files = tuple(str(each) for each in paths)
    manifest = None
    if main:
        library = _library(documents, findings)
        manifest = Manifest(main=_runnable(main), library=library, files=files)
        rules.check(manifest, documents, frozenset(parameters), findings)
    return Loaded(
        manifest=None if findings.failed else manifest,
        problems=tuple(sorted(findings.problems, key=partial(_place, files))),
    )


def _place(files: Sequence[str], problem: Problem) -> tuple[int, int, int]:
    at = problem.at
    return files.index(at.file) if at.file in files else -1, at.line, at.column


def _main(
    documents: Sequence[Document], paths: Sequence[Path], findings: Findings
) -> Resource | None:
    """Return what runs: the first Workflow of the first file, else its first other resource."""
    first = [value for each, value in document.resources(documents) if each.first_file]
    workflows = [each for each in first if each.kind is Kind.WORKFLOW]
    main = next(iter(workflows or first), None)
    if main is None and not findings.failed:
        where = Position(str(paths[0])) if paths else Position()
        found = "there is nothing to run here."
        findings.error(where, found, "Put the file with the Workflow or WorkflowTemplate first.")
    for _, each in document.resources(documents):
        if each.kind in {Kind.WORKFLOW, Kind.CRON_WORKFLOW} and each is not main and main:
            name = each.name or each.generate_name
            findings.warn(
                each.at, f"the {each.kind} {name} does not run; only {_title(main)} does."
            )
    return main


def _title(resource: Resource) -> str:
    return f"the {resource.kind} {resource.name or resource.generate_name}"


def _runnable(resource: Resource) -> Resource:
    """Return the Workflow that *resource* makes when it is submitted."""
    match resource.kind:
        case Kind.WORKFLOW:
            return resource
        case Kind.CRON_WORKFLOW:
            return _workflow_of_cron(resource)
        case Kind.WORKFLOW_TEMPLATE | Kind.CLUSTER_WORKFLOW_TEMPLATE:
            return _workflow_of_template(resource)


def _workflow_of_cron(resource: Resource) -> Resource:
    """Return what the controller submits: the spec, with `workflowMetadata` and a label."""
    spec = resource.raw["spec"]
    given = spec.get("workflowMetadata") or {}
    labels = {**(given.get("labels") or {}), "workflows.argoproj.io/cron-workflow": resource.name}
    annotations = given.get("annotations") or {}
    metadata = {
        "generateName": f"{resource.name}-",
        "namespace": resource.namespace,
        "labels": labels,
        "annotations": annotations,
    }
    return replace(
        resource,
        kind=Kind.WORKFLOW,
        name="",
        generate_name=f"{resource.name}-",
        labels=labels,
        annotations=annotations,
        raw=_raw(metadata, spec.get("workflowSpec") or {}),
    )


def _workflow_of_template(resource: Resource) -> Resource:
    """Return what `argo submit --from` makes of a template: a Workflow that refers to it."""
    cluster = resource.kind is Kind.CLUSTER_WORKFLOW_TEMPLATE
    label = "cluster-workflow-template" if cluster else "workflow-template"
    labels = {f"workflows.argoproj.io/{label}": resource.name}
    metadata = {
        "generateName": f"{resource.name}-",
        "namespace": resource.namespace,
        "labels": labels,
    }
    reference = {"name": resource.name, **({"clusterScope": True} if cluster else {})}
    ref = TemplateRef(name=resource.name, template="", cluster_scope=cluster)
    return Resource(
        kind=Kind.WORKFLOW,
        name="",
        generate_name=f"{resource.name}-",
        namespace=resource.namespace,
        labels=labels,
        spec=WorkflowSpec(workflow_template_ref=ref, at=resource.spec.at),
        raw=_raw(metadata, {"workflowTemplateRef": reference}),
        at=resource.at,
    )


def _raw(metadata: Mapping[str, Json], spec: Json) -> Json:
    written = {key: value for key, value in metadata.items() if value}
    return {"apiVersion": API_VERSION, "kind": "Workflow", "metadata": written, "spec": spec}


def _library(documents: Sequence[Document], findings: Findings) -> Library:
    shelves: dict[str, dict[str, Resource]] = {each.value: {} for each in Kind}
    config_maps: dict[str, ConfigMap] = {}
    for each in documents:
        if isinstance(each.value, ConfigMap):
            config_maps[each.value.name] = each.value
            continue
        shelf = shelves[each.value.kind]
        first = shelf.setdefault(each.value.name, each.value)
        if first is not each.value and first.name:
            found = f"there are two of {_title(each.value)}."
            findings.error(each.value.at, found, f"The other is at {first.at}.")
    return Library(
        templates=shelves[Kind.WORKFLOW_TEMPLATE],
        cluster_templates=shelves[Kind.CLUSTER_WORKFLOW_TEMPLATE],
        config_maps=config_maps,
    )
