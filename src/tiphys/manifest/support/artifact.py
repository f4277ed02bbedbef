"""Parameters and artifacts."""

from tiphys.manifest.support.row import CLUSTER, LATER, Rows, ignored, refused, runs, warned

_HERE = "artifacts are kept in the run's folder"
_STORE = (
    "`{field}:` is a store Tiphys does not reach from here; s3, git, http and raw work. " + CLUSTER
)

ARGUMENTS: Rows = {"parameters": runs("[Parameter]"), "artifacts": runs("[Artifact]")}
INPUTS: Rows = ARGUMENTS
OUTPUTS: Rows = {
    **ARGUMENTS,
    "exitCode": ignored("text", "set by the run"),
    "result": ignored("text", "set by the run"),
}

PARAMETER: Rows = {
    "default": runs("any-text"),
    "description": runs("any-text"),
    "enum": runs("[any-text]"),
    "globalName": runs("text"),
    "name": runs("text"),
    "value": runs("any-text"),
    "valueFrom": runs("ValueFrom"),
}

VALUE_FROM: Rows = {
    "configMapKeyRef": runs("ConfigMapKeySelector"),
    "default": runs("any-text"),
    "event": refused("`event:` is filled by Argo Events. Give the parameter a value."),
    "expression": runs("text"),
    "jqFilter": refused("`jqFilter:` reads an object of the API server. " + CLUSTER),
    "jsonPath": refused("`jsonPath:` reads an object of the API server. " + CLUSTER),
    "parameter": runs("text"),
    "path": runs("text"),
    "supplied": refused("`supplied:` waits for someone to give a value. " + LATER),
}

ARTIFACT_LOCATION: Rows = {
    "archiveLogs": ignored("flag", "logs are always kept in the run's folder"),
    "artifactory": refused(_STORE),
    "azure": refused(_STORE),
    "gcs": refused(_STORE),
    "git": runs("GitArtifact"),
    "hdfs": refused(_STORE),
    "http": runs("HTTPArtifact"),
    "oss": refused(_STORE),
    "plugin": refused(_STORE),
    "raw": runs("RawArtifact"),
    "s3": runs("S3Artifact"),
}

ARTIFACT: Rows = {
    **ARTIFACT_LOCATION,
    "archive": runs("ArchiveStrategy"),
    "artifactGC": ignored("ArtifactGC", "runs are kept until you delete them"),
    "deleted": ignored("flag", "set by the controller"),
    "from": runs("text"),
    "fromExpression": runs("text"),
    "globalName": runs("text"),
    "mode": runs("whole"),
    "name": runs("text"),
    "optional": runs("flag"),
    "path": runs("text"),
    "recurseMode": warned(
        "flag", "`recurseMode` is ignored: `mode` is set on the artifact itself."
    ),
    "subPath": refused("`subPath:` of an artifact: " + LATER),
}

ARCHIVE_STRATEGY: Rows = {
    "none": runs("NoneStrategy"),
    "tar": runs("TarStrategy"),
    "zip": runs("ZipStrategy"),
}
NONE_STRATEGY: Rows = {}
ZIP_STRATEGY: Rows = {}
TAR_STRATEGY: Rows = {"compressionLevel": ignored("whole", "archives here are short-lived")}

S3_ARTIFACT: Rows = {
    "accessKeySecret": runs("SecretKeySelector"),
    "bucket": runs("text"),
    "caSecret": ignored("SecretKeySelector", _HERE),
    "createBucketIfNotPresent": ignored("json", _HERE),
    "encryptionOptions": ignored("json", _HERE),
    "endpoint": runs("text"),
    "insecure": runs("flag"),
    "key": runs("text"),
    "region": runs("text"),
    "roleARN": ignored("text", "this machine's own credentials are used"),
    "secretKeySecret": runs("SecretKeySelector"),
    "sessionTokenSecret": runs("SecretKeySelector"),
    "useSDKCreds": ignored("flag", "this machine's own credentials are used"),
}

_OWN_GIT = "git uses this machine's own credentials"

GIT_ARTIFACT: Rows = {
    "branch": runs("text"),
    "depth": runs("whole"),
    "disableSubmodules": runs("flag"),
    "fetch": runs("[text]"),
    "insecureIgnoreHostKey": ignored("flag", _OWN_GIT),
    "insecureSkipTLS": ignored("flag", _OWN_GIT),
    "passwordSecret": ignored("SecretKeySelector", _OWN_GIT),
    "repo": runs("text"),
    "revision": runs("text"),
    "singleBranch": runs("flag"),
    "sshPrivateKeySecret": ignored("SecretKeySelector", _OWN_GIT),
    "usernameSecret": ignored("SecretKeySelector", _OWN_GIT),
}

HTTP_ARTIFACT: Rows = {
    "auth": refused("`auth:` reads secrets of a cluster. " + CLUSTER),
    "headers": runs("[Header]"),
    "url": runs("text"),
}
HEADER: Rows = {"name": runs("text"), "value": runs("text")}

RAW_ARTIFACT: Rows = {"data": runs("text")}

ARTIFACT_GC: Rows = {
    "podMetadata": ignored("Metadata", _HERE),
    "serviceAccountName": ignored("text", _HERE),
    "strategy": ignored("OnWorkflowCompletion|OnWorkflowDeletion|Never", _HERE),
}
WORKFLOW_LEVEL_ARTIFACT_GC: Rows = {
    **ARTIFACT_GC,
    "forceFinalizerRemoval": ignored("flag", _HERE),
    "podSpecPatch": ignored("text", _HERE),
}
