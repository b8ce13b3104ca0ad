"""What a stage is, where finished ones are, and where they come from."""
