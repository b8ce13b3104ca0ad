"""Tasks: their six forms, and the catalogue of recipes."""
