"""Content of items in a run: read and encoded, placed by a tower, and items the run has never seen."""
