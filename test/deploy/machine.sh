#!/bin/sh
# A small machine in namespaces of its own: this computer's files, on which it can write without changing any, no
# network but loopback, and systemd with the few units that are named here. Run by unshare: machine.sh <empty directory>
# <package> <node>
set -eu
here=$1 package=$2 node=$3
units=/usr/lib/systemd/system

mount -t tmpfs tmpfs "$here"
mkdir "$here/changes" "$here/work" "$here/root" "$here/package" "$here/package-work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$here/changes,workdir=$here/work" "$here/root"
cd "$here/root"

# A copy of the package that can be built in, wherever it lies here.
mkdir -p usr/src/mailbox-chat
mount -t overlay overlay -o "lowerdir=$package,upperdir=$here/package,workdir=$here/package-work" usr/src/mailbox-chat
# Node and npm must be where a service may see them.
case "$node" in
  /usr/*) ;;
  *)
    cp "$node" usr/local/bin/node
    ln -s "$(dirname "$node")/npm" usr/local/bin/npm
    ;;
esac

mkdir -p "$here/units"
for unit in basic.target sysinit.target multi-user.target sockets.target slices.target timers.target paths.target \
  network.target network-online.target shutdown.target systemd-journald.service systemd-journald.socket \
  systemd-journald-dev-log.socket nginx.service caddy.service; do
  cp ".$units/$unit" "$here/units/"
done
mount --bind "$here/units" ".$units"
rm -rf etc/systemd/system usr/lib/systemd/system-generators/* usr/sbin/policy-rc.d etc/nginx/sites-enabled/default
mkdir etc/systemd/system
ln -s multi-user.target ".$units/default.target"
mkdir ".$units/sockets.target.wants"
ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket ".$units/sockets.target.wants/"
rm -rf var/log/journal
# In a container these are mounts of their own, which are not among the files.
cp --dereference --remove-destination /etc/hosts /etc/resolv.conf etc/
echo '127.0.0.1 chat.example.org' >>etc/hosts

mount --rbind /dev dev
mount --rbind /sys sys
umount -l sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup 2>/dev/null || mount -t tmpfs tmpfs sys/fs/cgroup
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up

pivot_root . mnt
umount -l /mnt
export container=mailbox-chat-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec /lib/systemd/systemd --log-target=console --log-level=warning </dev/null
