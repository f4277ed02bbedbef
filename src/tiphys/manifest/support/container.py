"""Containers and scripts."""

from tiphys.manifest.support.row import LATER, Rows, ignored, refused, runs, warned

_PROCESS = "a step here is a process, not a container"

CONTAINER: Rows = {
    "args": runs("[text]"),
    "command": runs("[text]"),
    "env": runs("[EnvVar]"),
    "envFrom": runs("[EnvFromSource]"),
    "image": runs("text"),
    "imagePullPolicy": ignored("Always|IfNotPresent|Never", _PROCESS),
    "lifecycle": warned("Lifecycle", "`lifecycle` is ignored: a step here is a process."),
    "livenessProbe": warned("Probe", "`{field}` is ignored: a step here is a process."),
    "name": ignored("text", "Argo calls it `main` in any case"),
    "ports": ignored("[ContainerPort]", "a process of this host has its ports anyway"),
    "readinessProbe": warned("Probe", "`{field}` is ignored: a step here is a process."),
    "resizePolicy": ignored("[ContainerResizePolicy]", _PROCESS),
    "resources": runs("ResourceRequirements"),
    "restartPolicy": ignored("text", _PROCESS),
    "securityContext": ignored("SecurityContext", "steps run as you"),
    "startupProbe": warned("Probe", "`{field}` is ignored: a step here is a process."),
    "stdin": ignored("flag", "steps have no input"),
    "stdinOnce": ignored("flag", "steps have no input"),
    "terminationMessagePath": ignored("text", "TIPHYS_TERMINATION_LOG names the file"),
    "terminationMessagePolicy": ignored("File|FallbackToLogsOnError", _PROCESS),
    "tty": ignored("flag", "steps have no terminal"),
    "volumeDevices": refused("`volumeDevices:` need a block device of a cluster. " + LATER),
    "volumeMounts": runs("[VolumeMount]"),
    "workingDir": runs("text"),
}

SCRIPT_TEMPLATE: Rows = {**CONTAINER, "source": runs("text")}
