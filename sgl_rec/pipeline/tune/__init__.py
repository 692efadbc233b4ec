"""tune: the settings of a method by a search on validation."""
