"""All checks of an installation, one after another: ``headstart doctor``.

A check changes nothing that lasts: it writes a file or a row and takes it away again. None loads
Keras, except ``check_device``, which does so in a process of its own.
"""

from functools import partial

from core.errors import BadInput
from core.operations.check import Check, Checks, run_checks
from core.operations.database_checks import check_database, check_datasets
from core.operations.machine_checks import (
    check_device,
    check_disk,
    check_home,
    check_uploads,
    check_versions,
    check_weights,
)
from core.operations.sign_in import check_sign_in
from core.settings import current_settings


def check_installation(quick: bool = False, device: bool = False) -> list[Check]:
    """Check the installation that the environment names.

    ``quick``: only what can stop an installation that worked before (home, disk, database,
    workers), in well under a second. ``device``: load Keras in a child process, and look.
    """
    try:
        settings = current_settings()
    except BadInput as error:
        return [Check("settings", "problem", str(error))]
    parts: dict[str, Checks] = {
        "home": partial(check_home, settings),
        "disk": partial(check_disk, settings, measured=not quick),
        "database": partial(check_database, settings, quick),
    }
    if not quick:
        parts |= {
            "datasets": partial(check_datasets, settings),
            "weights": check_weights,
            "device": partial(check_device, asked=device),
            "versions": check_versions,
            "uploads": partial(check_uploads, settings),
            "sign-in": partial(check_sign_in, settings),
        }
    return [check for name, checks in parts.items() for check in run_checks(name, checks)]
