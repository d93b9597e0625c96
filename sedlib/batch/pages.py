"""The page of each recording, and the index of the pages in an output folder."""

import os
from functools import partial
from urllib.parse import quote

from sedlib.batch.names import INDEX
from sedlib.batch.record import Record
from sedlib.files import write_text
from sedlib.names import printable


def make_page(task, detected, description, options, reference=None):
    """Build the page of a recording.

    Parameters
    ----------
    task : sedlib.batch.Task
    detected : sedlib.detection.Detection
    description : dict
        Of the model.
    options : sedlib.batch.Options
    reference : sedlib.batch.reference.Reference, optional

    Returns
    -------
    page : str
        HTML.
    facts : dict
        What the record keeps of it for the index.
    """
    from sedlib.detection import FRAMES
    from sedlib.reports import timeline

    level = description[FRAMES] if options.hop == FRAMES else description
    own = None if reference is None else reference.of_file(task.path, detected.duration)
    page = timeline.timeline_page(
        task.path,
        description["classes"],
        scores=detected.scores,
        thresholds=level["thresholds"] | options.thresholds,
        events=detected.events,
        reference=own,
        title=printable(task.path.name),
        track=options.track,
        duration=detected.duration,
        annotated=None if own is None else reference.classes,
    )
    address = quote(os.fsencode(task.page))
    return page, {
        "page": address,
        "classes": timeline.class_summary(detected.scores, detected.events),
    }


def write_index(output, overwrite=False):
    """Write the index of all pages that `sedlib detect` wrote to a folder, in this run or before.

    Parameters
    ----------
    output : pathlib.Path
    overwrite : bool
        Whether an ``index.html`` that this function did not write may be replaced.

    Raises
    ------
    SedlibError
        If it cannot be written.
    """
    from sedlib.reports import timeline

    record = Record(output, overwrite)
    pages = record.pages()
    entries = [(e.name.removesuffix(".html"), e.page, e.duration, e.classes) for e in pages]
    record.write_alone(INDEX, partial(write_text, timeline.index_page(entries)))
