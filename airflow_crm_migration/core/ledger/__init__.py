"""The ledger of one environment: written ahead, settled after a crash, never rewritten."""
