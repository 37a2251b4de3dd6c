#!/usr/bin/env bash
# Builds the nginx module with the flags nginx itself was built with (nginx-dev's conf_flags), as
# dh_nginx does. Called by meson; rebuilds what is older than its sources.
# Usage: build.sh WORK_DIR OUTPUT CC "FILE.c …" LIBRARY.a …
set -euo pipefail

work=$1 output=$(realpath -m "$2") compiler=$3 SLIPWAY_FILES=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
SLIPWAY_SRC=$(cd "$here/../../src" && pwd)
SLIPWAY_LIBS=$(realpath "$@" | tr '\n' ' ')
export SLIPWAY_FILES SLIPWAY_SRC SLIPWAY_LIBS

mkdir -p "$work"
work=$(cd "$work" && pwd)
nginx=/usr/share/nginx/src
log=$work/build.log

# Only nginx's own symbols and the module table are seen from outside: what we link can neither
# replace nor be replaced by a symbol of nginx or of another module.
cat >"$work/exports" <<'MAP'
{ global: ngx_modules; ngx_module_names; ngx_module_order; local: *; };
MAP

warnings="-Wall -Wextra -Wno-unused-parameter -Wshadow -Wstrict-prototypes -Wmissing-prototypes
-Wvla -Wformat=2 -Wimplicit-fallthrough -Werror"
cc_opt="-g -O2 -fPIC -fno-semantic-interposition -fstack-protector-strong -Wdate-time -D_FORTIFY_SOURCE=2
$warnings"
ld_opt="-Wl,-z,relro -Wl,-z,now -Wl,--exclude-libs,ALL -Wl,--version-script=$work/exports -fPIC"

run() {
	if ! "$@" >"$log" 2>&1; then
		cat "$log" >&2
		exit 1
	fi
}

# Configure once; again when nginx, the compiler, our flags or the list of files changed.
stamp=$(
	{
		cat "$nginx/conf_flags" "$nginx/debian/libnginx-mod.abisubstvars" "$here/config"
		$compiler --version
		echo "$cc_opt|$ld_opt|$SLIPWAY_FILES|$SLIPWAY_LIBS|$here"
	} | sha256sum
)
if [ "$(cat "$work/stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$work/src" "$work/stamp"
	cp -rL "$nginx" "$work/src"
	cd "$work/src"
	NGX_CONF_FLAGS=()
	# shellcheck disable=SC1091
	. ./conf_flags
	run ./configure --with-cc="$compiler" --with-cc-opt="$(echo $cc_opt)" \
		--with-ld-opt="$(echo $ld_opt)" "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$here"
	echo "$stamp" >"$work/stamp"
fi
cd "$work/src"
# The makefile does not know our headers either: an object built with an old one would be garbage.
headers=$(cat "$SLIPWAY_SRC"/{base,crypto,token,policy,update,state}/*.h | sha256sum)
if [ "$(cat "$work/headers" 2>/dev/null)" != "$headers" ]; then
	[ ! -d objs/addon ] || find objs/addon -name '*.o' -delete
	echo "$headers" >"$work/headers"
fi
# The makefile does not know the static libraries: always link.
rm -f objs/ngx_http_slipway_module.so
run make -s -j2 -f objs/Makefile modules
cp objs/ngx_http_slipway_module.so "$output.new"
mv "$output.new" "$output"
