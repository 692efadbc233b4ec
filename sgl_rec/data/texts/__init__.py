"""Texts to learn from: a sentence a line, tables of texts (labelled, in pairs, scored), inference."""
