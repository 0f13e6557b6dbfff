# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Functions that the scripts of this directory share. A script sets $here to this directory and
# sources it. Outside the Debian root ("on the host") $cache is a host path, and in_root() enters the
# root. Inside, the checkout is always /rust-dax and the cache /cache, so that build products do not
# depend on the path of the checkout.

prog=${0##*/}
: "${here:?}"
checkout=$(cd "$here/../../.." && pwd -P)
# shellcheck source=tools/testing/nvdimm/versions
. "$here/versions"

if [ "${RUST_DAX_INSIDE:-}" = 1 ]; then
	cache=/cache
else
	cache=${RUST_DAX_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rust-dax}
fi
started=$(date +%s)
# step prints to the script's own standard output, even in a function whose output is redirected.
exec 3>&1

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "$prog" "$*" >&2
	exit 1
}

# Print a line of progress with the seconds since this script started.
step() {
	printf '[%4ds] %s\n' $(($(date +%s) - started)) "$*" >&3
}

# ticking TEXT PROBE COMMAND...: run the command, and print a line of progress every few seconds.
# PROBE is a shell command that prints how far the work is; its failure is ignored.
ticking() {
	_text=$1 _probe=$2
	shift 2
	(
		while sleep 4 && kill -0 $$ 2>/dev/null; do
			step "$_text: $(eval "$_probe" 2>/dev/null)"
		done
	) &
	_ticker=$!
	_status=0
	"$@" || _status=$?
	kill "$_ticker" 2>/dev/null
	wait "$_ticker" 2>/dev/null
	return $_status
}

# tool SCRIPT ARGUMENT...: run another script of this directory. The kernel kills it if this one dies.
tool() {
	_tool=$1
	shift
	setpriv --pdeathsig KILL "$here/$_tool" "$@"
}

# cargo_settings: print the environment of cargo in the root, as NAME=VALUE lines. Cargo downloads
# there like the cargo of this machine: with its configuration, CAs, variables and proxies, but without
# its tokens. It downloads to $cache/cargo, and builds in a target directory of this checkout's own.
cargo_settings() {
	_home=${CARGO_HOME:-${HOME:-/root}/.cargo}
	_config=/dev/null
	for _file in "$_home/config" "$_home/config.toml"; do
		[ ! -r "$_file" ] || _config=$_file
	done
	_cas=${CARGO_HTTP_CAINFO:-$(sed -n 's/^ *cainfo *= *"\(.*\)".*/\1/p' "$_config")}
	: "${_cas:=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}"
	same_file "$_config" "$cache/cargo/config.toml"
	if [ -r "$_cas" ]; then
		same_file "$_cas" "$cache/cargo/ca.pem"
		echo CARGO_HTTP_CAINFO=/cache/cargo/ca.pem
	fi
	env | grep -E '^(CARGO_(HTTP|NET|REGISTRY|REGISTRIES|SOURCE)_[A-Z0-9_]*|(https?|all|no)_proxy|(HTTPS|ALL|NO)_PROXY)=' |
		grep -Ev '^(CARGO_HTTP_CAINFO|[A-Z0-9_]*TOKEN)=' || :
	echo CARGO_HOME=/cache/cargo
	echo "CARGO_TARGET_DIR=/cache/build/cargo-$(printf '%s' "$checkout" | cksum | cut -d' ' -f1)"
}

# archive DIR: print a cpio archive for an initramfs. The same files give the same bytes: otherwise the
# kernel's instruction count would vary, as it parses the headers digit by digit. Resets the files' times.
archive() {
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible)
}

# same_file FROM TO: make TO a copy of FROM, atomically
same_file() {
	cmp -s "$1" "$2" && return
	mkdir -p "${2%/*}"
	(umask 077 && cat "$1" >"$2.$$") && mv "$2.$$" "$2"
}

# in_root COMMAND...: run the command in the Debian root. If $output is set, that directory is /build.
# The mounts are private to the command, and its processes die with it or with the caller, so that
# nothing stays behind however it ends.
in_root() {
	if [ "${RUST_DAX_INSIDE:-}" = 1 ]; then
		"$@"
		return
	fi
	[ "$(id -u)" = 0 ] || die "must run as root: it uses mount namespaces and chroot"
	[ -x "$cache/trixie/usr/bin/env" ] ||
		die "there is no environment in $cache; make it with $here/environment"
	# the settings come before the command, as arguments of env
	while IFS= read -r _setting; do
		set -- "$_setting" "$@"
	done <<-END
	$(cargo_settings)
	END
	# shellcheck disable=SC2016 # expanded by the inner shell
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private sh -c '
		cache=$1 checkout=$2 output=$3 root=$1/trixie
		shift 3
		mkdir -p "$root/rust-dax" "$root/cache" "$root/build" "$cache/ccache"
		mount -t proc proc "$root/proc" &&
		mount --rbind /dev "$root/dev" &&
		mount --bind "$checkout" "$root/rust-dax" &&
		mount --rbind "$cache" "$root/cache" || exit 1
		[ -z "$output" ] || mount --bind "$output" "$root/build" || exit 1
		exec chroot "$root" env -i HOME=/root TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 \
			PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin RUST_DAX_INSIDE=1 \
			RUST_DAX_ACCEL="${RUST_DAX_ACCEL:-}" \
			CCACHE_DIR=/cache/ccache CCACHE_BASEDIR=/cache CCACHE_MAXSIZE=10G \
			KBUILD_BUILD_TIMESTAMP=2026-01-01 KBUILD_BUILD_USER=rust-dax \
			KBUILD_BUILD_HOST=rust-dax "$@"
	' sh "$cache" "$checkout" "${output:-}" "$@"
}

# The lanes of the two tiers of tests.
DEFAULT_LANES='integrated ctwin fsdax stock core pmem lossy'
ALL_LANES="$DEFAULT_LANES core+fsdax core+pmem fsdax+pmem debug kcsan cfi"

# The lanes whose kernels recover the images of power cuts that the lane integrated makes.
RECOVERERS='ctwin'

# named_lanes PATTERN: print the lanes that occur in the pattern as words ("core" in "core/dm")
named_lanes() {
	for _word in $(printf '%s' "$1" | tr -d '\\' | tr -c 'a-z0-9+-' ' '); do
		! lane_components "$_word" >/dev/null || echo "$_word"
	done | sort -u
}

# The modules that guests need, of a distribution's kernel with thousands of modules.
GUEST_MODULES='libnvdimm nd_pmem nd_e820 nd_btt device_dax dax_pmem kmem nfit ext4 xfs loop dm_mod
	dm_log_writes dm_writecache dm_snapshot ramdax erofs virtio_pmem nd_virtio virtio_rng virtio_console virtio_pci virtio_blk
	crc32c_generic hwpoison_inject raid0 9p 9pnet_virtio overlay'

# lane_components LANE: print which components are Rust and which are C in the lane. A lane that is
# named after components has exactly these in Rust.
lane_components() {
	case $1 in
	integrated | debug | kcsan | cfi | lossy | mutant) _rust=core+fsdax+pmem ;;
	stock) _rust=pmem ;;
	ctwin) _rust= ;;
	core | fsdax | pmem | core+fsdax | core+pmem | fsdax+pmem) _rust=$1 ;;
	other) # the script "other" asked the kernel itself
		cat "$cache/lane/other/components" 2>/dev/null || echo core=c fsdax=c pmem=c e820=c
		return
		;;
	*) return 1 ;;
	esac
	for _component in core fsdax pmem; do
		case +$_rust+ in
		*+$_component+*) printf '%s=rust ' $_component ;;
		*) printf '%s=c ' $_component ;;
		esac
	done
	case $_rust in
	*pmem) echo e820=rust ;;
	*) echo e820=c ;;
	esac
}

# lane_kernel LANE: print kernel=fixed if the patches of tools/integrate/fixes are in the lane's kernel,
# else kernel=c. All that is built here has them but ctwin, which is C as it is.
lane_kernel() {
	case $1 in
	ctwin | stock) echo kernel=c ;;
	other) # some of them are not enough
		_fixes=$(sed -n 's/^CONFIG_RUST_DAX_FIXES="\(.*\)"$/ \1 /p' "$cache/lane/other/config" 2>/dev/null)
		for _fix in "$checkout"/tools/integrate/fixes/*.patch; do
			case $_fixes in
			*" $(basename "$_fix" .patch) "*) ;;
			*) echo kernel=c && return ;;
			esac
		done
		echo kernel=fixed
		;;
	*) echo kernel=fixed ;;
	esac
}
