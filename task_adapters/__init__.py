"""The task catalogue: one folder for each task, found by its `task.yaml`."""
