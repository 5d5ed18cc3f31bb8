#!/bin/sh
# Runs a command in a network namespace of its own: nothing outside can be reached, and a scene may
# cut the network without touching anybody else's. Browsers want one address that is not loopback.
set -eu
if [ "${MOOT_TEST_IN_NAMESPACE:-}" != 1 ]; then
  export MOOT_TEST_IN_NAMESPACE=1
  if [ "$(id -u)" = 0 ]; then exec unshare --net "$0" "$@"; fi
  exec unshare --map-root-user --net "$0" "$@"
fi
ip link set lo up
ip link add moot0 type veth peer name moot1
ip address add 10.77.0.1/24 dev moot0
ip -6 address add fd77::1/64 dev moot0 nodad
ip link set moot0 up
ip link set moot1 up
# Firefox offers only addresses that lead somewhere.
ip route add default dev moot0
exec "$@"
