"""Sound event detection in TV episodes.

Data flows one way, and each stage reads and writes files::

    audio -> features -> scores -> events -> metrics
"""

__version__ = "0.1.0"
