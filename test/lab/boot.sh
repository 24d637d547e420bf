#!/usr/bin/env bash
# Boots a tree that system.sh made: `boot.sh TREE FOLDER NAME`. systemd is
# process 1 of namespaces of its own, in the network of the caller; what it
# writes goes to memory, and the tree stays as it is. It runs until this gets a
# SIGTERM. FOLDER is for mounts that nobody else sees; NAME, which is that of a
# lab, is that of the control group, which is gone with it.
set -euo pipefail

readonly tree=$1 folder=$2 name=$3

mount --make-rprivate /
mkdir -p "$folder"
mount -t tmpfs tmpfs "$folder"
mkdir "$folder"/{groups,upper,work,root}

# A group of its own below that of the caller, and those of the dead.
mount -t cgroup2 cgroup2 "$folder/groups"
own=$folder/groups$(sed -n 's/^0:://p' /proc/self/cgroup)
remove() { find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true; }
for group in "$own"/lr-*-*; do
	owner=${group##*/lr-}
	kill -0 "${owner%%-*}" 2>/dev/null || remove "$group"
done
mkdir "$own/$name"

root=$folder/root
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$folder/upper,workdir=$folder/work" "$root"
mkdir -p "$root"/{proc,sys,dev,run,tmp,root,var/tmp,etc/systemd/system}
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root"/dev/{shm,pts}
ln -s pts/ptmx "$root/dev/ptmx"
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
echo "root:x:0:0::/root:/bin/sh" >"$root/etc/passwd"
echo "root:x:0:" >"$root/etc/group"
# Else this is a first boot, and systemd enables all that there is.
echo 00000000000000000000000000000001 >"$root/etc/machine-id"
# Nothing of what a machine does at its start: it would be done to ours.
rm -rf "$root"/{usr/,}lib/systemd/system/*.wants
cat >"$root/etc/systemd/system/default.target" <<-'END'
	[Unit]
	Description=What runs in a lab
	Requires=basic.target systemd-journald.service
	After=basic.target systemd-journald.service
	Wants=multi-user.target
END

# In here the script is process 1: systemd takes its place.
# shellcheck disable=SC2016  # the inner shells fill these in
unshare --pid --fork --kill-child --uts --ipc --mount --propagation private \
	bash -euc 'echo 0 >"$2/cgroup.procs"; exec unshare --cgroup bash -euc "$3" boot "$1"' boot "$root" "$own/$name" '
		mount -t proc proc "$1/proc"
		mount --bind "$1/proc/sys" "$1/proc/sys"
		mount -o remount,bind,ro "$1/proc/sys"
		mount -t sysfs -o ro sysfs "$1/sys"
		mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
		cd "$1"
		# A mere chroot would have no place for the mounts of sandboxes.
		mkdir old
		pivot_root . old
		cd /
		umount -l old
		rmdir old
		exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
	' </dev/null &
machine=$!
# Its process 1 takes all others with it, and is waited for.
trap 'kill -KILL $(<"/proc/$machine/task/$machine/children")' TERM
while ! wait "$machine" && kill -0 "$machine" 2>/dev/null; do :; done
remove "$own/$name"
