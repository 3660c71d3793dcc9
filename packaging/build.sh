#!/usr/bin/env bash
# build.sh VERSION BINARY OUT: packs the binary as a tarball and, where dpkg-deb is at hand, as a Debian package with the
# systemd unit, completions and a sample configuration.
set -euo pipefail
version=$1 binary=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$here/..
arch=$(dpkg --print-architecture 2>/dev/null || go env GOARCH)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$out"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}"

tree=$stage/carereach-$version
install -D -m 0755 "$binary" "$tree/carereach"
for f in README.md ARCHITECTURE.md CHANGELOG.md SECURITY.md THIRD_PARTY_NOTICES.md; do install -D -m 0644 "$root/$f" "$tree/$f"; done
install -D -m 0644 "$here/carereach.service" "$tree/carereach.service"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$stage" -czf "$out/carereach-$version-linux-$arch.tar.gz" "carereach-$version"

if command -v dpkg-deb >/dev/null; then
	deb=$stage/deb
	install -D -m 0755 "$binary" "$deb/usr/bin/carereach"
	install -D -m 0644 "$here/carereach.service" "$deb/lib/systemd/system/carereach.service"
	install -D -m 0755 "$here/postinst" "$deb/DEBIAN/postinst"
	for f in README.md CHANGELOG.md SECURITY.md THIRD_PARTY_NOTICES.md; do install -D -m 0644 "$root/$f" "$deb/usr/share/doc/carereach/$f"; done
	"$binary" completion bash >"$stage/bash" && install -D -m 0644 "$stage/bash" "$deb/usr/share/bash-completion/completions/carereach"
	"$binary" completion zsh >"$stage/zsh" && install -D -m 0644 "$stage/zsh" "$deb/usr/share/zsh/vendor-completions/_carereach"
	size=$(du -sk "$deb" | cut -f1)
	cat >"$deb/DEBIAN/control" <<CONTROL
Package: carereach
Version: $version
Architecture: $arch
Maintainer: Carereach <operations@carereach.invalid>
Installed-Size: $size
Depends: libc6, libstdc++6, libgcc-s1, adduser
Section: misc
Priority: optional
Description: population outreach and analytics for hospitals and clinics
 Takes visit and clinical facts from files, finds care gaps, targets and KPIs,
 and writes lists and an executive workbook.
CONTROL
	dpkg-deb --root-owner-group --build "$deb" "$out/carereach_${version}_$arch.deb" >/dev/null
fi
ls "$out"
