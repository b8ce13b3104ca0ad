"""Models in the formats of the libraries that their parts come from: writing them, and reading what others wrote."""
