"""The import of TensorFlow, without the notices that its libraries write to standard error.

No setting hides all of them. Packages that compute with Keras import this module first.
"""

import importlib
import os
import sys
from contextlib import contextmanager


@contextmanager
def native_messages_hidden():
    """Hide what libraries that are not written in Python write to standard error."""
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


with native_messages_hidden():
    importlib.import_module("tensorflow")
