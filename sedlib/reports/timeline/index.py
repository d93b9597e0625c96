"""The index of the pages in a folder."""

from operator import itemgetter

from sedlib.reports.timeline.assembly import assemble, fill, read_parts

_TITLE = "Detected events"


def index_page(entries):
    """Build the page that lists others, with a row for each class that was detected in each.

    Readers sort the rows by any column and choose a class.

    Parameters
    ----------
    entries : iterable of (str, str, float, dict)
        Of each page: the name of the recording, as plain text; the address of the page relative
        to that of the index, percent-encoded; the duration in seconds; and what
        `sedlib.reports.timeline.class_summary` returns.

    Returns
    -------
    str
        HTML.
    """
    body = fill("index.html.j2", title=_TITLE, entries=sorted(entries, key=itemgetter(0)))
    return assemble(_TITLE, body, read_parts("page.css"), read_parts("table.js", "index.js"))
