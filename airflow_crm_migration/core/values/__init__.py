"""Values as people typed them, made into the form that :mod:`..fields` lists; pure functions."""
