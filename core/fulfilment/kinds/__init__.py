"""Kinds of products: each file here is one, found by being in this folder; it holds its `KIND`."""
