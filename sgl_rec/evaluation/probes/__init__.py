"""Probes of embeddings that are no longer trained: tensors in, a dict of named figures out."""
