"""Which of the known layouts a source has; by content, not by name."""

from core.datasets.reading.class_folders import label_by_folder
from core.datasets.reading.columns import Columns
from core.datasets.reading.export_notes import as_exported, take_export_notes
from core.datasets.reading.idx import idx_images
from core.datasets.reading.labelled_table import label_by_table
from core.datasets.reading.pixel_table import pixel_table_images
from core.datasets.reading.raw_files import Listing
from core.datasets.reading.reader import LabelledFiles, PixelImages


def recognise(listing: Listing, columns: Columns) -> LabelledFiles | PixelImages:
    """The images of a source with their labels.

    Tried in this order: IDX files, tables of pixels, pictures named in a table, class folders.
    ``columns`` are what the user said about a table. Raises ``BadInput``, and ``ColumnsUnclear``
    where only the user can say what a column holds.
    """
    notes = take_export_notes(listing)
    pixels = idx_images(listing) or pixel_table_images(listing, columns)
    if pixels is not None:
        return pixels
    files = label_by_table(listing, columns)
    if files is not None:
        return LabelledFiles("pictures with a table of labels", as_exported(files, notes))
    return LabelledFiles("class folders", as_exported(label_by_folder(listing), notes))
