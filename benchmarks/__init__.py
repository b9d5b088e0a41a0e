"""Measures a migration against the limits that it is held to, never against a bare clock."""
