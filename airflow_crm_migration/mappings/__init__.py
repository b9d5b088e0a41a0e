"""The platform pairs: one YAML file says what becomes what."""
