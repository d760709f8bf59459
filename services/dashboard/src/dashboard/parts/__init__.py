"""Builders of what pages are made of: nodes, chips, times, cards, tables."""
