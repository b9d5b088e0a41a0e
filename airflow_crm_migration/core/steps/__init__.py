"""The steps, each a function of a run and the hooks it needs: operators only hand these in."""
