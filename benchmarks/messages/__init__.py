"""The messages family: from a program to its processes and back, into a slot of Qt."""
