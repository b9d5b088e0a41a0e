"""Stand-in servers that obey the published rules of the CRMs they stand for."""
