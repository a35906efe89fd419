"""What service centres and their systems do through the API (R34, R52, R55): the same actions as at the desk."""
