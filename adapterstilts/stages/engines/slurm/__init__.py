"""Stages as jobs of Slurm: how they are submitted, what a job does, and how it is watched what becomes of them."""
