"""Servers to compare the API with: the raw limit, and REST framework as its tutorial uses it."""
