"""Kubernetes types inside a workflow.

A type whose rows are None is taken as it is: its level is that of the field it stands in.
"""

from tiphys.manifest.support.row import CLUSTER, Rows, ignored, refused, runs, warned

_VOLUME = (
    "a volume of kind `{field}` is not there on this machine. Pass artifacts instead, or run it"
    " on a cluster with `--on PROFILE`."
)

CACHE = "tiphys-cache"
"""The name of a volume that a step may be without: what is not in it comes from elsewhere."""

ENV_VAR: Rows = {
    "name": runs("text"),
    "value": runs("text"),
    "valueFrom": runs("EnvVarSource"),
}

ENV_VAR_SOURCE: Rows = {
    "configMapKeyRef": runs("ConfigMapKeySelector"),
    "fieldRef": runs("ObjectFieldSelector"),
    "resourceFieldRef": refused("`resourceFieldRef:` reads a pod's resources. " + CLUSTER),
    "secretKeyRef": runs("SecretKeySelector"),
}

CONFIG_MAP_KEY_SELECTOR: Rows = {
    "name": runs("text"),
    "key": runs("text"),
    "optional": runs("flag"),
}
SECRET_KEY_SELECTOR: Rows = CONFIG_MAP_KEY_SELECTOR
OBJECT_FIELD_SELECTOR: Rows = {"apiVersion": runs("text"), "fieldPath": runs("text")}

ENV_FROM_SOURCE: Rows = {
    "configMapRef": runs("ConfigMapEnvSource"),
    "prefix": runs("text"),
    "secretRef": runs("SecretEnvSource"),
}
CONFIG_MAP_ENV_SOURCE: Rows = {"name": runs("text"), "optional": runs("flag")}
SECRET_ENV_SOURCE: Rows = CONFIG_MAP_ENV_SOURCE

RESOURCE_REQUIREMENTS: Rows = {
    "claims": warned("[json]", "resource `claims` are ignored: a step may use what is here."),
    "limits": runs("ResourceList"),
    "requests": runs("ResourceList"),
}

RESOURCE_LIST: Rows = {
    "cpu": runs("quantity"),
    "memory": runs("quantity"),
    "ephemeral-storage": ignored("quantity", "the disk of this machine is what there is"),
    "*": warned("quantity", "`{field}` is ignored: a step may use what this machine has."),
}

TOLERATION: Rows = {
    "effect": runs("NoSchedule|PreferNoSchedule|NoExecute"),
    "key": runs("text"),
    "operator": runs("Exists|Equal"),
    "tolerationSeconds": runs("whole"),
    "value": runs("text"),
}

VOLUME_MOUNT: Rows = {
    "mountPath": runs("text"),
    "mountPropagation": runs("text"),
    "name": runs("text"),
    "readOnly": runs("flag"),
    "recursiveReadOnly": runs("text"),
    "subPath": runs("text"),
    "subPathExpr": runs("text"),
}

VOLUME: Rows = {
    "name": runs("text"),
    "emptyDir": warned(
        "EmptyDirVolumeSource",
        "`emptyDir` volumes are not mounted: what a step writes there is on this host.",
    ),
    **dict.fromkeys(
        (
            "awsElasticBlockStore",
            "azureDisk",
            "azureFile",
            "cephfs",
            "cinder",
            "configMap",
            "csi",
            "downwardAPI",
            "ephemeral",
            "fc",
            "flexVolume",
            "flocker",
            "gcePersistentDisk",
            "gitRepo",
            "glusterfs",
            "hostPath",
            "image",
            "iscsi",
            "nfs",
            "persistentVolumeClaim",
            "photonPersistentDisk",
            "portworxVolume",
            "projected",
            "quobyte",
            "rbd",
            "scaleIO",
            "secret",
            "storageos",
            "vsphereVolume",
        ),
        refused(_VOLUME),
    ),
}

EMPTY_DIR: Rows = {"medium": runs("text"), "sizeLimit": runs("quantity")}
HOST_ALIAS: Rows = {"hostnames": runs("[text]"), "ip": runs("text")}
LOCAL_OBJECT_REFERENCE: Rows = {"name": runs("text")}

AS_IT_IS = (
    "Affinity",
    "ContainerPort",
    "ContainerResizePolicy",
    "LabelSelector",
    "Lifecycle",
    "PodDNSConfig",
    "PodDisruptionBudgetSpec",
    "PodSecurityContext",
    "Probe",
    "SecurityContext",
)
"""Types of fields that are ignored as a whole."""
