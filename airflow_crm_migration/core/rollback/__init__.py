"""Taking back what an engagement did in one environment."""
