"""Everything that writes for the service centres and their tickets."""
