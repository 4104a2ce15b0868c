"""The wall family: what showing many streams costs, and how late it makes the rest of the GUI."""
