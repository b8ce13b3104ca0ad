"""What a GPU computes in another way than `torch` would have it do so: without waiting for the host."""
