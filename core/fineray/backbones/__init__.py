"""Pretrained CNNs: what they are, their weights, and how they turn images into features."""
