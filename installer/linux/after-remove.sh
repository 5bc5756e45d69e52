#!/bin/sh
# Forget the menu entry and the file types. Projects and settings belong to the users and stay.
command -v update-desktop-database >/dev/null && update-desktop-database -q /usr/share/applications
command -v update-mime-database >/dev/null && update-mime-database /usr/share/mime
command -v gtk-update-icon-cache >/dev/null && gtk-update-icon-cache -q /usr/share/icons/hicolor
exit 0
