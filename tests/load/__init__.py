"""A day of members and staff over HTTP, faster and faster, until pages are slow. By hand: `make load`."""
