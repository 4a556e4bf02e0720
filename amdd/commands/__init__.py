"""The commands of ``amdd``, by what they work on."""
