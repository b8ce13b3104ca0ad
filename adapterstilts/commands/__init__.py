"""Studies: a grid of stages, and the table it answers with."""
