"""A distribution of somebody else's: a CRM to read from, one to write to, and the pair of both."""
