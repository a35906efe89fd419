"""Uploaded files: checked by their content, re-encoded, stored outside the web root (R25)."""
