"""Answers of trained models, of classifiers on frozen vectors and of prompted decoders, and their evaluation."""
