"""Routing: from which source the sale draws first, worked out off its path and kept with its reasons."""
