"""The API for service centres and their systems (R34, R52, R55). It calls the same actions as the desk."""
