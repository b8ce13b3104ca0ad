"""Studies: many commands' worth of stages as one question, with the statistics that answer it."""
