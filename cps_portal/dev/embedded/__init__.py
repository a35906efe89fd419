"""Starts the whole portal with real servers from wheels: for development and tests only."""
