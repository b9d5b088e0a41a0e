"""Templates for what people read."""
