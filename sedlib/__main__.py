"""``python -m sedlib`` runs the command ``sedlib``."""

from sedlib.cli import main

main()
