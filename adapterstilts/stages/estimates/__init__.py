"""What stages will take, and what they took: data, operations, time, memory, disk."""
