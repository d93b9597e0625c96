"""The table of events by file and class."""

from sedlib.names import printable

_GAP = "  "


def count_table(outcomes, classes, width=80):
    """Lay out the number of events of each file and class as a text.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Files without a result are left out.
    classes : sequence of str
        Classes of the model. Those without any event are left out.
    width : int
        Characters of a line. Columns that do not fit follow below, with the files again.

    Returns
    -------
    str
        Lines with a row for each file and a last one for all; empty if there is no event.
    """
    done = [outcome for outcome in outcomes if not outcome.fault]
    names = [printable(outcome.path) for outcome in done]
    columns = [
        (printable(label).split(), [outcome.events.get(label, 0) for outcome in done])
        for label in classes
    ]
    columns = [(words, counts) for words, counts in columns if any(counts)]
    if not columns:
        return ""
    columns.append((["all"], [sum(outcome.events.values()) for outcome in done]))
    if len(done) > 1:
        names.append("all files")
        columns = [(words, [*counts, sum(counts)]) for words, counts in columns]
    margin, blocks = max(map(len, names)), []
    room = 0
    for column in columns:
        needed = len(_GAP) + _width(column)
        if needed > room:
            blocks.append([])
            room = width - margin
        blocks[-1].append(column)
        room -= needed
    return "\n\n".join(_lay_out(names, margin, block) for block in blocks)


def _width(column):
    words, counts = column
    return max(map(len, [*words, *map(str, counts)]))


def _lay_out(names, margin, columns):
    """Lay out columns that fit beside the names; each word of a heading has a line of its own."""
    height = max(len(words) for words, _ in columns)
    cells = [
        [*[""] * (height - len(words)), *words, *map(str, counts)] for words, counts in columns
    ]
    lines = []
    for row, name in enumerate([*[""] * height, *names]):
        values = (
            f"{own[row]:>{_width(column)}}" for own, column in zip(cells, columns, strict=True)
        )
        lines.append(_GAP.join([f"{name:<{margin}}", *values]).rstrip())
    return "\n".join(lines)
