"""Duplicates: found exactly first and fuzzily then, decided by people where in doubt."""
