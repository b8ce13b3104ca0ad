"""The models that a command starts from or asks, wherever they are."""
