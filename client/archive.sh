#!/bin/sh
# archive.sh CC OUTPUT LIBRARY FLOOR…: makes one object of the library and what it needs of the
# floors, hides every symbol but slipway_*, and puts it into an archive: who links libslipway gets
# none of our internal names. CC may be several words ("ccache gcc").
set -eu
cc=$1 output=$2 library=$3
shift 3
object=$output.o
$cc -r -nostdlib -o "$object" -Wl,--whole-archive "$library" -Wl,--no-whole-archive \
	-Wl,--start-group "$@" -Wl,--end-group
objcopy --wildcard --keep-global-symbol='slipway_*' "$object"
rm -f "$output"
ar rcs "$output" "$object"
rm -f "$object"
