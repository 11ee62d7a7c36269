"""Training: recipes, layers, the loop and evaluation. Uses SLAYER, never Lava's runtime."""
