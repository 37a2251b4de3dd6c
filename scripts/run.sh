#!/usr/bin/env bash
# `make run`: starts Slipway on its embedded default and walks through its main job on real packages.
# Everything is kept in ./slipway-data (SLIPWAY_DATA); a second run starts again on the same data.
# SLIPWAY_HTTPS and SLIPWAY_HTTP choose other addresses; SLIPWAY_DATABASE=postgresql://… another
# database; SLIPWAY_EXIT=1 stops after the walk.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD=$PWD/build
DATA=${SLIPWAY_DATA:-$PWD/slipway-data}
HTTPS=${SLIPWAY_HTTPS:-127.0.0.1:8443}
HTTP=${SLIPWAY_HTTP:-127.0.0.1:8080}
DEMO=$DATA.demo            # what the walk keeps beside the server's own data
PACKAGES=$DEMO/packages
URL=https://$HTTPS
CA=$DATA/tls/ca.pem
export PATH=$BUILD:$PATH SLIPWAY_SERVER=$URL SLIPWAY_CA=$CA XDG_CONFIG_HOME=$DEMO/config
PLATFORM=linux-$(dpkg --print-architecture)

if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold= dim= plain=; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; "$@"; }
member() { python3 -c 'import json,sys
v=json.load(sys.stdin)
for k in sys.argv[1].split("."): v=v[int(k)] if k.isdigit() else v[k]
print(v)' "$1"; }

server=
stop() {
	trap - EXIT INT TERM
	if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
		printf '\nStopping Slipway …\n'
		kill -TERM "$server"
		wait "$server" || true
	fi
}
trap stop EXIT
trap 'exit 0' INT TERM

start_server() {
	mkdir -p "$DEMO"; chmod 700 "$DEMO"
	rm -f "$DEMO/ready"; mkfifo "$DEMO/ready"
	# A session of its own, so that Ctrl-C reaches this script first and the stop is in order.
	setsid slipway serve --data "$DATA" --https "$HTTPS" --http "$HTTP" >"$DEMO/ready" 2>"$DEMO/serve.log" &
	server=$!
	local line=
	if ! read -r -t 30 line <"$DEMO/ready" || [ "${line#ready }" = "$line" ]; then
		echo "Slipway did not start; its log ($DEMO/serve.log) ends with:" >&2
		tail -5 "$DEMO/serve.log" >&2
		exit 1
	fi
	rm -f "$DEMO/ready"
	echo "$line"
}

new_password() { # file
	(umask 077; head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$1")
}

# Two versions of a package where Debian offers two, else the one there is.
fetch_packages() {
	mkdir -p "$PACKAGES"
	chmod 755 "$PACKAGES"
	apt-cache madison openvpn 2>/dev/null | grep -q . || { [ "$(id -u)" = 0 ] && apt-get update -qq || sudo apt-get update -qq; }
	local name version
	for name in openvpn wireguard-tools openconnect strongswan-starter; do
		apt-cache madison "$name" | awk '/ Packages$/ {print $3}' | sort -u | head -2 |
			while read -r version; do
				ls "$PACKAGES/${name}_$(printf %s "$version" | sed 's/:/%3a/')"_*.deb >/dev/null 2>&1 ||
					(cd "$PACKAGES" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$name=$version" >/dev/null 2>&1) || true
			done
	done
	# Point releases take old versions away: without two of them, build the second ourselves.
	if [ "$(ls "$PACKAGES"/strongswan-starter_*.deb 2>/dev/null | wc -l)" -lt 2 ]; then
		local one work
		one=$(ls "$PACKAGES"/strongswan-starter_*.deb | head -1)
		work=$(mktemp -d)
		dpkg-deb -R "$one" "$work/tree"
		sed -i 's/^Version: .*/&.1/' "$work/tree/DEBIAN/control"
		dpkg-deb --root-owner-group -b "$work/tree" "$PACKAGES" >/dev/null
		rm -rf "$work"
	fi
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

first_walk() {
	say "1. The first administrator, through the one-time set-up token"
	new_password "$DEMO/admin-password"
	slipway setup --token-file "$DEMO/setup-token" --email admin@example.com --password-file "$DEMO/admin-password"
	rm -f "$DEMO/setup-token"
	slipway login --email admin@example.com --password-file "$DEMO/admin-password"

	say "2. Real VPN packages, from Debian"
	fetch_packages
	ls -l "$PACKAGES" | awk 'NR>1 {printf "   %9d  %s\n", $5, $9}'

	say "3. A publisher's key, and four products with their releases"
	(umask 077; slipway keygen --output "$DEMO/publisher" >/dev/null)
	local name file version
	for name in openvpn wireguard-tools openconnect strongswan; do
		slipway product create "$name" >/dev/null
		slipway product add-key "$name" "$DEMO/publisher.pub" >/dev/null
	done
	for file in "$PACKAGES"/openvpn_*.deb; do
		show slipway publish "$file" --product openvpn --version "$(semver_of "$file")" --channel stable \
			--platform "$PLATFORM" --class public --sign-key "$DEMO/publisher.key"
	done
	for file in "$PACKAGES"/wireguard-tools_*.deb; do
		show slipway publish "$file" --product wireguard-tools --version "$(semver_of "$file")" --channel beta \
			--platform "$PLATFORM" --class public --sign-key "$DEMO/publisher.key"
	done
	for file in "$PACKAGES"/openconnect_*.deb; do
		show slipway publish "$file" --product openconnect --version "$(semver_of "$file")" --channel dev \
			--platform "$PLATFORM" --class development --sign-key "$DEMO/publisher.key"
	done
	for file in $(ls "$PACKAGES"/strongswan-starter_*.deb | sort -V); do
		show slipway publish "$file" --product strongswan --version "$(semver_of "$file")" --channel stable \
			--platform "$PLATFORM" --class licensed --entitlement vpn-client --sign-key "$DEMO/publisher.key"
	done

	say "4. A customer with a licence for strongSwan on three devices"
	new_password "$DEMO/customer-password"
	slipway account create --email customer@example.com --role user --password-file "$DEMO/customer-password"
	slipway licence create --account customer@example.com --product strongswan --entitlement vpn-client \
		--max-devices 3 --json >"$DEMO/licence.json"
	chmod 600 "$DEMO/licence.json"
	member licence_key <"$DEMO/licence.json" >"$DEMO/licence-key"

	client_walk
}

client_walk() {
	say "5. The client: activate the licence, ask for an update"
	local installed
	installed=$(ls "$PACKAGES"/strongswan-starter_*.deb | sort -V | head -1)
	installed=$(semver_of "$installed")
	CLIENT=(slipway-update --server "$URL" --ca "$CA" --product strongswan --platform "$PLATFORM"
		--installed "$installed" --licence-key "$(cat "$DEMO/licence-key")" --state "$DEMO/device")
	echo "   installed: $installed"
	"${CLIENT[@]}" check

	say "6. Download with an interruption, resume, verify digest and signature, report"
	rm -rf "$DEMO/downloads"; mkdir -p "$DEMO/downloads"
	"${CLIENT[@]}" download --output "$DEMO/downloads" --limit-rate 60k &
	local client=$!
	local i
	for i in $(seq 100); do
		[ -n "$(find "$DEMO/downloads" -name '*.part' -size +20k)" ] && break
		kill -0 $client 2>/dev/null || break
		read -r -t 0.1 <> <(:) || true
	done
	kill -KILL $client 2>/dev/null && echo && echo "   … the client was killed with $(find "$DEMO/downloads" -name '*.part' -printf '%s') bytes on disk"
	wait $client 2>/dev/null || true
	"${CLIENT[@]}" download --output "$DEMO/downloads" --publisher-key "$DEMO/publisher.pub" --json | tee "$DEMO/download.json" >/dev/null
	"${CLIENT[@]}" verify "$DEMO"/downloads/*.deb --publisher-key "$DEMO/publisher.pub"

	say "7. What the server recorded"
	show slipway download show "$(member download_id <"$DEMO/download.json")"
}

if [ ! -f "$DATA/slipway.conf" ]; then
	say "Creating $DATA"
	mkdir -p "$DEMO"; chmod 700 "$DEMO"
	(umask 077; slipway init --data "$DATA" ${SLIPWAY_DATABASE:+--database "$SLIPWAY_DATABASE"} --json | member setup_token >"$DEMO/setup-token")
	say "Starting Slipway"
	start_server
	first_walk
else
	say "Starting Slipway again on $DATA"
	start_server
	if [ -f "$DEMO/setup-token" ]; then first_walk; else
		slipway login --email admin@example.com --password-file "$DEMO/admin-password"
		slipway release list
	fi
fi

say "Slipway is running"
cat <<END
  Server          $URL   (its certificate is signed by $CA)
  Administrator   admin@example.com      password in $DEMO/admin-password
  Customer        customer@example.com   password in $DEMO/customer-password
                                         licence key in $DEMO/licence-key

  Try next (in another terminal; you are signed in there with these settings):
    export PATH=$BUILD:\$PATH SLIPWAY_SERVER=$URL SLIPWAY_CA=$CA XDG_CONFIG_HOME=$DEMO/config
    slipway release list
    slipway stats
    slipway publish FILE --product openvpn --version 99.0.0 --channel stable --platform $PLATFORM --class licensed --sign-key $DEMO/publisher.key

  Ctrl-C stops everything.
END
[ "${SLIPWAY_EXIT:-}" = 1 ] || wait "$server"
