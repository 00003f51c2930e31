"""The layouts that can be read, and which of them a source has."""

from core.datasets.reading import class_folders, idx, labelled_table, pixel_table
from core.datasets.reading.columns import Columns
from core.datasets.reading.export_notes import as_exported, take_export_notes
from core.datasets.reading.raw_files import Listing
from core.datasets.reading.reader import LabelledFiles, PixelImages, Reader

# Asked in this order; the first that recognises its layout is used. Class folders come last: they
# fit nearly everything, and raise an error that describes them where they do not.
READERS: tuple[Reader, ...] = (idx, pixel_table, labelled_table, class_folders)


def recognise(listing: Listing, columns: Columns) -> LabelledFiles | PixelImages:
    """The images of a source with their labels, in the layout that it has.

    ``columns`` is what the user chose of a table. Raises ``BadInput``, and ``ColumnsUnclear``
    where only the user can say what a column holds.
    """
    notes = take_export_notes(listing)
    answers = (reader.recognise(listing, columns) for reader in READERS)
    found = next(answer for answer in answers if answer is not None)
    if isinstance(found, LabelledFiles):
        return LabelledFiles(found.read_as, as_exported(found.files, notes))
    return found
