"""Stages: planned as data, put into a graph, run by an engine."""
