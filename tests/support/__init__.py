"""Inputs that several tests build: prepared corpora, profiles."""
