"""List a folder with all folders below it, and the archives in it; links are followed with care."""

import os
import stat
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from core.datasets.reading import raw_files
from core.datasets.reading.archive import is_archive_name
from core.datasets.reading.inner_archives import InnerArchive
from core.datasets.reading.members import Opening
from core.datasets.reading.raw_files import Listing, bad_source, is_ignored, shown_name
from core.settings import current_settings
from core.text import count_text

NO_FILE = "a device, not a file"
LEADS_AWAY = (
    "links that lead out of the folders that may be read here; put the files in place of the links"
)
LEADS_NOWHERE = "links that lead to nothing, or back to a folder around them"


@dataclass(frozen=True)
class _File:
    """A file under its name in the listing; ``path`` is where it is, links followed."""

    name: str
    path: Path
    size_bytes: int
    by_link: bool

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


def list_folder(root: Path, opening: Opening) -> tuple[Listing, list[InnerArchive]]:
    """The files below a folder, and the archives among them.

    A link is the file or folder that it leads to. In a folder that pages may add
    (``settings.import_folders``) it must not lead out of those folders: whoever put it there may
    not be allowed to read what is elsewhere. Anywhere else the folder was given on the command
    line, by somebody who reads all that with their own rights. A file in ``root`` that links in it
    lead to is listed under their names alone. Raises ``BadInput`` above the limits, ``Cancelled``.
    """
    listing, archives = Listing(), []
    walk = _Walk(root, _where_links_may_lead(root.resolve()), opening, listing)
    files = _listed_once(walk.files(), listing)
    backslash_separates = not any("/" in file.name for file in files)
    for file in files:
        is_archive = is_archive_name(file.name)
        limit = raw_files.LARGEST_TOTAL_BYTES if is_archive else raw_files.LARGEST_TABLE_BYTES
        problem = f"larger than {limit // 1024**3} GiB" if file.size_bytes > limit else None
        opener = partial(open_file, file.path)
        added = listing.add(file.name, file.size_bytes, opener, problem, backslash_separates)
        opening.packed_bytes += file.size_bytes
        if added is not None and is_archive:
            listing.files.pop()
            archives.append(InnerArchive(added, partial(opening.open_file, file.path)))
    total_bytes = sum(file.size_bytes for file in listing.files)
    if total_bytes > raw_files.LARGEST_TOTAL_BYTES:
        raise bad_source(
            f"{root}: {total_bytes / 1024**3:.1f} GiB of files;"
            f" the limit is {raw_files.LARGEST_TOTAL_BYTES // 1024**3} GiB."
        )
    opening.files, opening.bytes = len(listing.files), total_bytes
    return listing, archives


def _where_links_may_lead(root: Path) -> list[Path]:
    shared = current_settings().import_folders
    return [*shared] if any(map(root.is_relative_to, shared)) else [Path(root.anchor)]


def _listed_once(files: Sequence[_File], listing: Listing) -> list[_File]:
    """Without the files of other folders that links lead to: the links are how they were sorted.

    A link beside its file is one more name of it, as sets of icons have.
    """
    linked: dict[Path, set[str]] = defaultdict(set)
    for file in files:
        if file.by_link:
            linked[file.path].add(file.folder)
    kept = [file for file in files if file.by_link or linked.get(file.path, set()) <= {file.folder}]
    if len(kept) < len(files):
        count = count_text(len(files) - len(kept), "file")
        listing.notes.append(f"{count} to which links in other folders lead: listed there.")
    return kept


class _Walk:
    """Finds the files below a folder; refuses in the listing what cannot be read."""

    def __init__(
        self, root: Path, allowed: Sequence[Path], opening: Opening, listing: Listing
    ) -> None:
        self._root, self._allowed = root, allowed
        self._opening, self._listing = opening, listing
        self._files: list[_File] = []
        self._folders = 0
        self._links: dict[str, list[str]] = {LEADS_AWAY: [], LEADS_NOWHERE: []}

    def files(self) -> list[_File]:
        self._go(self._root.resolve(), "", (), by_link=False)
        for reason, names in self._links.items():
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            if names:  # one sentence for all
                self._listing.refuse(f"{shown_name(names[0])}{more}", reason)
        return self._files

    def _go(self, folder: Path, prefix: str, around: tuple[Path, ...], by_link: bool) -> None:
        """``folder`` and ``around``, the folders above it, are where they are, links followed."""
        self._opening.check_stop()
        self._folders += 1
        if len(around) > raw_files.DEEPEST_FOLDERS:
            self._listing.refuse(prefix, f"more than {raw_files.DEEPEST_FOLDERS} folders deep")
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            shown = prefix or str(folder)
            self._listing.refuse(shown, f"the folder cannot be read ({error.strerror})")
            return
        around, before = (*around, folder), len(self._files)
        for entry in entries:
            # The file system gives names that are not valid Unicode with surrogates in them.
            name = prefix + os.fsencode(entry.name).decode("utf-8", "replace")
            path = folder / entry.name
            if entry.is_symlink():
                path, problem = self._followed(path, around)
                if problem is not None:
                    self._links[problem].append(name)
                    continue
            linked = by_link or entry.is_symlink()
            if not entry.is_dir():
                self._add(name, path, linked)
            elif not is_ignored((entry.name,)):
                self._go(path, f"{name}/", around, linked)
        names = (file.name.rpartition("/")[2] for file in self._files[before:])
        if all(is_ignored((name,)) for name in names):
            self._listing.add_empty_folder(prefix)

    def _followed(self, link: Path, around: Sequence[Path]) -> tuple[Path, str | None]:
        """Where a link leads in the end, and why it is not followed."""
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):  # the latter: links that lead to each other
            return link, LEADS_NOWHERE
        if not any(target.is_relative_to(folder) for folder in self._allowed):
            return target, LEADS_AWAY
        return target, LEADS_NOWHERE if target in around else None

    def _add(self, name: str, path: Path, by_link: bool) -> None:
        if max(len(self._files), self._folders) >= raw_files.MOST_FILES:
            raise bad_source(
                f"{self._root}: more than {raw_files.MOST_FILES} files, which is the limit."
            )
        try:
            status = path.stat()
        except OSError as error:  # moved away meanwhile, or in a folder that only lists its names
            self._listing.refuse(name, f"the file cannot be read ({error.strerror})")
            return
        if stat.S_ISREG(status.st_mode):
            self._files.append(_File(name, path, status.st_size, by_link))
        else:
            self._listing.refuse(name, NO_FILE)


def open_file(path: Path) -> BinaryIO:
    return open(path, "rb")
