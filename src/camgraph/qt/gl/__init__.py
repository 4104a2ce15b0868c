"""Pictures drawn by a graphics card: their planes are uploaded as they come, and a shader does the rest."""
