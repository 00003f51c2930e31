"""Who can reach the pages, and whether sign-in is configured soundly, without loading Streamlit."""

import ipaddress
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from core.operations.check import Check
from core.settings import (
    EDITORS_VARIABLE,
    PROJECT_ROOT,
    STREAMLIT_CONFIG,
    VIEWERS_VARIABLE,
    Settings,
)

SECRETS_VARIABLE = "STREAMLIT_SECRETS_FILES"
ADDRESS_VARIABLE = "STREAMLIT_SERVER_ADDRESS"
HOSTS_VARIABLE = "STREAMLIT_SERVER_ALLOWED_HOSTS"
SHORTEST_SECRET = 32
ALWAYS = ("redirect_uri", "cookie_secret")
OF_A_PROVIDER = ("client_id", "client_secret", "server_metadata_url")
HOW = "docs/sign-in.md says how."


def check_sign_in(settings: Settings) -> Iterator[Check]:
    """The secrets for ``st.login``, who is listed, and what the server listens on."""
    address, hosts = _server()
    open_to_others = not all(is_loopback(one) for one in (address, *hosts))
    files = [path for path in secrets_files() if path.exists()]
    section: Mapping[str, Any] = {}
    for path in files:
        try:
            section |= tomllib.loads(path.read_text(encoding="utf-8")).get("auth", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            found = f"{path} cannot be read ({error}), so nobody is let in."
            yield Check("sign-in", "problem", found, f"Mend it. {HOW}")
            return
        if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            found = f"Every user of this machine may read {path}, which holds the cookie secret."
            yield Check("sign-in", "problem", found, f"Run: chmod 600 {path}")
    listed = bool(settings.editors or settings.viewers)
    if not section and listed:
        found = f"{EDITORS_VARIABLE} or {VIEWERS_VARIABLE} is set, but sign-in is not configured: "
        yield Check("sign-in", "problem", f"{found}nobody is let in.", HOW)
    elif not section and open_to_others:
        found = f"Nobody has to sign in, and others reach the pages (address {address or 'all'}, "
        found += f"allowed hosts {' '.join(hosts) or 'all'}): whoever comes may remove datasets."
        yield Check("sign-in", "problem", found, HOW)
    elif not section:
        found = "Nobody has to sign in; the pages are for this machine alone."
        yield Check("sign-in", "ok", found)
    else:
        yield from _configured(section, settings, address)


def _configured(
    section: Mapping[str, Any], settings: Settings, address: str | None
) -> Iterator[Check]:
    wrong = list(_wrong(section))
    for sentence in wrong:
        yield Check("sign-in", "problem", sentence, HOW)
    if not is_loopback(address):
        found = f"The server listens on {address or 'all addresses'} without TLS."
        to_do = "Leave it on 127.0.0.1, behind a reverse proxy: docs/deploy.md."
        yield Check("sign-in", "note", found, to_do)
    if not settings.editors:
        found = "Nobody is an editor, so pages start no runs and take no uploads."
        yield Check("sign-in", "note", found, f"List editors in {EDITORS_VARIABLE}.")
    if not settings.viewers:
        found = "Everybody whom the provider accepts may look."
        yield Check("sign-in", "note", found, f"List people in {VIEWERS_VARIABLE} to change that.")
    if not wrong and settings.editors and settings.viewers:
        yield Check("sign-in", "ok", "Configured; the provider was not asked.")


def _wrong(section: Mapping[str, Any]) -> Iterator[str]:
    """What ``st.login`` would refuse, or what makes it unsafe."""
    named = {
        name: table
        for name, table in section.items()
        if isinstance(table, Mapping) and any(each in table for each in OF_A_PROVIDER)
    }
    providers = named or {"": section}
    missing = [name for name in ALWAYS if not section.get(name)]
    for provider, table in providers.items():
        place = f"{provider}." if provider else ""
        missing += [f"{place}{name}" for name in OF_A_PROVIDER if not table.get(name)]
    if missing:
        yield f"[auth] lacks {', '.join(missing)}."
    secret = str(section.get("cookie_secret", ""))
    if secret and len(secret) < SHORTEST_SECRET:
        yield f"cookie_secret has {len(secret)} characters; take {SHORTEST_SECRET} at least."
    redirect = str(section.get("redirect_uri", ""))
    if redirect:
        parsed = urlparse(redirect)
        if not parsed.path.endswith("/oauth2callback"):
            yield f"redirect_uri is {redirect}; it must end with /oauth2callback."
        if parsed.scheme != "https" and not is_loopback(parsed.hostname):
            yield f"redirect_uri is {redirect}; without https anybody on the way can sign in."


def secrets_files() -> list[Path]:
    """Where Streamlit looks for secrets when it is started in the project folder, the last wins."""
    given = os.environ.get(SECRETS_VARIABLE)
    if given:
        return [Path(part).expanduser() for part in given.split()]
    return [folder / ".streamlit" / "secrets.toml" for folder in (Path.home(), PROJECT_ROOT)]


def _server() -> tuple[str | None, list[str]]:
    """Address and allowed hosts of the server, as environment and Streamlit's file give them."""
    config: dict[str, Any] = {}
    if STREAMLIT_CONFIG.exists():
        config = tomllib.loads(STREAMLIT_CONFIG.read_text(encoding="utf-8")).get("server", {})
    address = os.environ.get(ADDRESS_VARIABLE) or config.get("address")
    hosts = os.environ.get(HOSTS_VARIABLE)
    return address, hosts.split() if hosts is not None else config.get("allowedHosts", ["*"])


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine alone; False for None, which stands for all addresses."""
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
