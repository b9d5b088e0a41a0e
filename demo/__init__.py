"""A made-up customer moves between two emulators: what ``make demo`` and ``make up`` show."""
