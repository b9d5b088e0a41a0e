"""The steps of a migration as thin Airflow operators, one class per file."""
