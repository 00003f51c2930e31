import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.backbones.weights.download import DownloadLimits, download_official
from core.errors import WeightsRefused, WeightsUnavailable

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
