"""Streams as rows of a model, for views and for QML."""
