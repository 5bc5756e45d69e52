#!/bin/sh
# Installs the unpacked archive: for everybody in /opt/fineray when run by root, else for this user alone.
#   ./fineray_VERSION.run                      install
#   ./fineray_VERSION.run -- --remove          remove it again; projects and settings stay
set -eu

if [ "$(id -u)" -eq 0 ]; then
    place=/opt/fineray bin=/usr/local/bin share=/usr/local/share
else
    place="$HOME/.local/opt/fineray" bin="$HOME/.local/bin" share="$HOME/.local/share"
fi

refresh() {
    command -v update-desktop-database >/dev/null && update-desktop-database -q "$share/applications" || true
    command -v update-mime-database >/dev/null && update-mime-database "$share/mime" || true
}

remove() {
    rm -rf "$place"
    rm -f "$bin/fineray" "$bin/fineray-window" "$share/applications/fineray.desktop" \
        "$share/mime/packages/fineray.xml" "$share/icons/hicolor/scalable/apps/fineray.svg"
}

if [ "${1:-}" = "--remove" ]; then
    remove
    refresh
    echo "Fineray was removed; projects and settings stay where they are."
    exit 0
fi

mkdir -p "$(dirname "$place")" "$bin" "$share/applications" "$share/mime/packages" "$share/icons/hicolor/scalable/apps"
remove  # an older version
cp -a fineray "$place"
ln -s "$place/fineray" "$bin/fineray"
ln -s "$place/fineray-window" "$bin/fineray-window"
sed "s|^Exec=fineray-window|Exec=$place/fineray-window|" fineray.desktop >"$share/applications/fineray.desktop"
cp fineray.xml "$share/mime/packages/"
cp fineray.svg "$share/icons/hicolor/scalable/apps/"
refresh
echo "Fineray is installed in $place. Start it from the menu, or with $bin/fineray"
