# SPDX-License-Identifier: GPL-2.0
# For scripts with "root: yes": mount the Debian root of the host, with all of its programs, in the
# guest. Files that a script writes there are lost when the guest ends.
# shellcheck shell=dash

DEBIAN=/debian

# mount_debian: mount the root at $DEBIAN, with this guest's devices, modules, tests and $MNT in it
mount_debian() {
	mountpoint -q $DEBIAN/root && return
	for _m in 9pnet_virtio 9p overlay; do modprobe -q $_m || :; done
	mkdir -p $DEBIAN/host $DEBIAN/new $DEBIAN/root
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro debian $DEBIAN/host
	mount -t tmpfs -o size=50% new $DEBIAN/new
	mkdir $DEBIAN/new/upper $DEBIAN/new/work
	mount -t overlay -o lowerdir=$DEBIAN/host,upperdir=$DEBIAN/new/upper,workdir=$DEBIAN/new/work \
		debian $DEBIAN/root
	for _d in /proc /sys /dev /run /tmp /selftests /modules "$MNT"; do
		mkdir -p "$DEBIAN/root$_d"
		mount --rbind "$_d" "$DEBIAN/root$_d"
		mount --make-rslave "$DEBIAN/root$_d"
	done
	rm -rf $DEBIAN/root/lib/modules
	cp -a /lib/modules $DEBIAN/root/lib/
}

# in_debian COMMAND...: run the command in that root, in the directory of the tests
in_debian() {
	# busybox's chroot would run its own applet of that name
	chroot $DEBIAN/root /usr/bin/env -C /selftests/dax -i HOME=/root LC_ALL=C.UTF-8 TEST_DIR=/mnt TEST_DEV=pmem \
		QA_CHECK_FS=1 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

umount_debian() {
	! mountpoint -q $DEBIAN/root || umount -R -l $DEBIAN/root
	umount $DEBIAN/new $DEBIAN/host 2>/dev/null || :
}
