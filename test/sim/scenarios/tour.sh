# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What an admin types, and what vifctl answers: test/recording makes the pictures of doc/tour.md from this
#
#     web, db, mail -- vifd --+-- vf0, vf1 (two VFs) ---- pf0, pf1 --+-- br0 in "host"
#                             +-- the switch -- up0 --------- eth0 --+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
vifctl() { "$SIM_TOP/$BUILD/vifctl" "$@"; }
key() { xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/$2" 2>/dev/null; }
path_is() { [ "$(key "$1" path)" = "$2" ]; }

typed()
{
	printf '$ %s\n' "$*"
	eval "$*" 2>&1 || true
	echo
}

in_ns host ip link add br0 type bridge
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up
wire vf0 pf0
wire vf1 pf1
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic lan]' 'uplink = up0' 'devices = vf0 vf1'
for name in web db mail; do
	guest_create $name
	guest_start $name
done
for name in web db; do wait_for 30 "$name on a VF" path_is $name vf; done

echo "--- recording list: Three guests, two VFs"
typed vifctl list
typed vifctl vfs
typed vifctl nics
echo "--- recording move: A guest leaves its VF, another one gets it"
typed vifctl move web software
wait_for 30 "mail on a VF" path_is mail vf
typed vifctl list
echo "--- recording rules: A rule, and where each one comes from"
typed vifctl set web rate=625000,50000 vlan-filter=10,20-29 allow-untagged=1
typed "vifctl show --why web | head -n 16"
typed vifctl set web vlan-filter=10,4095
echo "--- end"
check_true "web in software" path_is web software
check_true "mail has the VF" path_is mail vf
check "packets that web's ping lost" "$(ping_lost web host 5)" "== 0"
