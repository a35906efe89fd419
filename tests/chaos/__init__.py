"""`make chaos`: members use the portal over HTTP while its parts are killed; nothing is lost or doubled (R38, R71)."""
