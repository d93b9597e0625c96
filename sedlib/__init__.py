"""Sound event detection in TV episodes.

Data flows one way, and each arrow is a pure step with a file format::

    audio -> features -> scores -> events -> metrics
"""

__version__ = "0.1.0"
