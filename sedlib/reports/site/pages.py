"""Pages of the site: templates filled, with one frame around each."""

from pathlib import Path
from urllib.parse import quote

from sedlib.reports.timeline import assemble, page_colours, read_parts, template_environment

SITE = "Sound event detection in TV episodes"
_FOLDER = Path(__file__).parent
_TEMPLATES = template_environment(_FOLDER)
_TEMPLATES.filters["address"] = quote


def clock(seconds):
    """Write a time as ``minutes:seconds`` with one decimal."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


_TEMPLATES.filters["clock"] = clock


def render(template, title, classes=(), depth=1, **values):
    """Build a page.

    Parameters
    ----------
    template : str
        Name of the template of the page, a file in this folder.
    title : str
        Plain text.
    classes : sequence of str
        Those whose colours the page uses, by their numbers.
    depth : int
        How many folders the page lies below ``index.html``.
    **values
        For the template.

    Returns
    -------
    str
        HTML.
    """
    values |= {"title": title, "site": SITE, "top": "../" * depth, "classes": classes}
    body = _TEMPLATES.get_template(template).render(values)
    style = read_parts("page.css") + read_parts("site.css", folder=_FOLDER) + _colours(classes)
    script = read_parts("players.js") + read_parts("site.js", folder=_FOLDER)
    return assemble(title if title == SITE else f"{title} – {SITE}", body, style, script)


def _colours(classes):
    """Write rules that give the elements of class ``cN`` the colour of the class number N."""
    light, dark = [], []
    for number, colours in enumerate(page_colours(classes).values()):
        for rules, colour in zip((light, dark), colours, strict=True):
            rules.append(f".c{number} {{ --class: {colour}; }}")
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}\n"])
