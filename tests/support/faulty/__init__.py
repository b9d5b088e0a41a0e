"""Migrations that things happen to: drawn from a seed, counted, and looked at afterwards."""
