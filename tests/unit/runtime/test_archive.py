import gzip
import tarfile

import pytest

from tiphys.runtime.archive import is_tar, pack, packed, unpack
from tiphys.runtime.faults import ArtifactError


def test_equal_files_give_equal_bytes_whatever_their_times(tmp_path):
    archives = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        for file in ("sub/b", "a") if name == "one" else ("a", "sub/b"):
            (folder / file).write_text(file)
        archives.append(packed(folder, ["a", "sub/b"], "code"))
    assert archives[0] == archives[1]


def test_a_single_top_entry_takes_the_targets_place(tmp_path):
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_text("deep")
    pack(folder, tmp_path / "data.tgz", "data")
    unpack(tmp_path / "data.tgz", tmp_path / "target", "data")
    assert (tmp_path / "target" / "sub" / "file").read_text() == "deep"


def test_a_file_comes_back_as_a_file(tmp_path):
    (tmp_path / "file").write_text("text")
    pack(tmp_path / "file", tmp_path / "file.tgz", "file")
    assert is_tar(tmp_path / "file.tgz")
    unpack(tmp_path / "file.tgz", tmp_path / "target", "file")
    assert (tmp_path / "target").read_text() == "text"


def test_a_gzipped_text_is_no_archive(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"only text"))
    assert not is_tar(tmp_path / "x.gz")


def test_an_archive_cannot_write_elsewhere(tmp_path):
    (tmp_path / "file").write_text("text")
    with tarfile.open(tmp_path / "bad.tgz", "w:gz") as tar:
        tar.add(tmp_path / "file", "../escaped")
    with pytest.raises(ArtifactError, match="cannot be unpacked"):
        unpack(tmp_path / "bad.tgz", tmp_path / "in" / "target", "x")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "../../outside"),
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "../outside"),
        (tarfile.FIFOTYPE, ""),
    ],
    ids=["link up", "link to the root", "hard link", "device"],
)
def test_an_archive_cannot_link_elsewhere(tmp_path, kind, link):
    entry = tarfile.TarInfo("folder/entry")
    entry.type, entry.linkname = kind, link
    with tarfile.open(tmp_path / "bad.tgz", "w:gz") as tar:
        tar.addfile(entry)
    with pytest.raises(ArtifactError, match="would be outside"):
        unpack(tmp_path / "bad.tgz", tmp_path / "target", "x")


def test_links_within_an_archive_come_along(tmp_path):
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "file").write_text("text")
    (tmp_path / "folder" / "sub" / "link").symlink_to("../file")
    pack(tmp_path / "folder", tmp_path / "x.tgz", "folder")
    unpack(tmp_path / "x.tgz", tmp_path / "target", "x")
    assert (tmp_path / "target" / "sub" / "link").read_text() == "text"
