"""Data: sources of canonical rows, release formats, splits, tokenised features and batches."""
