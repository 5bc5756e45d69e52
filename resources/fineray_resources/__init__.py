"""Files that ship with Fineray: the manifest of backbones, icons, style."""
