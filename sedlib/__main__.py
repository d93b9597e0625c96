"""``python -m sedlib`` is the command ``sedlib``."""

from sedlib.cli import main

main()
