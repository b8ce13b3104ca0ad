"""The table of a transfer: which rows it has, the stages of each, and what sets them apart."""
