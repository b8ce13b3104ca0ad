"""One's own data in the place of a task."""
