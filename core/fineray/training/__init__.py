"""Recipes, features, heads and runs."""
