"""The packages that the images of the series come from, and the files in them.

Only files that somebody downloaded with the ordinary client of a registry are read; nothing is
fetched here.
"""

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60


@dataclass(frozen=True)
class Package:
    """A package by its name and version. ``pattern`` matches the name of its file."""

    kind: str  # "Debian" or "npm"
    name: str
    version: str
    pattern: str

    @property
    def command(self) -> str:
        """How to get its file."""
        if self.kind == "npm":
            return f"npm pack {self.name}@{self.version}"
        return f"apt-get download {self.name}={self.version}"

    @property
    def words(self) -> str:
        return f"{self.name} {self.version} ({self.kind})"


FASHION = Package(
    "Debian",
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "dataset-fashion-mnist_0.0*git20200523.55506a9-1_all.deb",
)
STAMPS = Package(
    "Debian",
    "tuxpaint-stamps-default",
    "2022.06.04-1",
    "tuxpaint-stamps-default_2022.06.04-1_all.deb",
)
ICONS = Package(
    "Debian", "oxygen-icon-theme", "5:5.103.0-1", "oxygen-icon-theme_*5.103.0-1_all.deb"
)
TWITTER = Package(
    "npm", "emoji-datasource-twitter", "16.0.0", "emoji-datasource-twitter-16.0.0.tgz"
)
GOOGLE = Package("npm", "emoji-datasource-google", "16.0.0", "emoji-datasource-google-16.0.0.tgz")


@dataclass(frozen=True)
class Downloads:
    """The folder where the files of packages lie."""

    folder: Path

    def file_of(self, package: Package) -> Path | None:
        return next(iter(sorted(self.folder.glob(package.pattern))), None)

    def check(self, packages: Sequence[Package]) -> None:
        """Raise ``BadInput`` that says how to get those that are missing."""
        missing = [one for one in dict.fromkeys(packages) if self.file_of(one) is None]
        if missing:
            commands = "; ".join(one.command for one in missing)
            raise BadInput(
                f"{len(missing)} packages are not in {self.folder}. Run there: {commands}. Without "
                "them, --datasets names those that can be made.",
                "packages",
            )

    def files(self, package: Package, beginning: str, ending: str) -> Iterator[tuple[str, bytes]]:
        """Regular files of a package by path, with their bytes, in the order of the package.

        Links are left out: they are other files once more. Raises ``BadInput`` where the package is
        not there.
        """
        self.check([package])
        path = self.file_of(package)
        assert path is not None
        content = path.open("rb") if path.suffix == ".tgz" else io.BytesIO(_data_of_deb(path))
        with content, tarfile.open(fileobj=content, mode="r|*") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                wanted = name.startswith(beginning) and name.endswith(ending)
                if wanted and member.isfile() and (file := archive.extractfile(member)):
                    yield name, file.read()


def _data_of_deb(path: Path) -> bytes:
    """The archive ``data.tar.*`` in a Debian package, which is an ``ar`` file: a header of 60 bytes
    before each member, name first, its size in bytes 48 to 58, padded to even places."""
    content = path.read_bytes()
    if not content.startswith(_AR_MAGIC):
        raise BadInput(f"{path} is not a Debian package.", "packages")
    place = len(_AR_MAGIC)
    while place + _AR_HEADER <= len(content):
        header = content[place : place + _AR_HEADER]
        size = int(header[48:58])
        place += _AR_HEADER
        if header[:16].startswith(b"data.tar"):
            return content[place : place + size]
        place += size + size % 2
    raise BadInput(f"{path} has no files in it.", "packages")
