# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Creates roots of a Debian release in folders, and runs commands in them. To be sourced.
#
#   suite_of N                      prints the code name of Debian N; "newest" is testing
#   root_make N ROOT PACKAGE...     makes a minimal Debian N in the folder ROOT, plus these packages
#   root_run ROOT TREE COMMAND...   runs a command in ROOT, in the folder TREE of it. Its mounts and processes end
#                                   with it. ROOT_NET=none: with a loopback and no other network.
#   root_bind=(DIR...)              folders that root_run makes appear in ROOT, at the same path

root_bind=()

root_error() { echo "$(basename "$0"): $*" >&2; exit 1; }

suite_of() {
	case $1 in
		12) echo bookworm ;;
		13) echo trixie ;;
		newest) echo forky ;;
		*) root_error "Debian release '$1' is not known here; 12, 13 and newest are" ;;
	esac
}

# Prints the mirror that this machine uses, or Debian's own
root_mirror() {
	local mirror
	# shellcheck disable=SC2016 # apt expands it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -E '/debian/?$' | head -n 1)
	echo "${mirror:-http://deb.debian.org/debian}"
}

# Prints the settings by which this machine's apt reaches it, and asks again where a mirror fails
root_apt_conf() {
	apt-config dump | grep -iE '^Acquire::(https?::Proxy|Check-Valid-Until)' || true
	echo 'Acquire::Retries "6";'
}

root_make() {
	local suite root=$2
	[ "$(id -u)" -eq 0 ] || root_error "making a Debian root needs root"
	suite=$(suite_of "$1")
	shift 2
	command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install --yes --no-install-recommends debootstrap >/dev/null
	echo "$(basename "$0"): making a root of Debian $suite in $root" >&2
	rm -rf "$root"
	mkdir -p "$root"
	# The script is named because an older debootstrap has none for a newer suite, and they are all the same.
	if ! { debootstrap --variant=minbase "$suite" "$root" "$(root_mirror)" sid &&
		root_apt_conf >"$root/etc/apt/apt.conf.d/00mirror" &&
		chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q install --yes \
			--no-install-recommends "$@"; } >"$root.log" 2>&1; then
		tail -n 5 "$root.log" >&2
		root_error "it failed, see $root.log"
	fi
}

root_run() {
	local root=$1 tree=$2
	shift 2
	# The process namespace ends all processes that the command leaves behind.
	unshare --mount ${ROOT_NET:+--net} --pid --fork --kill-child bash -c '
		set -eu
		root=$1 tree=$2 binds=$3; shift 3
		mount --bind "$root" "$root" # "ip netns exec" wants / to be a mount
		for dir in $binds; do
			mkdir -p "$root$dir"
			mount --bind "$dir" "$root$dir"
		done
		mount --rbind /dev "$root/dev"
		mount -t proc proc "$root/proc"
		mount -t sysfs sysfs "$root/sys"
		[ -z "${ROOT_NET:-}" ] || ip link set lo up
		exec chroot "$root" /usr/bin/env -u CC -C "$tree" PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
	' bash "$root" "$tree" "${root_bind[*]}" "$@"
}
