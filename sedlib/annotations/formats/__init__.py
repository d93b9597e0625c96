"""One file a format of annotations."""
