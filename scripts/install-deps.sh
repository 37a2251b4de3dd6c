#!/bin/sh
# Installs what Slipway needs from Debian 12, if it is missing: nothing is done on a machine that has
# it all. Usage: install-deps.sh build | test   (test includes build)
set -eu

BUILD="gcc meson ninja-build pkg-config make git ca-certificates python3
nginx-light nginx-dev liblmdb-dev libmicrohttpd-dev libssl-dev libjansson-dev libsqlite3-dev
libp11-kit-dev libpq-dev libcurl4-openssl-dev libargon2-dev libarchive-dev libzstd-dev
libmaxminddb-dev openssl liboath-dev libqrencode-dev oathtool libcjose-dev libfido2-dev libhiredis-dev
python3-django"
TEST="clang clang-tidy valgrind libclang-rt-14-dev clang-format libcmocka-dev postgresql-15 pgbouncer
python3-pytest python3-pytest-xdist python3-cryptography
libnginx-mod-http-geoip2 chromium fonts-dejavu-core softhsm2 opensc minisign
python3-aiosmtpd wrk apache2-utils lmdb-utils curl rpm sqlite3 glewlwyd redis-server redis-tools"

case "${1:-build}" in
build) WANTED=$BUILD ;;
test) WANTED="$BUILD $TEST" ;;
*) echo "usage: install-deps.sh build|test" >&2; exit 2 ;;
esac

missing=
for package in $WANTED; do
	dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
		missing="$missing $package"
done
# Node.js may also come from elsewhere than Debian.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	missing="$missing nodejs npm"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "Slipway needs these Debian packages:$missing" >&2
	echo "Install them as root (apt-get install ...) or run this as a user with sudo." >&2
	exit 1
fi
echo "Installing from Debian:$missing"

# The packaged nginx and PostgreSQL would start services of their own and take their ports;
# Slipway runs its own nginx. policy-rc.d is Debian's way to say no, for the time of this run.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
	trap '$as_root rm -f "$policy"' EXIT
fi
log=$(mktemp)
# shellcheck disable=SC2086  # a list of words
if ! { $as_root apt-get update -qq -o Acquire::Retries=1 -o APT::Update::Error-Mode=any &&
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -5 "$log" >&2
	rm -f "$log"
	echo "The packages could not be installed; apt says why above. Is there a network?" >&2
	exit 1
fi
rm -f "$log"
