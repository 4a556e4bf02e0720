"""PuppetAV, the built-in corpus: rendered people who speak synthetic speech, and genuine small forgers.

Nobody here exists. The head model derives from MakeHuman's CC0 data; skins, hair, clothes, rooms and voices are
made by rule from a seed.
"""
