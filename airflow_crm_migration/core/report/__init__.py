"""The report of a run: facts from staging, as a page to read and as CSV files beside it."""
