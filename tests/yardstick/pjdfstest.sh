#!/bin/sh
# Runs pjdfstest, a POSIX suite of others, inside a mount and prints the totals.
#
#   PJDFSTEST=/path/to/built/pjdfstest tests/yardstick/pjdfstest.sh MOUNTPOINT [TEST...]
#
# $PJDFSTEST is a checkout of https://github.com/pjd/pjdfstest, built (autoreconf -ifs && ./configure && make); it needs
# root and perl's prove. TEST names a directory or file below its tests/, rename or open/00.t; without one all are run.
# Nothing of it belongs to this repository. The exit code is 0 when no assertion failed.
set -eu

usage() {
	sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

[ $# -ge 1 ] || usage
[ -x "${PJDFSTEST:-}/pjdfstest" ] || usage
mount_point=$1
shift
[ -d "$mount_point" ] || { echo "$mount_point is not a directory" >&2; exit 2; }

work=$mount_point/pjdfstest-$$
log=${TMPDIR:-/tmp}/pjdfstest-$$.log
mkdir "$work"
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

for test in "${@:-.}"; do set -- "$@" "$PJDFSTEST/tests/$test"; shift; done
[ $# -gt 0 ] || set -- "$PJDFSTEST/tests"

status=0
(cd "$work" && prove -r "$@") >"$log" 2>&1 || status=$?

sed -n '/^Test Summary Report/,$p' "$log"
tail -n 3 "$log" | grep -E '^(Files=|Result:)' || true
failed=$(grep -Eo 'Failed: [0-9]+\)' "$log" | grep -Eo '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }')
# A run on a directory that turns out not to be mounted says nothing about the mount.
echo "filesystem: $(findmnt -n -o FSTYPE -T "$work")"
echo "failed assertions: $failed; whole output: $log"
exit "$status"
