"""Errors that a user can correct."""

import importlib


class SedlibError(ValueError):
    """A fault that the user can correct; the message names the place, the fault and the remedy."""


def import_extra(module, extra, what):
    """Import a module of an optional package; raise a `SedlibError` that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise SedlibError(
            f"{what} needs the package '{missing}', which is not installed; install the extra "
            f"'{extra}', as in `pip install -e '.[{extra}]'`"
        ) from None
