"""What the steps do, in plain Python: no Airflow and no HTTP, only paths and hooks handed in."""
