"""The `monster` command; the only package that knows both services."""
