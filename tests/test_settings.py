"""Settings: what the environment says, and what holds where it and Streamlit's file say nothing."""

import pytest

from core import settings
from core.errors import BadInput


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
