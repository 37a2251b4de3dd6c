#!/usr/bin/env bash
# `make run`: starts Slipway on its embedded default and walks through its main job on real packages.
# Everything is kept in ./slipway-data (SLIPWAY_DATA) and, what the walk needs beside it, in
# ./slipway-data.demo; a second run starts again on the same data. A walk that was interrupted goes
# on: each of its steps finds what is there already. SLIPWAY_HTTPS and SLIPWAY_HTTP choose other
# addresses; SLIPWAY_DATABASE=postgresql://… another database; SLIPWAY_EXIT=1 stops after the walk.
set -euo pipefail
cd "$(dirname "$0")/.."

ROOT=$PWD
BUILD=$(realpath -m "${BUILD:-build}")
DATA=$(realpath -m "${SLIPWAY_DATA:-slipway-data}")
HTTPS=${SLIPWAY_HTTPS:-127.0.0.1:8443}
HTTP=${SLIPWAY_HTTP:-127.0.0.1:8080}
DATABASE=${SLIPWAY_DATABASE:-sqlite}
DEMO=$DATA.demo
URL=https://$HTTPS
export PATH=$BUILD:$PATH SLIPWAY_SERVER=$URL SLIPWAY_CA=$DATA/tls/ca.pem XDG_CONFIG_HOME=$DEMO/config
PLATFORM=linux-$(dpkg --print-architecture | sed 's/^i386$/386/')

# ---- words ----------------------------------------------------------------------------------------

if [ -t 1 ]; then bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'; else bold='' dim='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s\n' "$*" | fold -s -w 76 | sed 's/^/  /'; }
# A path as one would type it here.
near() { printf %s "${1#"$ROOT/"}"; }

fail() {
	printf '\n' >&2
	printf '%s\n' "$@" >&2
	exit 1
}

# Runs a command after printing it, broken before column 80 as one would type it.
show() {
	local line='$' part='' word
	printf %s "$dim"
	for word in "$@" --; do
		# An option and its value stay together.
		if [ -n "$part" ] && { [ "${word#--}" != "$word" ] || [ "${part#--}" = "$part" ] || [ "${part#* }" != "$part" ]; }; then
			if [ $((${#line} + ${#part})) -gt 76 ]; then
				printf '%s \\\n' "$line"
				line='   '
			fi
			line="$line $part"
			part=
		fi
		part="$part${part:+ }$word"
	done
	printf '%s%s\n' "$line" "$plain"
	"$@"
}

# Runs a command of which only a failure is worth reading.
quiet() {
	local code=0
	"$@" >"$DEMO/last.log" 2>&1 || code=$?
	[ $code = 0 ] || cat "$DEMO/last.log" >&2
	return $code
}

# … and that what it makes is there already, from an interrupted run, is no failure (exit code 6).
ensure() {
	local code=0
	"$@" >"$DEMO/last.log" 2>&1 || code=$?
	[ $code = 0 ] || [ $code = 6 ] || { cat "$DEMO/last.log" >&2; return $code; }
}

member() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# ---- the server's life ----------------------------------------------------------------------------

server=
client=
walking=         # the walk is not finished yet
told=            # why there is no server
stop() {
	local code=$?
	trap - EXIT
	[ -z "$client" ] || kill -KILL "$client" 2>/dev/null || true
	[ ! -f "$DEMO/ready" ] || rm -f "$DEMO/ready"
	[ -n "$server" ] || exit $code
	if kill -TERM "$server" 2>/dev/null; then
		printf '\nStopping Slipway …\n'
		# Once more: downloads that still run are cut.
		trap 'kill -TERM "$server" 2>/dev/null' INT TERM HUP
		while kill -0 "$server" 2>/dev/null; do wait "$server" || true; done
		if [ -n "$walking" ]; then
			printf 'Stopped. The next `make run` goes on with the walk.\n'
		else
			printf 'Stopped. The data is in %s.\n' "$(near "$DATA")"
		fi
	elif [ -z "$told" ]; then
		printf '\nSlipway has ended; its log (%s) says:\n%s\n' "$(near "$DEMO/serve.log")" \
			"$(tail -3 "$DEMO/serve.log")" >&2
		exit 1
	fi
	exit $code
}
trap stop EXIT
# To stop is what Ctrl-C is for, once the walk is done.
trap '[ -z "$walking" ] || exit 130; exit 0' INT TERM HUP

# One run at a time; a server that a killed run has left behind is stopped.
take_place() {
	local left
	mkdir -p "$DEMO"
	chmod 700 "$DEMO"
	exec 9>"$DEMO/lock"
	# The last command of a killed run may take a moment to end.
	flock -w 5 9 || fail "Another \`make run\` is running on $(near "$DATA")." \
		"SLIPWAY_DATA, SLIPWAY_HTTPS and SLIPWAY_HTTP are for a second one beside it."
	left=$(cat "$DEMO/serve.pid" 2>/dev/null || true)
	if [ -n "$left" ] && tr '\0' '\n' 2>/dev/null <"/proc/$left/cmdline" | grep -qxF -- "$DATA"; then
		say "Stopping the Slipway of a former run that was killed (process $left)"
		kill -TERM "$left" || fail "It belongs to another user."
		tail --pid="$left" -f /dev/null
	fi
}

# Made beside its place: it is complete, with its one-time token kept, or it is not there.
create_data() {
	local new=$DATA.new
	rm -f "$new/slipway.conf" # of a run that was killed; its keys may be in the database already
	(umask 077; slipway init --data "$new" --database "$DATABASE" --json >"$DEMO/init.json") ||
		fail "The data directory could not be made; the reason stands above."
	(umask 077; member setup_token <"$DEMO/init.json" >"$DEMO/setup-token")
	rm -f "$DEMO/init.json"
	mv -T "$new" "$DATA"
}

start_server() {
	local line=
	rm -f "$DEMO/ready"
	mkfifo -m 600 "$DEMO/ready"
	# A session of its own, so that Ctrl-C reaches this script first and the stop is in order.
	setsid slipway serve --data "$DATA" --https "$HTTPS" --http "$HTTP" >"$DEMO/ready" 2>"$DEMO/serve.log" 9>&- &
	server=$!
	echo "$server" >"$DEMO/serve.pid"
	# Opening waits for serve, or for the end of a serve that never got so far.
	if ! read -r -t 60 line <"$DEMO/ready" || [ "${line#ready }" = "$line" ]; then
		told=yes
		fail "Slipway did not start:" "$(grep -v '^{' "$DEMO/serve.log" || tail -3 "$DEMO/serve.log")" "" \
			"SLIPWAY_HTTPS ($HTTPS) and SLIPWAY_HTTP ($HTTP) choose its addresses." \
			"The whole log is in $(near "$DEMO/serve.log")."
	fi
	rm -f "$DEMO/ready"
	echo "$line"
}

# ---- the walk; from here on in $DEMO, so that commands are short ----------------------------------

new_password() { # file
	[ -s "$1" ] || (umask 077; head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$1")
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The two newest versions of each package into packages/; false when of one there is none.
fetch_all() {
	local name version
	for name in openvpn wireguard-tools openconnect strongswan-starter; do
		for version in $(apt-cache madison "$name" 2>/dev/null | awk '/ Packages$/ {print $3}' | sort -uV | tail -2); do
			compgen -G "packages/${name}_${version//:/%3a}_*.deb" >/dev/null && continue
			rm -rf partial && mkdir partial
			(cd partial && apt-get download -qq -o Acquire::Retries=1 -o APT::Sandbox::User="$(id -un)" \
				"$name=$version") >last.log 2>&1 && mv partial/*.deb packages/
		done
		compgen -G "packages/${name}_*.deb" >/dev/null || return 1
	done
}

fetch_packages() {
	# The lists of what there is may be missing, or older than the mirror.
	if ! fetch_all; then
		as_root apt-get update -qq -o Acquire::Retries=1 -o APT::Update::Error-Mode=any >last.log 2>&1 &&
			fetch_all && return
		fail "Debian's packages could not be fetched. apt says:" "$(tail -3 last.log)" "" \
			"Is there a network? The next \`make run\` goes on from here."
	fi
}

# Point releases take old versions away: without two of them, build the second ourselves.
make_second() {
	if [ "$(compgen -G 'packages/strongswan-starter_*.deb' | wc -l)" -lt 2 ]; then
		rm -rf partial && mkdir partial
		dpkg-deb -R packages/strongswan-starter_*.deb partial/tree
		sed -i 's/^Version: .*/&.1/' partial/tree/DEBIAN/control
		dpkg-deb --root-owner-group -b partial/tree partial >/dev/null
		mv partial/*.deb packages/
	fi
	rm -rf partial
}

# strongSwan's files, the oldest version first. By name, "5.1_amd64" would come before "5_amd64".
strongswan_files() {
	local file
	for file in packages/strongswan-starter_*.deb; do
		printf '%s %s\n' "$(dpkg-deb -f "$file" Version)" "$file"
	done | sort -V -k1,1 | cut -d' ' -f2-
}

# "5.9.8-5+deb12u6" as a semantic version: the revision becomes ordered pre-release numbers.
semver_of() { # file
	dpkg-deb -f "$1" Version | sed -E 's/^[0-9]+://' | python3 -c 'import re,sys
text=sys.stdin.read().strip()
upstream,_,revision=text.partition("-")
parts=(re.findall(r"\d+",upstream)+["0","0"])[:3]
numbers=[str(int(n)) for n in re.findall(r"\d+",revision)]
print(".".join(str(int(p)) for p in parts)+("-"+".".join(numbers) if numbers else ""))'
}

# What the administrator's authenticator app would show.
admin_code() { oathtool --totp --base32 @admin-totp; }

# A code is good once, so the sign-in of a former run is used while it lasts.
sign_in() {
	slipway whoami >/dev/null 2>&1 && return
	quiet slipway login --email admin@example.com --password-file admin-password \
		${1:+--otp "$1"}
}

enrol() {
	! slipway factor list --json | grep -q '"totp"' || return 0
	show slipway factor enrol --secret-file admin-totp
	show slipway factor confirm --otp "$(admin_code)" --codes-file admin-recovery-codes
}

walk_administrator() {
	say "1. The first administrator, through the one-time set-up token"
	new_password admin-password
	# A token that was used just before a former run was killed is known by its account.
	if ! sign_in "$(admin_code 2>/dev/null)" 2>/dev/null; then
		show slipway setup --token-file setup-token --email admin@example.com --password-file admin-password
		sign_in
	fi
	enrol
	rm -f setup-token
}

publish() { # runner, file, product, channel, class and more
	local runner=$1 file=$2 product=$3 channel=$4 class=$5
	shift 5
	"$runner" slipway publish "$file" --product "$product" --version "$(semver_of "$file")" \
		--channel "$channel" --platform "$PLATFORM" --class "$class" "$@" --sign-key publisher.key
}

walk_publisher() {
	local name file runner=show
	say "3. A publisher's key, and four products with their releases"
	if [ ! -s publisher.key ] || [ ! -s publisher.pub ]; then
		rm -f publisher.key publisher.pub
		quiet slipway keygen --output publisher
	fi
	for name in openvpn wireguard-tools openconnect strongswan; do
		ensure slipway product create "$name"
		ensure slipway product add-key "$name" publisher.pub
	done
	note "Debian's 1.2-3+deb12u4 is published as 1.2.0-3.12.4, a semantic version."
	for file in packages/openvpn_*.deb; do
		publish "$runner" "$file" openvpn stable public
		runner=quiet # once is enough to see
	done
	for file in packages/wireguard-tools_*.deb; do
		publish quiet "$file" wireguard-tools beta public
	done
	for file in packages/openconnect_*.deb; do
		publish quiet "$file" openconnect dev development
	done
	for file in $(strongswan_files); do
		publish quiet "$file" strongswan stable licensed --entitlement vpn-client
	done
	note "… and the others in the same way:"
	show slipway release list
}

walk_customer() {
	say "4. A customer with a licence for strongSwan on three devices"
	new_password customer-password
	ensure slipway account create --email customer@example.com --role user --password-file customer-password
	if [ ! -s licence-key ]; then
		(umask 077; slipway licence create --account customer@example.com --product strongswan \
			--entitlement vpn-client --max-devices 3 --json >licence.json
			member licence_key <licence.json >licence-key.new)
		mv licence-key.new licence-key
		rm -f licence.json
	fi
	show slipway licence list
}

walk_client() {
	local installed
	local -a update
	say "5. The client: activate the licence, ask for an update"
	installed=$(semver_of "$(strongswan_files | head -1)")
	update=(slipway-update --server "$URL" --ca "$SLIPWAY_CA" --product strongswan --platform "$PLATFORM"
		--installed "$installed" --licence-key "$(cat licence-key)" --state device)
	note "installed: $installed"
	"${update[@]}" check

	say "6. Download with an interruption, resume, verify digest and signature, report"
	rm -rf downloads
	mkdir downloads
	"${update[@]}" download --output downloads --limit-rate 60k 9>&- &
	client=$!
	for _ in $(seq 100); do
		[ -z "$(find downloads -name '*.part' -size +20k)" ] || break
		kill -0 $client 2>/dev/null || break
		read -r -t 0.1 <> <(:) || true
	done
	kill -KILL $client 2>/dev/null && printf '\n  … killed with %s bytes on disk\n' "$(find downloads -name '*.part' -printf '%s')"
	wait $client 2>/dev/null || true
	client=
	"${update[@]}" download --output downloads --publisher-key publisher.pub --json >download.json
	"${update[@]}" verify downloads/*.deb --publisher-key publisher.pub

	say "7. What the server recorded"
	show slipway download show "$(member download_id <download.json)"
}

walk() {
	walk_administrator
	say "2. Real VPN packages, from Debian"
	mkdir -p packages
	fetch_packages
	make_second
	(cd packages && stat -c '%s %n' -- *.deb) | awk '{printf "  %8d  %s\n", $1, $2}'
	walk_publisher
	walk_customer
	walk_client
	touch walked
}

# ---- all of it ------------------------------------------------------------------------------------

write_environment() {
	printf 'export %s=%q\n' SLIPWAY_SERVER "$URL" SLIPWAY_CA "$SLIPWAY_CA" XDG_CONFIG_HOME "$XDG_CONFIG_HOME" >"$DEMO/env"
	printf 'export PATH=%q:$PATH\n' "$BUILD" >>"$DEMO/env"
}

take_place
[ -f "$DEMO/walked" ] || walking=yes
if [ -f "$DATA/slipway.conf" ]; then
	[ -z "${SLIPWAY_DATABASE:-}" ] || grep -qxF "database = $SLIPWAY_DATABASE" "$DATA/slipway.conf" ||
		fail "$(near "$DATA") was made for another database than SLIPWAY_DATABASE." \
			"SLIPWAY_DATA=DIRECTORY names the place for a second installation."
	say "Starting Slipway again on $(near "$DATA")"
else
	say "Creating $(near "$DATA")"
	create_data
	say "Starting Slipway"
fi
start_server
cd "$DEMO"
write_environment
if [ -f walked ]; then
	sign_in "$(admin_code)"
	show slipway release list
elif [ -f setup-token ] || [ -f admin-password ]; then
	walk
else
	say "$(near "$DATA") was not made by \`make run\`: it is served as it is"
fi
walking=

say "Slipway is running at $URL"
[ ! -f walked ] || cat <<END

  Certificate of its CA   $(near "$SLIPWAY_CA")
  admin@example.com       password in $(near "$DEMO/admin-password")
                          secret of the authenticator app in $(near "$DEMO/admin-totp")
  customer@example.com    password in $(near "$DEMO/customer-password")
                          licence key in $(near "$DEMO/licence-key")

In a browser, once it trusts that CA: $URL

In another terminal, here; it signs you in as the administrator:

  . $(near "$DEMO/env" | sed 's,^[^/],./&,')
  slipway stats
  slipway publish FILE --product openvpn --version 99.0.0 --channel stable \\
      --platform $PLATFORM --class public
END
printf '\nCtrl-C stops it.\n'
[ "${SLIPWAY_EXIT:-}" != 1 ] || exit 0
wait "$server" || true
