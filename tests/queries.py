"""What every page costs besides its own queries."""

SNAPSHOT_QUERIES = 4  # in a test: savepoint, read only, and back (cps_portal/core/lib/snapshot.py)
