"""Exports for archives: run, corpus, models, packages, and metadata of the repository, in the formats that archives read."""
