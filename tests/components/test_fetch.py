import hashlib

from components.fetch import fetch
from tiphys.ml.data import Pin
from tiphys.ml.data.pin import object_key


def test_the_pinned_file_is_placed_and_counted(tmp_path, capsys):
    md5 = hashlib.md5(b"rows", usedforsecurity=False).hexdigest()
    path = tmp_path / "store" / object_key(md5)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"rows")
    pin = Pin(path="data/x.csv", md5=md5, size=4, nfiles=1, revision="v1")
    found = fetch(dataset=pin, remote=str(tmp_path / "store"), directory=tmp_path / "out")
    assert (found.files, found.bytes) == (1, 4)
    assert '"downloaded_bytes", "value": 0.0' in capsys.readouterr().out
    assert (tmp_path / "out/x.csv").read_bytes() == b"rows"
