"""What the commands do: options to a graph of stages, and its results."""
