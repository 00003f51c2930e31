"""Settings: what the environment says, and what holds where it and Streamlit's file say nothing."""

import os
from pathlib import Path

import pytest

from core import settings
from core.errors import BadInput
from core.jobs.database import Database


@pytest.fixture
def streamlit_config(tmp_path, monkeypatch):
    """The place of Streamlit's file; nothing is there yet."""
    path = tmp_path / "config.toml"
    monkeypatch.setattr(settings, "STREAMLIT_CONFIG", path)
    monkeypatch.delenv(settings.STREAMLIT_UPLOAD_VARIABLE, raising=False)
    settings._configured_upload_megabytes.cache_clear()
    yield path
    settings._configured_upload_megabytes.cache_clear()


def test_without_streamlits_file_an_upload_may_have_500_mb(streamlit_config):
    assert not streamlit_config.exists()
    assert settings.current_settings().upload_limit_bytes == 500 * 1024**2


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [("[server]\nmaxUploadSize = 7\n", 7), ("[server]\nport = 1\n", 500), ("", 500)],
)
def test_the_limit_of_streamlits_file_holds(streamlit_config, text, megabytes):
    streamlit_config.write_text(text)
    assert settings.current_settings().upload_limit_bytes == megabytes * 1024**2


def test_the_variable_goes_before_the_file(streamlit_config, monkeypatch):
    streamlit_config.write_text("[server]\nmaxUploadSize = 7\n")
    monkeypatch.setenv(settings.STREAMLIT_UPLOAD_VARIABLE, "3")
    assert settings.current_settings().upload_limit_bytes == 3 * 1024**2
    monkeypatch.setenv(settings.STREAMLIT_UPLOAD_VARIABLE, "many")
    with pytest.raises(BadInput, match="must be a whole number of MB"):
        settings.current_settings()


# The home ---------------------------------------------------------------------------------------


def refusal(home: str | Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    with pytest.raises(BadInput) as refused:
        settings.current_settings()
    message = str(refused.value)
    assert message.startswith("HEADSTART_HOME is ")
    assert message.endswith("Set HEADSTART_HOME to a folder that you may write.")
    assert len(message) < 600
    return message


def test_a_home_that_is_a_file_or_below_one_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    assert "which cannot be used: it is not a folder." in refusal(file, monkeypatch)
    (tmp_path / "link").symlink_to(file)
    assert "it is not a folder" in refusal(tmp_path / "link", monkeypatch)
    for below in ("x", "x/y/z"):
        assert f"cannot be used: {file} is not a folder." in refusal(file / below, monkeypatch)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert "it is not a folder" in refusal(fifo, monkeypatch)


def test_the_longest_home_holds_a_database_and_a_longer_one_is_refused(tmp_path, monkeypatch):
    home = tmp_path
    while (missing := settings.LONGEST_HOME_BYTES - len(os.fsencode(home))) > 200:
        home /= "x" * 150
    home /= "x" * (missing - 1)
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    home.mkdir(parents=True)
    assert Database(settings.current_settings().database_url).file == home / "headstart.db"
    assert "has 492 bytes, and at most 491 are possible" in refusal(f"{home}x", monkeypatch)
    assert "bytes, and at most 491 are possible" in refusal("/" + "é/" * 2000, monkeypatch)


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128])
def test_a_folder_with_too_long_a_name_is_refused(name, tmp_path, monkeypatch):
    assert "cannot be used: file name too long." in refusal(tmp_path / name, monkeypatch)


def test_a_home_of_nobody_is_refused(monkeypatch):
    assert "could not determine home directory" in refusal("~nobody-here/x", monkeypatch)


def test_a_link_that_leads_in_a_circle_is_no_home(tmp_path, monkeypatch):
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    refusal(tmp_path / "one", monkeypatch)


def test_a_home_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    # Whoever runs the tests may be allowed everything, so the system's answer is replaced.
    monkeypatch.setattr(settings.os, "access", lambda path, _mode: Path(path) != tmp_path)
    assert "it may not be written by this user" in refusal(tmp_path, monkeypatch)
    assert f"{tmp_path} may not be written" in refusal(tmp_path / "new" / "home", monkeypatch)
