"""The forgers of the built-in corpus: small, but each the real algorithm after which it is named.

They take :class:`~amdd.puppets.forgers.base.Source` objects only, and a Source needs a rendered person's
:class:`~amdd.puppets.person.people.Identity`: nothing here can be pointed at a photograph or a video file.
"""
