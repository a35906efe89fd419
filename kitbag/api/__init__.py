"""What partners read of the catalogue, and what retailers confirm (R55)."""
