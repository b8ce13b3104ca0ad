"""Reporting: intervals and tables."""
