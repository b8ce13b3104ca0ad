"""Modeling: backbone, heads, tuning methods, and how intermediate knowledge enters the target phase."""
