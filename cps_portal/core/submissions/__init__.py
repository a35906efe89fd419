"""What people send with forms: once even if they press twice, and kept if it could not be accepted (R71)."""
