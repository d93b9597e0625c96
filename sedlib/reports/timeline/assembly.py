"""A page in one file, from the scripts and styles in this folder."""

import base64
import hashlib
import html
import json
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent
# Only the script with this hash runs; nothing is loaded from anywhere.
_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'nonce-{nonce}'; "
    "img-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'"
)
_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style nonce="$nonce">
$style</style>
</head>
<body>
$body$data<script>$script</script>
</body>
</html>
""")


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
    holder = ""
    if data is not None:
        # No text of the data can end the element: < is written as an escape.
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text = text.replace("<", "\\u003c")
        holder = f'<script type="application/json" id="data">{text}</script>\n'
    return _PAGE.substitute(
        policy=_POLICY.format(script=digest, nonce=nonce),
        title=html.escape(title),
        nonce=nonce,
        style=style,
        body=body,
        data=holder,
        script=script,
    )


def read_parts(*names, folder=_FOLDER):
    """Read files of a folder, by default this one, and join them."""
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def fill(name, **texts):
    """Put HTML into the placeholders of a file in this folder."""
    return Template(read_parts(name)).substitute(texts)
