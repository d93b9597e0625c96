"""A page in one file, from the scripts and styles in this folder."""

import base64
import hashlib
import json
from pathlib import Path

import jinja2

_FOLDER = Path(__file__).parent
# Only the script with this hash runs; nothing is loaded from anywhere.
_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'nonce-{nonce}'; "
    "img-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'"
)


def template_environment(*folders):
    """Return what fills the templates of this folder, and of others that come first."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, _FOLDER]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


_TEMPLATES = template_environment()


def assemble(title, body, style, script, data=None):
    """Build a page.

    Parameters
    ----------
    title : str
        Plain text.
    body, style, script : str
        HTML, CSS and JavaScript.
    data : object, optional
        What `json.dumps` accepts; the script finds it in the element ``data``.

    Returns
    -------
    str
    """
    nonce = hashlib.sha256(style.encode()).hexdigest()[:24]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    if data is not None:
        # No text of the data can end the element: < is written as an escape.
        data = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        data = data.replace("<", "\\u003c")
    policy = _POLICY.format(script=digest, nonce=nonce)
    texts = {"title": title, "body": body, "style": style, "script": script, "data": data}
    return fill("page.html.j2", policy=policy, nonce=nonce, **texts)


def read_parts(*names, folder=_FOLDER):
    """Read files of a folder, by default this one, and join them."""
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def fill(name, **values):
    """Fill a template of this folder."""
    return _TEMPLATES.get_template(name).render(values)
