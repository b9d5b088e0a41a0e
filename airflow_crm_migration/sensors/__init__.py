"""The gates of a migration as thin, deferrable Airflow sensors."""
