"""The index of the pages in a folder."""

import html
from dataclasses import dataclass

from sedlib.reports.timeline.assembly import assemble, fill, read_parts

_TITLE = "Detected events"
_HEADINGS = (
    *("recording", "length (min)", "class", "events"),
    *("length of events (s)", "mean score", "peak score"),
)


@dataclass(frozen=True)
class IndexEntry:
    """A page in the index.

    Attributes
    ----------
    name : str
        Of the recording, as plain text.
    link : str
        Address of the page relative to that of the index, percent-encoded.
    duration : float
        In seconds.
    classes : dict of str to dict
        As `sedlib.reports.timeline.class_summary` returns it.
    """

    name: str
    link: str
    duration: float
    classes: dict


def index_page(entries):
    """Build the page that lists others, with a row for each class that was detected in each.

    Readers sort the rows by any column and choose a class.

    Parameters
    ----------
    entries : iterable of IndexEntry

    Returns
    -------
    str
        HTML.
    """
    entries = sorted(entries, key=lambda entry: entry.name)
    rows = []
    for entry in entries:
        link = html.escape(entry.link)
        for label, values in entry.classes.items() or [("", {})]:
            address = f"{link}#t={values['best']:.3f}" if values else link
            rows.append(
                f'<tr><td><a href="{address}">{html.escape(entry.name)}</a></td>'
                + _number(entry.duration / 60, "{:.2f}")
                + (f"<td>{html.escape(label)}</td>" if values else "<td>nothing detected</td>")
                + _number(values.get("events"), "{:.0f}")
                + _number(values.get("seconds"), "{:.2f}")
                + _number(values.get("mean"), "{:.2f}")
                + _number(values.get("peak"), "{:.2f}")
                + "</tr>"
            )
    headings = "".join(
        f'<th scope="col"><button>{html.escape(text)}</button></th>' for text in _HEADINGS
    )
    total = sum(entry.duration for entry in entries)
    number = f"{len(entries)} recording{'' if len(entries) == 1 else 's'}"
    body = fill(
        "index.html",
        title=_TITLE,
        facts=f"{number}, {total / 60:.1f} minutes. A link opens the timeline "
        "at the event with the highest score.",
        headings=headings,
        rows="\n".join(rows),
    )
    return assemble(_TITLE, body, read_parts("page.css"), read_parts("table.js", "index.js"))


def _number(value, format):
    if value is None:
        return '<td class="number" data-value="">–</td>'
    return f'<td class="number" data-value="{value}">{format.format(value)}</td>'
