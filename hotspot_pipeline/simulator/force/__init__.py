"""The fictional force as ground: outline, towns, cells, streets, areas, premises. Not here: what happens on it."""
