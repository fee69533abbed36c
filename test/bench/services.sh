# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # variables of dpdk and of the libraries that it sources
#
# Services in the guest's kernel, which reaches the network through net_tap beside the driver:
#
#     guest: service - tap0 - testpmd io - net_xenfront   - vifd                    - up0 --- eth0 host: client
#     guest: service - tap0 - testpmd io - net_virtio_user - testpmd io, net_vhost  - up0 --- eth0 host: client
#
# The clients' and services' processes share the two CPUs with the two polling programs.
#
#   services          measures tap (iperf3), redis (its own benchmark) and chain (wrk, nginx, redis)

service_pids= tap_guests=
: "${service_seconds:=3}"

# forward NAME WORD... -- ARGUMENT...: NAME's testpmd between the device of the ARGUMENTs and its tap0
tap_words() { printf -- '--vdev net_tap0,iface=tap0,mac=%s' "$(mac_of "$1")"; }
forward_words=(-i --port-topology=paired --no-flush-rx --disable-link-check --total-num-mbufs=8192)

tap_vifd() {
	local name number
	vifd_start '[daemon]' "workers = $SIM_WORKERS" 'memory_mb = 256' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
	for name in $tap_guests; do
		number=${name#g}
		guest_create "$name" mac="$(mac_of "$number")" || die "$name was not created"
		# shellcheck disable=SC2046
		tp_wrap="ip netns exec $(ns "$name")" guest_testpmd "$name" "${guest_dom[$name]}" -- \
			$(tap_words "$number") -- "${forward_words[@]}"
	done
}

tap_vhost() {
	local name=g1
	guest_number[g1]=1
	tp_wrap="ip netns exec $(ns dom0)" tp_start back 1 -- -m 256 --vdev net_af_packet0,iface=up0 \
		--vdev "net_vhost1,iface=$VIFD_SIM/vhost1.sock,queues=1" -- "${forward_words[@]}"
	tp_ready back
	# shellcheck disable=SC2046
	tp_wrap="ip netns exec $(ns $name)" tp_start g1 0 -- -m 128 \
		--vdev "net_virtio_user0,path=$VIFD_SIM/vhost1.sock,queues=1,mac=$(mac_of 1)" $(tap_words 1) -- "${forward_words[@]}"
	tp_ready g1
	tp_say back 'set fwd io' start
}

tap_start() {
	local name
	running=$1 tap_guests=$2
	for name in $tap_guests; do ns_create "$name"; done
	"tap_$running"
	# shellcheck disable=SC2086
	tp_ready $tap_guests
	for name in $tap_guests; do
		tp_say "$name" 'set fwd io' start
		in_ns "$name" ip addr add "$(guest_ip "$name")/24" dev tap0
		in_ns "$name" ip link set tap0 up
	done
	for name in $tap_guests; do
		wait_for 15 "$name's network" in_ns host ping -c 1 -W 1 "$(guest_ip "$name")" || die "$running: $name is not reached"
	done
}

tap_stop() {
	local pid name
	for pid in $service_pids; do end "$pid" || true; done
	service_pids=
	session_stop
	for name in $tap_guests; do ip netns del "$(ns "$name")"; done
	guest_number=()
}

# serve NAME COMMAND...: a service in the guest
serve() {
	local name=$1
	shift
	ip netns exec "$(ns "$name")" "$@" >>"$SIM_LOGS/services.log" 2>&1 &
	service_pids="$service_pids $!"
}
listens() { in_ns "$1" ss -ltn | grep -q ":$2 "; }

redis_serve() {
	serve "$1" redis-server --bind 0.0.0.0 --protected-mode no --save '' --appendonly no --dir "$VIFD_SIM"
	wait_for 10 redis listens "$1" 6379 || die "redis does not listen"
}

measure_tap() {
	service_note tap_tcp_to_guest "$1" "$(tcp_mbps host g1 "$service_seconds")"
	service_note tap_tcp_from_guest "$1" "$(tcp_mbps g1 host "$service_seconds")"
}

# Prints requests per second
redis_benchmark() {
	in_ns host timeout 20 redis-benchmark -h "$(guest_ip g1)" -n 20000 -c 16 -t "$1" --csv |
		awk -F'"' -v t="$1" 'tolower($2) == t { print $4 }'
}

measure_redis() {
	local test
	redis_serve g1
	for test in set get; do service_note redis_$test "$1" "$(redis_benchmark $test)"; done
}

nginx_config() {
	cat <<-END
		load_module /usr/lib/nginx/modules/ndk_http_module.so;
		load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
		daemon off; master_process off; pid $VIFD_SIM/nginx.pid; error_log $SIM_LOGS/nginx.log;
		events { }
		http {
			access_log off; client_body_temp_path $VIFD_SIM; proxy_temp_path $VIFD_SIM; fastcgi_temp_path $VIFD_SIM;
			uwsgi_temp_path $VIFD_SIM; scgi_temp_path $VIFD_SIM;
			server {
				listen 8080;
				location / { content_by_lua_block {
					local client = require("nginx.redis"):new()
					assert(client:connect("$1", 6379))
					ngx.say(client:incr("visits"))
					client:set_keepalive(10000, 16)
				} }
			}
		}
	END
}

# wrk on the host asks nginx in g1, which asks redis in g2
measure_chain() {
	local out
	redis_serve g2
	nginx_config "$(guest_ip g2)" >"$VIFD_SIM/nginx.conf"
	serve g1 nginx -p "$VIFD_SIM" -c "$VIFD_SIM/nginx.conf"
	wait_for 10 nginx listens g1 8080 || die "nginx does not listen"
	out=$(in_ns host timeout 60 wrk -t 1 -c 8 -d "$service_seconds" "http://$(guest_ip g1):8080/" | tee -a "$SIM_LOGS/services.log")
	service_note chain "$1" "$(awk '/^Requests\/sec/ { print $2 }' <<<"$out")"
	check chain_answers_not_200 "$(awk '/Non-2xx/ { print $NF; seen = 1 } END { if (!seen) print 0 }' <<<"$out")" "== 0"
}

# service_note CASE SYSTEM FIGURE: one that is missing fails the run, which goes on
service_note() {
	if [ -z "$3" ] || [ "$3" = 0 ]; then
		say "FAILED: $2 $1: no figure (logs: $SIM_LOGS)"
		failed=$((failed + 1))
		return
	fi
	say "$1 $2 $3"
	echo "$1 $2 1 $3" >>"$SIM_LOGS/services"
}

# may_run PART PACKAGE:FILE...: says which packages a part lacks
may_run() {
	local part=$1 word lacking=
	shift
	has "$parts" "$part" || return 1
	for word in "$@"; do
		[ -e "${word#*:}" ] || lacking="$lacking ${word%%:*}"
	done
	[ -z "$lacking" ] || say "skip $part: these packages are missing:$lacking; remedy: test/deps --bench"
	[ -z "$lacking" ]
}

services() {
	local system file
	local redis=(redis-server:/usr/bin/redis-server redis-tools:/usr/bin/redis-benchmark)
	: >"$SIM_LOGS/services"
	for system in $systems; do
		! may_run tap || { tap_start "$system" g1; measure_tap "$system"; tap_stop; }
		! may_run redis "${redis[@]}" || { tap_start "$system" g1; measure_redis "$system"; tap_stop; }
	done
	if has "$systems" vifd && may_run chain "${redis[@]}" wrk:/usr/bin/wrk nginx-light:/usr/sbin/nginx \
		libnginx-mod-http-lua:/usr/lib/nginx/modules/ngx_http_lua_module.so lua-nginx-redis:/usr/share/lua/5.1/nginx/redis.lua; then
		tap_start vifd "g1 g2"
		measure_chain vifd
		tap_stop
	fi
}

services_report() {
	local case system round value unit
	while read -r case system round value; do
		unit=requests/s
		[[ $case != tap_* ]] || unit=Mbit/s
		figure "${case}_$system" "$value" "" $unit
	done <"$SIM_LOGS/services"
	for case in tap_tcp_to_guest tap_tcp_from_guest redis_set redis_get; do
		value=$(ratio "$SIM_LOGS/services" $case vifd vhost)
		[ -z "$value" ] || figure "${case}_vs_vhost" "$value" "" ""
	done
}
