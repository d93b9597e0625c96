"""Sound event detection in TV episodes.

Data flows one way, and each stage reads and writes files::

    audio -> features -> scores -> events -> metrics
"""

import os

__version__ = "0.1.0"

# What TensorFlow logs after its import would stand in red below the cells of a notebook.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors only
