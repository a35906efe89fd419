"""Everything that writes offers, Welcome Packs and cards."""
