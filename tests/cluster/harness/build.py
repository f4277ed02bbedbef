"""The cluster's programs, from Go modules into a folder of the cache named after their sources."""

import hashlib
import os
import re
import shutil
from pathlib import Path
from shutil import which

from harness.errors import HarnessError
from harness.packages import PATH
from harness.places import Places
from harness.shell import run

KUBE = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": "github.com/coredns/coredns",
    "versitygw": "github.com/versity/versitygw/cmd/versitygw",
    "pause": "./pause",
    "jobset": "sigs.k8s.io/jobset",
    "crane": "github.com/google/go-containerregistry/cmd/crane",
} | {
    name: f"k8s.io/kubernetes/cmd/{name}"
    for name in (
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
        "kubelet",
        "kubectl",
    )
}
JOBSET_FILES = {
    "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml": "crds/jobsets.yaml",
    "config/components/webhook/manifests.yaml": "jobset-webhooks.yaml",
}
"""What of JobSet's module the cluster is given, and what it is called among the programs."""
ARGO_MODULE = "github.com/argoproj/argo-workflows/v4"
ARGO = {name: f"{ARGO_MODULE}/cmd/{name}" for name in ("workflow-controller", "argoexec", "argo")}
VERSIONS = {
    "k8s.io/component-base/version.gitVersion": "v1.35.4",
    f"{ARGO_MODULE}.gitTag": "v4.0.7",
    f"{ARGO_MODULE}.gitTreeState": "clean",
    f"{ARGO_MODULE}.gitCommit": "v4.0.7",  # with none, the tag is ignored
}
"""What the programs say they are; upstream's own builds set it the same way."""
KEPT = 2
"""How many builds the cache keeps: another checkout may run the one before."""
LINKER_FLAGS = "-ldflags=-s -w " + " ".join(f"-X {k}={v}" for k, v in VERSIONS.items())


def binaries(places: Places) -> Path:
    """Return the folder of the built programs and their CRDs, building them if need be."""
    modules = places.sources / "go"
    folder = places.cache / f"bin-{_key(modules)}"
    if folder.exists():
        return folder
    places.cache.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_suffix(".partial")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(modules, scratch / "modules")
    go = _Go(scratch)
    for name, package in KUBE.items():
        go.build("kube", name, package)
    go.vendor_argo()
    for name, package in ARGO.items():
        go.build("argo", name, package, "-mod=vendor")
    go.keep_jobset()
    shutil.rmtree(scratch / "modules")
    scratch.rename(folder)
    for older in sorted(places.cache.glob("bin-*"), key=_made)[:-KEPT]:
        shutil.rmtree(older)
    return folder


class _Go:
    """The Go command, working on a copy of our modules: vendoring writes into it."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.command = which("go", path=PATH) or "go"
        self.env = {
            "GOTOOLCHAIN": "auto",  # Go 1.21 and later fetch the one that go.mod asks for
            **os.environ,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-buildvcs=false",
        }
        version = run([self.command, "env", "GOVERSION"]).strip()
        if version and tuple(map(int, re.findall(r"\d+", version)[:2])) < (1, 21):
            raise HarnessError(f"{self.command} is {version}: the cluster needs 1.21 or later.")

    def run(self, module: str, *words: str) -> str:
        return run([self.command, *words], cwd=self.scratch / "modules" / module, env=self.env)

    def build(self, module: str, name: str, package: str, *flags: str) -> None:
        target = str(self.scratch / name)
        self.run(module, "build", *flags, "-trimpath", LINKER_FLAGS, "-o", target, package)

    def vendor_argo(self) -> None:
        """Make room for two files that Argo's module zip lacks, and keep its CRDs.

        `signal_linux.go` is a symbolic link upstream, which Go drops; the web pages are generated,
        but have to be there before the server compiles. `-e`: vendoring complains of the latter.
        """
        self.run("argo", "mod", "vendor", "-e")
        argo = self.scratch / "modules" / "argo" / "vendor" / ARGO_MODULE
        signals = argo / "workflow" / "executor" / "osspecific"
        shutil.copy(signals / "signal_darwin.go", signals / "signal_linux.go")
        page = argo / "ui" / "dist" / "app" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<!doctype html><title>Argo Workflows, without its web pages</title>\n")
        shutil.copytree(
            self._module("argo", ARGO_MODULE) / "manifests" / "base" / "crds" / "full",
            self.scratch / "crds",
            ignore=shutil.ignore_patterns("kustomization.yaml", "README.md"),
            copy_function=shutil.copyfile,  # without the module cache's read-only mode
        )
        (self.scratch / "crds").chmod(0o755)

    def keep_jobset(self) -> None:
        """Keep JobSet's CRD and its webhooks."""
        folder = self._module("kube", KUBE["jobset"])
        for source, name in JOBSET_FILES.items():
            shutil.copyfile(folder / source, self.scratch / name)

    def _module(self, ours: str, name: str) -> Path:
        """Return where the sources of module *name* lie."""
        listed = self.run(ours, "list", "-mod=mod", "-m", "-f", "{{.Dir}}", name)
        return Path(listed.strip())


def _made(folder: Path) -> float:
    return folder.stat().st_mtime


def _key(modules: Path) -> str:
    """Return the hash of everything the programs are made from."""
    digest = hashlib.sha256(repr((KUBE, ARGO, JOBSET_FILES, LINKER_FLAGS)).encode())
    for source in sorted(path for path in modules.rglob("*") if path.is_file()):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:12]
