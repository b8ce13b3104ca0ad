"""Rows in other languages: which of a row's texts are translated, with which model, and where translations lie."""
