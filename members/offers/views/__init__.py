"""The pages of offers, packs and cards: they parse and present."""
