"""Documents and their specs."""

from tiphys.manifest.support.row import CLUSTER, LATER, Rows, ignored, refused, runs, warned

_SERVER = "kept by the API server"
_CLEAN = "nothing is left behind here that would need it; runs are kept until you delete them"
_ONE_PROCESS = "steps are processes of this machine, not pods"
_STARTS_NOW = "`tiphys run` starts a run now, not on a schedule"

OBJECT_META: Rows = {
    "name": runs("text"),
    "generateName": runs("text"),
    "namespace": runs("text"),
    "labels": runs("{text}"),
    "annotations": runs("{text}"),
    "creationTimestamp": ignored("text", _SERVER),
    "deletionGracePeriodSeconds": ignored("whole", _SERVER),
    "deletionTimestamp": ignored("text", _SERVER),
    "finalizers": ignored("[text]", _SERVER),
    "generation": ignored("whole", _SERVER),
    "managedFields": ignored("json", _SERVER),
    "ownerReferences": ignored("json", _SERVER),
    "resourceVersion": ignored("text", _SERVER),
    "selfLink": ignored("text", _SERVER),
    "uid": ignored("text", _SERVER),
}

_DOCUMENT: Rows = {"apiVersion": runs("text"), "kind": runs("text"), "metadata": runs("ObjectMeta")}

WORKFLOW: Rows = {
    **_DOCUMENT,
    "spec": runs("WorkflowSpec"),
    "status": ignored("json", "a run begins with a status of its own"),
}

WORKFLOW_TEMPLATE: Rows = {**_DOCUMENT, "spec": runs("WorkflowSpec")}

CRON_WORKFLOW: Rows = {
    **_DOCUMENT,
    "spec": runs("CronWorkflowSpec"),
    "status": ignored("json", "a run begins with a status of its own"),
}

CRON_WORKFLOW_SPEC: Rows = {
    "workflowSpec": runs("WorkflowSpec"),
    "workflowMetadata": runs("ObjectMeta"),
    "schedules": ignored("[text]", _STARTS_NOW),
    "concurrencyPolicy": ignored("Allow|Forbid|Replace", _STARTS_NOW),
    "failedJobsHistoryLimit": ignored("whole", _STARTS_NOW),
    "startingDeadlineSeconds": ignored("whole", _STARTS_NOW),
    "stopStrategy": ignored("StopStrategy", _STARTS_NOW),
    "successfulJobsHistoryLimit": ignored("whole", _STARTS_NOW),
    "suspend": ignored("flag", _STARTS_NOW),
    "timezone": ignored("text", _STARTS_NOW),
    "when": ignored("text", _STARTS_NOW),
}

STOP_STRATEGY: Rows = {"expression": ignored("text", _STARTS_NOW)}

WORKFLOW_SPEC: Rows = {
    "activeDeadlineSeconds": runs("whole"),
    "affinity": warned("Affinity", "`affinity` is ignored: every step runs on this machine."),
    "archiveLogs": ignored("flag", "logs are always kept in the run's folder"),
    "arguments": runs("Arguments"),
    "artifactGC": ignored("WorkflowLevelArtifactGC", _CLEAN),
    "artifactRepositoryRef": ignored(
        "ArtifactRepositoryRef", "artifacts are kept in the run's folder"
    ),
    "automountServiceAccountToken": ignored("flag", _ONE_PROCESS),
    "dnsConfig": ignored("PodDNSConfig", _ONE_PROCESS),
    "dnsPolicy": ignored("text", _ONE_PROCESS),
    "entrypoint": runs("text"),
    "executor": ignored("ExecutorConfig", _ONE_PROCESS),
    "hooks": runs("Hooks"),
    "hostAliases": warned(
        "[HostAlias]", "`hostAliases` is ignored: names resolve as on this host."
    ),
    "hostNetwork": ignored("flag", _ONE_PROCESS),
    "imagePullSecrets": ignored("[LocalObjectReference]", _ONE_PROCESS),
    "metrics": ignored("Metrics", "nothing is sent to Prometheus from here"),
    "nodeSelector": warned("{text}", "`nodeSelector` is ignored: this machine is the only node."),
    "onExit": runs("text"),
    "parallelism": runs("whole"),
    "podDisruptionBudget": ignored("PodDisruptionBudgetSpec", _ONE_PROCESS),
    "podGC": ignored("PodGC", _CLEAN),
    "podMetadata": ignored("Metadata", _ONE_PROCESS),
    "podPriorityClassName": ignored("text", _ONE_PROCESS),
    "podSpecPatch": warned("pod-patch", "`podSpecPatch` is ignored: steps here are no pods."),
    "priority": ignored("whole", "runs on this machine do not queue"),
    "retryStrategy": runs("RetryStrategy"),
    "schedulerName": ignored("text", _ONE_PROCESS),
    "securityContext": ignored("PodSecurityContext", "steps run as you"),
    "serviceAccountName": ignored("text", "steps have your own rights"),
    "shutdown": refused("`shutdown:` ends a run that has begun.", "text"),
    "suspend": refused("`suspend:` would never end. " + LATER, "flag"),
    "synchronization": warned(
        "Synchronization",
        "`synchronization` of a workflow is ignored: runs on this machine do not wait for another.",
    ),
    "templateDefaults": runs("Template"),
    "templates": runs("[Template]"),
    "tolerations": ignored("[Toleration]", "this machine has no taints"),
    "ttlStrategy": ignored("TTLStrategy", _CLEAN),
    "volumeClaimGC": ignored("VolumeClaimGC", _CLEAN),
    "volumeClaimTemplates": refused(
        "`volumeClaimTemplates:` needs a cluster's storage. Pass artifacts instead, or run it"
        " on a cluster with `--on PROFILE`."
    ),
    "volumes": runs("[Volume]"),
    "workflowMetadata": runs("WorkflowMetadata"),
    "workflowTemplateRef": runs("WorkflowTemplateRef"),
}

WORKFLOW_METADATA: Rows = {
    "annotations": runs("{text}"),
    "labels": runs("{text}"),
    "labelsFrom": runs("{LabelValueFrom}"),
}

LABEL_VALUE_FROM: Rows = {"expression": runs("text")}

WORKFLOW_TEMPLATE_REF: Rows = {"name": runs("text"), "clusterScope": runs("flag")}

TTL_STRATEGY: Rows = {
    "secondsAfterCompletion": ignored("whole", _CLEAN),
    "secondsAfterFailure": ignored("whole", _CLEAN),
    "secondsAfterSuccess": ignored("whole", _CLEAN),
}

POD_GC: Rows = {
    "strategy": ignored(
        "OnPodCompletion|OnPodSuccess|OnWorkflowCompletion|OnWorkflowSuccess", _CLEAN
    ),
    "deleteDelayDuration": ignored("text", _CLEAN),
    "labelSelector": ignored("LabelSelector", _CLEAN),
}

VOLUME_CLAIM_GC: Rows = {"strategy": ignored("OnWorkflowCompletion|OnWorkflowSuccess", _CLEAN)}

ARTIFACT_REPOSITORY_REF: Rows = {
    "configMap": ignored("text", "artifacts are kept in the run's folder"),
    "key": ignored("text", "artifacts are kept in the run's folder"),
}

EXECUTOR_CONFIG: Rows = {"serviceAccountName": ignored("text", _ONE_PROCESS)}

CONFIG_MAP: Rows = {
    **_DOCUMENT,
    "data": runs("{text}"),
    "binaryData": refused("`binaryData:` is not read here. " + CLUSTER, "{text}"),
    "immutable": ignored("flag", "a file is as it is"),
}
