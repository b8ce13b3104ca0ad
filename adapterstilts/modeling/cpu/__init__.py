"""What a CPU computes sooner than torch does by itself."""
