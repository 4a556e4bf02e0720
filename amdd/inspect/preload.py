"""Imports that every worker process needs, made once by the process from which they are forked."""

import amdd.inspect.inspector
import amdd.inspect.report  # noqa: F401
