"""Networks that are never trained: VGG16, AlexNet, and LPIPS on both."""
