"""Everything that is ever uploaded: checked by its content, made anew, kept out of the web root (R25)."""
