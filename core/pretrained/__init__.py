"""VGG16 with ImageNet weights: where they come from, what they give, and features kept on disk."""
