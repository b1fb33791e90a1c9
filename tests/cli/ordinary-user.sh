#!/bin/sh
# Run by ordinary-user.test.ts as a user who is not root: mounts, works in the mount, ends it with Ctrl-C. $1 is his directory.
set -eu
cairn=$(dirname "$(readlink -f -- "$0")")/../../cairn
home=$1
mounted() { grep -q " $home/d/combined fuse.cairn " /proc/self/mounts; }

HOME=$home "$cairn" up "$home/d" --nodes 2 --no-api --no-replicator >"$home/said" 2>&1 &
up=$!
tries=0
until mounted; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 $up 2>/dev/null; then
		cat "$home/said" >&2
		exit 1
	fi
	sleep 0.1
done
timeout 20 sh -euc '
	cd "$1/d/combined"
	mkdir directory
	echo content >directory/f
	mv directory/f directory/g
	ln -s g directory/pointer
	cat directory/pointer
	stat -c "%n %U %a" directory/g
	chmod 600 directory/g
	stat -c %a directory/g
	! chown 0 directory/g 2>/dev/null
' sh "$home"
cat "$home"/d/node?/directory/g
timeout 20 "$cairn" umount "$home/d/combined"
wait $up
! mounted
echo unmounted
# Of what mount(8) takes fusermount3 does not know all.
HOME=$home "$cairn" mount "$home/d/combined" --config "$home/d/config.ts" -o noatime,nodiratime,dirsync
mounted
timeout 20 "$cairn" umount "$home/d/combined"
