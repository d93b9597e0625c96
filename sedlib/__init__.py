"""Sound event detection in TV episodes.

Data flows one way, and each stage reads and writes files::

    audio -> features -> scores -> events -> metrics
"""

import os

__version__ = "0.1.0"

# Before TensorFlow is imported, which else fills the first cell of a notebook with notices.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors only
