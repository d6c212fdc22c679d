"""The steps, one file for each, in the order of their numbers."""
