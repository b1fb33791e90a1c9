#!/bin/sh
# Runs xfstests, the suite of those who write the kernel's filesystems, on two mounts of this checkout, and prints what failed.
#
#   XFSTESTS=/path/to/built/xfstests tests/yardstick/xfstests.sh [WHAT...]
#   IO=carried CATALOGUES='mysql://...one mysql://...two' XFSTESTS=... tests/yardstick/xfstests.sh -g auto
#
# $XFSTESTS is a checkout of xfstests (xfstests-dev at git.kernel.org), built (make) as its README says, with the users it names. WHAT is what
# its `check` takes; `-g quick`, ten minutes, when nothing is said. CATALOGUES are two empty databases, IO as in config.example.ts. It needs
# root, and for the time it runs /sbin/mount.fuse.cairn. One line of the checkout is changed: that fuse.cairn is fuse. Nothing of it belongs
# to this repository. The exit code is that of `check`.
set -eu

usage() {
	sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

[ -x "${XFSTESTS:-}/check" ] || usage
[ "$(id -u)" = 0 ] || usage
cairn=$(readlink -f -- "$(dirname -- "$0")/../../cairn")
helper=/sbin/mount.fuse.cairn
[ ! -e "$helper" ] || { echo "$helper is there already" >&2; exit 2; }

work=$(mktemp -d /var/tmp/cairn-xfstests-XXXXXX)
# Users of the suite go in and out.
chmod 755 "$work"
cleanup() {
	umount -l "$work/one/mnt" "$work/two/mnt" 2>/dev/null || true
	rm -f "$helper"
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

make_tree() {
	mkdir -p "$work/$1/mnt"
	cat >"$work/$1/config.ts" <<-END
		import { defineConfig } from 'cairn/config'
		export default defineConfig({ catalogue: '$2', mount: { io: '${IO:-auto}' }, classes: [{ name: 'default', pattern: '', copies: 1 }] })
	END
	"$cairn" init --config "$work/$1/config.ts"
	for node in 1 2 3; do
		mkdir "$work/$1/node$node"
		"$cairn" node add "node$node" "$work/$1/node$node" --config "$work/$1/config.ts"
	done
}

# shellcheck disable=SC2086
set -- "$@" -- ${CATALOGUES:-catalogue.db catalogue.db}
while [ "$1" != -- ]; do what="${what:-} $1"; shift; done
make_tree one "$2"
make_tree two "$3"

# What mount(8) calls for `mount -t fuse.cairn cairn:one MOUNTPOINT -o OPTIONS`. Its own names of devices the suite replaces wherever they are printed.
cat >"$helper" <<END
#!/bin/sh
tree=\${1#cairn:} mount_point=\$2
shift 2
exec "$(dirname -- "$cairn")/deploy/mount.cairn" "$work/\$tree/config.ts" "\$mount_point" "\$@" -o "fsname=cairn:\$tree"
END
chmod +x "$helper"

grep -q fuse.cairn "$XFSTESTS/common/rc" || sed -i "s#-e 's/fuse.ceph-fuse/ceph-fuse/'#& -e 's/fuse.cairn/fuse/'#" "$XFSTESTS/common/rc"
cat >"$work/local.config" <<END
export FSTYP=fuse FUSE_SUBTYP=.cairn
export TEST_DEV=cairn:one TEST_DIR=$work/one/mnt TEST_FS_MOUNT_OPTS=-oallow_other
export SCRATCH_DEV=cairn:two SCRATCH_MNT=$work/two/mnt MOUNT_OPTIONS=-oallow_other
END
# Of docs/OPERATING.md, "Known limits": times of access (003), devices (184, 306, 434) and set-id programs (633) in a mount that is nodev and
# nosuid; and of the kernel: a FUSE mount is no upper layer of overlayfs (631).
cat >"$work/exclude" <<END
generic/003
generic/184
generic/306
generic/434
generic/631
generic/633
END

cd "$XFSTESTS"
# shellcheck disable=SC2086
HOST_OPTIONS=$work/local.config ./check -E "$work/exclude" ${what:--g quick}
