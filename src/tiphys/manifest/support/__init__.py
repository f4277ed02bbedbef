"""What becomes of each field of the Argo Workflow API (v4.0.7) on this machine: one table.

Every field has a row: it *runs*, is *ignored* with the reason, or is *refused* with what to do
instead. A field without a row does not exist in Argo. A file a kind of thing; no code here.
"""

from collections.abc import Mapping

from tiphys.manifest.support import artifact, container, kubernetes, retry, template, workflow
from tiphys.manifest.support.row import Level, Row, Rows

KINDS: Mapping[str, Rows | None] = {
    "Workflow": workflow.WORKFLOW,
    "WorkflowTemplate": workflow.WORKFLOW_TEMPLATE,
    "ClusterWorkflowTemplate": workflow.WORKFLOW_TEMPLATE,
    "CronWorkflow": workflow.CRON_WORKFLOW,
    "ConfigMap": workflow.CONFIG_MAP,
    "ObjectMeta": workflow.OBJECT_META,
    "WorkflowSpec": workflow.WORKFLOW_SPEC,
    "CronWorkflowSpec": workflow.CRON_WORKFLOW_SPEC,
    "StopStrategy": workflow.STOP_STRATEGY,
    "WorkflowMetadata": workflow.WORKFLOW_METADATA,
    "LabelValueFrom": workflow.LABEL_VALUE_FROM,
    "WorkflowTemplateRef": workflow.WORKFLOW_TEMPLATE_REF,
    "TTLStrategy": workflow.TTL_STRATEGY,
    "PodGC": workflow.POD_GC,
    "VolumeClaimGC": workflow.VOLUME_CLAIM_GC,
    "ArtifactRepositoryRef": workflow.ARTIFACT_REPOSITORY_REF,
    "ExecutorConfig": workflow.EXECUTOR_CONFIG,
    "Template": template.TEMPLATE,
    "DAGTemplate": template.DAG_TEMPLATE,
    "DAGTask": template.DAG_TASK,
    "WorkflowStep": template.WORKFLOW_STEP,
    "TemplateRef": template.TEMPLATE_REF,
    "ContinueOn": template.CONTINUE_ON,
    "Sequence": template.SEQUENCE,
    "Hooks": template.HOOKS,
    "LifecycleHook": template.LIFECYCLE_HOOK,
    "SuspendTemplate": template.SUSPEND_TEMPLATE,
    "Synchronization": template.SYNCHRONIZATION,
    "Mutex": template.MUTEX,
    "SemaphoreRef": template.SEMAPHORE_REF,
    "Metadata": template.METADATA,
    "Metrics": template.METRICS,
    "Prometheus": template.PROMETHEUS,
    "MetricLabel": template.METRIC_LABEL,
    "Counter": template.COUNTER,
    "Gauge": template.GAUGE,
    "Histogram": template.HISTOGRAM,
    "RetryStrategy": retry.RETRY_STRATEGY,
    "Backoff": retry.BACKOFF,
    "RetryAffinity": retry.RETRY_AFFINITY,
    "RetryNodeAntiAffinity": retry.RETRY_NODE_ANTI_AFFINITY,
    "Container": container.CONTAINER,
    "ScriptTemplate": container.SCRIPT_TEMPLATE,
    "Arguments": artifact.ARGUMENTS,
    "Inputs": artifact.INPUTS,
    "Outputs": artifact.OUTPUTS,
    "Parameter": artifact.PARAMETER,
    "ValueFrom": artifact.VALUE_FROM,
    "Artifact": artifact.ARTIFACT,
    "ArtifactLocation": artifact.ARTIFACT_LOCATION,
    "ArchiveStrategy": artifact.ARCHIVE_STRATEGY,
    "NoneStrategy": artifact.NONE_STRATEGY,
    "ZipStrategy": artifact.ZIP_STRATEGY,
    "TarStrategy": artifact.TAR_STRATEGY,
    "S3Artifact": artifact.S3_ARTIFACT,
    "GitArtifact": artifact.GIT_ARTIFACT,
    "HTTPArtifact": artifact.HTTP_ARTIFACT,
    "Header": artifact.HEADER,
    "RawArtifact": artifact.RAW_ARTIFACT,
    "ArtifactGC": artifact.ARTIFACT_GC,
    "WorkflowLevelArtifactGC": artifact.WORKFLOW_LEVEL_ARTIFACT_GC,
    "EnvVar": kubernetes.ENV_VAR,
    "EnvVarSource": kubernetes.ENV_VAR_SOURCE,
    "ConfigMapKeySelector": kubernetes.CONFIG_MAP_KEY_SELECTOR,
    "SecretKeySelector": kubernetes.SECRET_KEY_SELECTOR,
    "ObjectFieldSelector": kubernetes.OBJECT_FIELD_SELECTOR,
    "EnvFromSource": kubernetes.ENV_FROM_SOURCE,
    "ConfigMapEnvSource": kubernetes.CONFIG_MAP_ENV_SOURCE,
    "SecretEnvSource": kubernetes.SECRET_ENV_SOURCE,
    "ResourceRequirements": kubernetes.RESOURCE_REQUIREMENTS,
    "ResourceList": kubernetes.RESOURCE_LIST,
    "Toleration": kubernetes.TOLERATION,
    "VolumeMount": kubernetes.VOLUME_MOUNT,
    "Volume": kubernetes.VOLUME,
    "EmptyDirVolumeSource": kubernetes.EMPTY_DIR,
    "HostAlias": kubernetes.HOST_ALIAS,
    "LocalObjectReference": kubernetes.LOCAL_OBJECT_REFERENCE,
    **dict.fromkeys(kubernetes.AS_IT_IS),
}

__all__ = ["KINDS", "OTHER_VERSIONS", "Level", "Row", "Rows"]

_NEWER = "Argo has it only since v4.1; Tiphys speaks v4.0.7."

OTHER_VERSIONS: Mapping[str, str] = {
    "executorPlugins": _NEWER,
    "disableAgentPodCreation": _NEWER,
    "pendingTimeout": _NEWER,
    "podResources": _NEWER,
    "resourceClaims": _NEWER,
    "initlessPod": _NEWER,
    "schedule": "Argo v4.0 removed it: write `schedules: [...]`.",
    "podPriority": "Argo v4.0 removed it: use `podPriorityClassName`.",
    "mutex": "Argo v4.0 removed it: write `mutexes: [...]`.",
    "semaphore": "Argo v4.0 removed it: write `semaphores: [...]`.",
}
"""Fields of other Argo versions, which deserve more than "unknown"."""
