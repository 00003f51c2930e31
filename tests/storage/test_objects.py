"""One contract for both adapters, and how each says that it cannot be used."""

import io
import os
import threading

import pytest

from core.errors import StorageUnavailable
from core.storage.objects import FolderObjects, Objects
from core.storage.s3 import S3Objects


def put(objects: Objects, key: str, content: bytes) -> None:
    objects.put(key, io.BytesIO(content))


def content_of(objects: Objects, key: str) -> bytes:
    with objects.read(key) as stream:
        return stream.read()


def test_what_is_put_is_listed_and_read_back(objects: Objects) -> None:
    assert objects.entries("runs") == []
    put(objects, "runs/b/weights.npz/1", b"two")
    put(objects, "runs/a/log.txt/0", b"")
    put(objects, "runsother/a", b"not in the folder")
    found = objects.entries("runs")
    assert [(entry.key, entry.size_bytes) for entry in found] == [
        ("runs/a/log.txt/0", 0),
        ("runs/b/weights.npz/1", 3),
    ]
    assert all(entry.changed > 1.7e9 for entry in found)
    assert content_of(objects, "runs/b/weights.npz/1") == b"two"
    assert content_of(objects, "runs/a/log.txt/0") == b""


def test_a_key_that_is_written_again_has_the_newer_content(objects: Objects) -> None:
    put(objects, "a/b", b"older and longer")
    put(objects, "a/b", b"newer")
    assert content_of(objects, "a/b") == b"newer"
    assert [entry.size_bytes for entry in objects.entries("a")] == [5]


def test_put_writes_from_where_the_stream_stands(objects: Objects) -> None:
    stream = io.BytesIO(b"headrest")
    stream.seek(4)
    objects.put("a/b", stream)
    assert content_of(objects, "a/b") == b"rest"


def test_names_with_spaces_accents_and_signs(objects: Objects) -> None:
    for key in ("imports/1/upload/Möwen & Krähen (1).zip/a", "a/50%+x=y?#.bin/b"):
        put(objects, key, key.encode())
        assert content_of(objects, key) == key.encode()
        assert key in [entry.key for entry in objects.entries(key.partition("/")[0])]


def test_what_is_not_there(objects: Objects) -> None:
    objects.remove("a/b")
    with pytest.raises(FileNotFoundError), objects.read("a/b"):
        pass
    put(objects, "a/b", b"x")
    objects.remove("a/b")
    assert objects.entries("a") == []
    with pytest.raises(FileNotFoundError), objects.read("a/b"):
        pass


def test_a_source_that_fails_half_way_leaves_no_object(objects: Objects) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 0:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(StorageUnavailable, match="Input/output error"):
        objects.put("a/b", Failing(bytes(3 << 20)))
    assert objects.entries("a") == []


def test_a_reader_never_sees_half_of_what_is_written_again(objects: Objects) -> None:
    content = os.urandom(2 << 20)
    put(objects, "a/b", content)
    writers = [threading.Thread(target=put, args=(objects, "a/b", content)) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert content_of(objects, "a/b") == content
    for writer in writers:
        writer.join()
    assert content_of(objects, "a/b") == content


def test_a_folder_that_is_not_there_is_no_empty_storage(tmp_path) -> None:
    for root in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        sentence = f"^The shared storage {root} cannot be used .* is not a folder; make it, or moun"
        for use in (lambda o: o.entries("a"), lambda o: put(o, "a", b""), lambda o: o.remove("a")):
            with pytest.raises(StorageUnavailable, match=sentence):
                use(FolderObjects(root))
    assert not (tmp_path / "none").exists()


def test_a_bucket_that_is_not_there_is_no_empty_storage(s3_server: str) -> None:
    missing = S3Objects("s3://no-such-bucket/team", s3_server)
    for use in (lambda: missing.entries("a"), lambda: put(missing, "a", b"x")):
        with pytest.raises(StorageUnavailable, match="there is no bucket no-such-bucket"):
            use()
