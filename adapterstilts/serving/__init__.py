"""Answers over HTTP: what requests and answers look like, how requests wait, and how the server stops."""
