"""The start family: how soon a program goes on, and how soon pictures move."""
