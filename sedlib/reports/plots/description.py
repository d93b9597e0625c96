"""Figures in words, for those who do not see them."""

import re

import numpy as np
from matplotlib.collections import (
    FillBetweenPolyCollection,
    PathCollection,
    PolyCollection,
    QuadMesh,
)
from matplotlib.container import BarContainer

from sedlib.names import counted

_LENGTH = 400  # characters; readers of a screen cannot skim
_MANY = 4  # panels or lines, above which they are summarised together
_PLACES = ("left", "center", "right")  # of the title of a panel


def describe_figure(figure):
    """Say in words what a figure shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
        The titles of its panels, what is on their axes, the legends, and the main values that are
        drawn, to two significant digits: the smallest and largest bar, dot, median, or cell of a
        matrix, each with its name; where lines begin and end. Without any of these, the texts in
        it. Long lists are shortened to their first and last entries.
    """
    shown = [ax for ax in figure.axes if ax.get_visible()]
    panels = [ax for ax in shown if ax.get_label() != "<colorbar>"]
    scales = [ax for ax in shown if ax.get_label() == "<colorbar>"]
    legends = [legend for ax in panels if (legend := ax.get_legend())] + figure.legends
    lists = {
        "": [figure.get_suptitle(), *(ax.get_title(place) for ax in panels for place in _PLACES)],
        "Horizontal: ": [figure.get_supxlabel(), *(ax.get_xlabel() for ax in panels)],
        "Columns: ": [name for ax in panels for name in _names(ax.xaxis).values()],
        "Vertical: ": [figure.get_supylabel(), *(ax.get_ylabel() for ax in panels)],
        "Rows: ": [name for ax in panels for name in _names(ax.yaxis).values()],
        "Colour: ": [_scale(ax) for ax in scales],
        "Legend: ": [text.get_text() for legend in legends for text in legend.get_texts()],
    }
    if not any(text for words in lists.values() for text in words):
        lists["Texts: "] = [text.get_text() for ax in panels for text in ax.texts]
    lists["Shown: "] = _compare(panels) if len(panels) > _MANY else _summarise(panels)
    lists = {
        name: [" ".join(text.split()) for text in dict.fromkeys(words) if text.strip()]
        for name, words in lists.items()
    }
    start = f"Figure with {counted(len(panels), 'panel')}."
    for name in sorted(lists, key=lambda name: -len("".join(lists[name]))):
        if len(_join(start, lists)) <= _LENGTH:
            break
        words = lists[name]
        if name != "Shown: " and len(words) > 2:
            lists[name] = [f"{len(words)} from {words[0]} to {words[-1]}"]
    return _join(start, lists)


def _join(start, lists):
    """Join the lists of words, each of which becomes a sentence unless it is empty."""
    sentences = [f"{name}{'; '.join(words)}." for name, words in lists.items() if words]
    return " ".join([start, *sentences])


def _names(axis):
    """Name the places along an axis that has names and not numbers."""
    places = axis.get_majorticklocs()
    texts = axis.get_major_formatter().format_ticks(places)  # also where panels share the labels
    if not any(re.search(r"[^\W\d]{2}", text) for text in texts):
        return {}
    return dict(zip(map(float, places), texts, strict=True))


def _nearest(names, place):
    """Return the name nearest to a place on an axis."""
    return names[min(names, key=lambda at: abs(at - place))] if names else ""


def _scale(ax):
    """Describe a colour bar: what the colours mean, and where they begin and end."""
    label = ax.get_ylabel() or ax.get_xlabel()
    low, high = ax.get_ylim() if ax.get_ylabel() else ax.get_xlim()
    return f"{label}, {_number(low)} to {_number(high)}" if label else ""


def _number(value):
    """Write a number to two significant digits."""
    return f"{float(f'{value:.2g}') + 0.0:g}"


def _range(what, values, names):
    """Say what the smallest and the largest of some values are, and whose."""
    texts = [_number(value) for value in values]
    ends = []
    for text in (_number(np.min(values)), _number(np.max(values))):
        name = names[texts.index(text)] if texts.count(text) == 1 else ""
        ends.append(f"{text} ({name})" if name else text)
    return f"{what} {' to '.join(dict.fromkeys(ends))}"


def _compare(panels):
    """Compare the lines of many panels by their highest points."""
    highest = {
        (_title(ax).partition("\n")[0]): max(line.get_ydata().max() for line in lines)
        for ax in panels
        if (lines := _lines(ax))
    }
    if len(set(map(_number, highest.values()))) < 2:
        return []
    return [_range("highest point of a panel", list(highest.values()), list(highest))]


def _summarise(panels):
    """Describe the main values of each of a few panels."""
    found = {ax: texts for ax in panels if (texts := _values(ax))}
    titles = {ax: f"{title}: " if (title := _title(ax)) and len(panels) > 1 else "" for ax in found}
    return [titles[ax] + ", ".join(texts) for ax, texts in found.items()]


def _title(ax):
    """Return what tells a panel from others."""
    titles = (ax.get_title(place) for place in _PLACES)
    return next(filter(None, [*titles, ax.get_ylabel(), ax.get_xlabel()]), "")


def _values(ax):
    """Describe the main values of a panel."""
    rows, columns = _names(ax.yaxis), _names(ax.xaxis)
    series = {}  # by what is drawn: values and names
    for what, values, names in (*_containers(ax, rows, columns), *_collections(ax, rows, columns)):
        known = series.setdefault(what, ([], []))
        known[0].extend(values)
        known[1].extend(names)
    texts = [_range(what, *known) for what, known in series.items() if len(known[0])]
    return texts if rows else texts + _courses(_lines(ax))


def _containers(ax, rows, columns):
    """List bars, and the medians of box plots."""
    for container in ax.containers:
        if isinstance(container, BarContainer):
            lying = container.orientation == "horizontal"
            if not len((ax.xaxis if lying else ax.yaxis).get_ticklocs()):
                continue  # their lengths have no meaning
            names = rows if lying else columns
            centres = [
                bar.get_y() + bar.get_height() / 2 if lying else bar.get_x() + bar.get_width() / 2
                for bar in container
            ]
            yield "bars", container.datavalues, [_nearest(names, at) for at in centres]
        elif rows and (medians := getattr(container, "medians", None)):
            centres = [line.get_ydata().mean() for line in medians]
            values = [line.get_xdata().mean() for line in medians]
            yield "medians", values, [_nearest(rows, at) for at in centres]


def _collections(ax, rows, columns):
    """List dots, cells of matrices, areas and the numbers of bars over time."""
    counts = {}
    for drawn in ax.collections:
        if isinstance(drawn, PathCollection) and rows and len(drawn.get_offsets()):
            places = np.asarray(drawn.get_offsets())
            white = np.all(drawn.get_facecolor()[:, :3] == 1)
            kind = "white dots" if white else "filled dots"
            yield kind, places[:, 0], [_nearest(rows, at) for at in places[:, 1]]
        elif isinstance(drawn, QuadMesh) and rows:
            yield _cells(drawn, rows, columns)
        elif isinstance(drawn, FillBetweenPolyCollection):
            heights = np.concatenate([path.vertices[:, 1] for path in drawn.get_paths()])
            yield "area", heights, [""] * len(heights)
        elif isinstance(drawn, PolyCollection) and rows:
            for path in drawn.get_paths():
                (start, low), (stop, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)
                if stop <= ax.get_xlim()[0] or start >= ax.get_xlim()[1]:
                    continue  # not in view
                own = counts.setdefault(round(high - low, 2), dict.fromkeys(rows.values(), 0))
                own[_nearest(rows, (low + high) / 2)] += 1
    for thickness, own in counts.items():
        kind = "numbers of bars" if thickness == max(counts) else "numbers of thin bars"
        yield kind, list(own.values()), list(own)


def _cells(mesh, rows, columns):
    """List the cells of a matrix; without names of columns, the highest value of each row."""
    edges, values = mesh.get_coordinates(), np.ma.filled(mesh.get_array().astype(float), np.nan)
    at_row, at_column = edges[:, 0, 1], edges[0, :, 0]
    row_names = [_nearest(rows, at) for at in (at_row[:-1] + at_row[1:]) / 2]
    if not columns:
        return "highest value of a row", np.nanmax(values, axis=1), row_names
    column_names = [_nearest(columns, at) for at in (at_column[:-1] + at_column[1:]) / 2]
    names = [f"{row}, {column}" for row in row_names for column in column_names]
    known = ~np.isnan(values.ravel())
    kept = [name for name, one in zip(names, known, strict=True) if one]
    return "values", values.ravel()[known], kept


def _lines(ax):
    """List the lines of a panel that are drawn in its own units, with their values."""
    lines = [line for line in ax.lines if line.get_transform() == ax.transData]
    return [line for line in lines if np.isfinite(np.asarray(line.get_ydata(), float)).any()]


def _courses(lines):
    """Say where lines begin and end, and where they lie between."""
    named = [line for line in lines if not line.get_label().startswith("_")]
    if not named and lines:
        values = np.concatenate([np.asarray(line.get_ydata(), float) for line in lines])
        what = "line" if len(lines) == 1 else f"{len(lines)} lines"
        return [_range(what, values[np.isfinite(values)], [""] * len(values))]
    values = {}
    for line in named:
        heights = np.asarray(line.get_ydata(), float)
        values[line.get_label()] = heights[np.isfinite(heights)]
    if len(values) > _MANY:
        return [_range("lines end at", [own[-1] for own in values.values()], list(values))]
    texts = []
    for label, own in values.items():
        ends = [_number(own[0]), _number(own[-1])]
        text = f"{label} {ends[0]}" if len(own) == 1 else f"{label} from {' to '.join(ends)}"
        for extreme, words in ((own.min(), "at least"), (own.max(), "at most")):
            if _number(extreme) not in ends:
                text += f" ({words} {_number(extreme)})"
        texts.append(text)
    return texts
