"""Loading a phase: plan, write in batches, verify, tell the ledger."""
