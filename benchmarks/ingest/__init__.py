"""The ingest family: CPU time to receive, decode and publish live cameras."""
