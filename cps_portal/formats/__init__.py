"""How dates and times are written and typed, by language (FORMAT_MODULE_PATH)."""
