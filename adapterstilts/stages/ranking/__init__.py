"""Ranking intermediate models for a target by a few of its English examples."""
