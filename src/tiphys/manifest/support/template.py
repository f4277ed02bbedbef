"""Templates, and what calls them."""

from tiphys.manifest.support.row import CLUSTER, LATER, Rows, ignored, refused, runs
from tiphys.manifest.support.workflow import WORKFLOW_SPEC

_SAME_AS_SPEC = (
    "affinity",
    "automountServiceAccountToken",
    "executor",
    "hostAliases",
    "metrics",
    "nodeSelector",
    "podSpecPatch",
    "retryStrategy",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
    "volumes",
)

TEMPLATE: Rows = {
    **{name: WORKFLOW_SPEC[name] for name in _SAME_AS_SPEC},
    "activeDeadlineSeconds": runs("whole-or-text"),
    "annotations": runs("{text}"),
    "archiveLocation": ignored("ArtifactLocation", "artifacts are kept in the run's folder"),
    "container": runs("Container"),
    "containerSet": refused("`containerSet:` needs a pod of several containers. " + LATER),
    "daemon": refused("`daemon:` needs a network of pods. " + LATER, "flag"),
    "dag": runs("DAGTemplate"),
    "data": refused("`data:` needs Argo's own artifact listing. " + LATER),
    "failFast": runs("flag"),
    "http": refused("`http:` needs Argo's agent. Use a container with curl. " + LATER),
    "initContainers": refused("`initContainers:` need a pod. " + LATER),
    "inputs": runs("Inputs"),
    "memoize": refused("`memoize:` needs a cache in a ConfigMap. " + LATER),
    "metadata": runs("Metadata"),
    "name": runs("text"),
    "outputs": runs("Outputs"),
    "parallelism": runs("whole"),
    "plugin": refused("`plugin:` needs a controller with that plugin. " + CLUSTER),
    "priorityClassName": ignored("text", "steps are processes of this machine, not pods"),
    "resource": refused("`resource:` needs an API server. " + CLUSTER),
    "script": runs("ScriptTemplate"),
    "sidecars": refused("`sidecars:` need a pod of several containers. " + LATER),
    "steps": runs("[[WorkflowStep]]"),
    "synchronization": runs("Synchronization"),
    "suspend": runs("SuspendTemplate"),
    "timeout": runs("text"),
}

DAG_TEMPLATE: Rows = {
    "tasks": runs("[DAGTask]"),
    "target": runs("text"),
    "failFast": runs("flag"),
}

WORKFLOW_STEP: Rows = {
    "arguments": runs("Arguments"),
    "continueOn": runs("ContinueOn"),
    "hooks": runs("Hooks"),
    "inline": runs("Template"),
    "name": runs("text"),
    "onExit": runs("text"),
    "template": runs("text"),
    "templateRef": runs("TemplateRef"),
    "when": runs("text"),
    "withItems": runs("[json]"),
    "withParam": runs("text"),
    "withSequence": runs("Sequence"),
}

DAG_TASK: Rows = {**WORKFLOW_STEP, "dependencies": runs("[text]"), "depends": runs("text")}

TEMPLATE_REF: Rows = {
    "name": runs("text"),
    "template": runs("text"),
    "clusterScope": runs("flag"),
}

CONTINUE_ON: Rows = {"error": runs("flag"), "failed": runs("flag")}

SEQUENCE: Rows = {
    "count": runs("whole-or-text"),
    "start": runs("whole-or-text"),
    "end": runs("whole-or-text"),
    "format": runs("text"),
}

HOOKS: Rows = {
    "exit": runs("LifecycleHook"),
    "*": refused(
        "the hook `{field}:` starts while its node runs; here only `exit` does. " + CLUSTER
    ),
}

LIFECYCLE_HOOK: Rows = {
    "template": runs("text"),
    "arguments": runs("Arguments"),
    "expression": refused("`expression:` of an exit hook: " + LATER),
    "templateRef": refused("`templateRef:` of an exit hook: " + LATER),
}

SUSPEND_TEMPLATE: Rows = {"duration": runs("text")}

SYNCHRONIZATION: Rows = {"mutexes": runs("[Mutex]"), "semaphores": runs("[SemaphoreRef]")}
_NO_DATABASE = "`database:` of a lock needs Argo's database. " + CLUSTER
MUTEX: Rows = {
    "name": runs("text"),
    "namespace": runs("text"),
    "database": refused(_NO_DATABASE, "flag"),
}
SEMAPHORE_REF: Rows = {
    "configMapKeyRef": runs("ConfigMapKeySelector"),
    "namespace": runs("text"),
    "database": refused(_NO_DATABASE),
}

METADATA: Rows = {"annotations": runs("{text}"), "labels": runs("{text}")}

_PROMETHEUS = "nothing is sent to Prometheus from here"

METRICS: Rows = {"prometheus": ignored("[Prometheus]", _PROMETHEUS)}

PROMETHEUS: Rows = {
    "name": ignored("text", _PROMETHEUS),
    "help": ignored("text", _PROMETHEUS),
    "when": ignored("text", _PROMETHEUS),
    "labels": ignored("[MetricLabel]", _PROMETHEUS),
    "counter": ignored("Counter", _PROMETHEUS),
    "gauge": ignored("Gauge", _PROMETHEUS),
    "histogram": ignored("Histogram", _PROMETHEUS),
}

METRIC_LABEL: Rows = {"key": ignored("text", _PROMETHEUS), "value": ignored("text", _PROMETHEUS)}
COUNTER: Rows = {"value": ignored("text", _PROMETHEUS)}
GAUGE: Rows = {
    "value": ignored("text", _PROMETHEUS),
    "realtime": ignored("flag", _PROMETHEUS),
    "operation": ignored("Set|Add|Sub", _PROMETHEUS),
}
HISTOGRAM: Rows = {
    "value": ignored("text", _PROMETHEUS),
    "buckets": ignored("[number]", _PROMETHEUS),
}
