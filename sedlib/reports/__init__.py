"""Figures, cards and executed notebooks."""
