import hashlib
import io
import json
import tarfile

from harness import transfer


def archive(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w|") as target:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    out.seek(0)
    return out


def digest(data):
    return hashlib.sha256(data).hexdigest()


BASE, WHEEL = b"the environment", b"the wheel"
CONFIG = json.dumps(
    {"rootfs": {"diff_ids": [f"sha256:{digest(BASE)}", f"sha256:{digest(WHEEL)}"]}}
).encode()


def translated(known):
    docker = archive(
        {
            f"{digest(BASE)}.tar": BASE,
            f"{digest(WHEEL)}.tar": WHEEL,
            f"{digest(CONFIG)}.json": CONFIG,
            "manifest.json": b"[]",
            "repositories": b"{}",
        }
    )
    out = io.BytesIO()
    transfer._translate(docker, out, "localhost/flights/step:abc", known)
    out.seek(0)
    with tarfile.open(fileobj=out) as oci:
        return {name: oci.extractfile(name).read() for name in oci.getnames()}


def test_an_archive_names_every_layer_by_digest_and_size():
    files = translated(known=set())
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files[f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}"])
    assert entry["annotations"] == {"io.containerd.image.name": "localhost/flights/step:abc"}
    assert manifest["config"]["digest"] == f"sha256:{digest(CONFIG)}"
    assert [(layer["digest"], layer["size"]) for layer in manifest["layers"]] == [
        (f"sha256:{digest(BASE)}", len(BASE)),
        (f"sha256:{digest(WHEEL)}", len(WHEEL)),
    ]


def test_a_layer_that_the_node_has_is_named_but_not_sent():
    everything, rest = translated(set()), translated({f"sha256:{digest(BASE)}"})
    assert set(everything) - set(rest) == {f"blobs/sha256/{digest(BASE)}"}
    assert rest["index.json"] == everything["index.json"]


def chain(*layers):
    name = layers[0]
    for layer in layers[1:]:
        name = f"sha256:{digest(f'{name} {layer}'.encode())}"
    return name


def test_a_layer_is_there_only_on_top_of_the_same_layers():
    base, other, wheel = (f"sha256:{digest(data)}" for data in (BASE, b"another base", WHEEL))
    snapshots = {base, chain(base, wheel), other}
    assert transfer._missing([base, wheel], snapshots) == set()
    assert transfer._missing([other, wheel], snapshots) == {wheel}
