#!/bin/sh
# Make the menu entry, the icon and the file types known, where the desktop has what that takes.
command -v update-desktop-database >/dev/null && update-desktop-database -q /usr/share/applications
command -v update-mime-database >/dev/null && update-mime-database /usr/share/mime
command -v gtk-update-icon-cache >/dev/null && gtk-update-icon-cache -q /usr/share/icons/hicolor
exit 0
