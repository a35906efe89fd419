"""Limits on how often something may be tried, counted in PostgreSQL: an outage of the cache lifts none of them."""
