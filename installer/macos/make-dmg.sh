#!/bin/sh
# A disk image from the Fineray.app that installer/build makes on a Mac (docs/installing.md).
#   installer/macos/make-dmg.sh [IDENTITY]     IDENTITY: a Developer ID to sign with; without one it is signed ad hoc
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
work=build/installer/cpu
app="$work/dist/Fineray.app"
[ -d "$app" ] || { echo "Run installer/build first: $app is not there." >&2; exit 1; }
codesign --force --deep --options runtime --sign "${1:--}" "$app"
stage=$(mktemp -d)
cp -R "$app" "$stage/"
ln -s /Applications "$stage/Applications"
hdiutil create -volname "Fineray $version" -srcfolder "$stage" -ov -format UDZO "$work/fineray_${version}_arm64.dmg"
rm -rf "$stage"
