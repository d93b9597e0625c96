"""Checking a folder of recordings and annotations before training on it."""

from sedlib.check.rules import (
    DURATIONS,
    SEVERITIES,
    CheckError,
    Report,
    as_json,
    check_folder,
    render,
    write_corrected,
)

__all__ = [
    "DURATIONS",
    "SEVERITIES",
    "CheckError",
    "Report",
    "as_json",
    "check_folder",
    "render",
    "write_corrected",
]
