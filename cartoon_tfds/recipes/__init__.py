"""Recipes: how the examples of a dataset are made from photographs."""
