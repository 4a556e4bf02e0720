"""AMDD: attribution-guided multimodal deepfake detection (arXiv 2604.26453), reproduced.

The rooms, in the order in which data passes them: profiles, paths, media, faces, spectrograms, corpora,
puppets, splits, prepare, clips, model, losses, training, evaluation, embeddings, gradcam, figures, claims,
pipeline, cli. A room imports only rooms that stand before it in this list.
"""

__version__ = "0.1.0"
