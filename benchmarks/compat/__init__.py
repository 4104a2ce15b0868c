"""The compat family: the same graph through the documented API and through camgraph's own words."""
