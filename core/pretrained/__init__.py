"""The ImageNet weights of VGG16 and the features that its frozen base gives."""
