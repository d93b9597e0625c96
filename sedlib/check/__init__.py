"""Checking a folder of recordings and annotations before training on it.

`measure` reads the folder, every media file once; `rules` judges what was read and yields
`findings`; `render` writes the report as text, as JSON and as corrected annotations.
"""

from sedlib.check.findings import Finding, Report
from sedlib.check.render import as_json, refuse_target, render, write_corrected
from sedlib.check.rules import check_folder
