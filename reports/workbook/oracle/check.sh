#!/usr/bin/env bash
# Judges workbooks with Apache POI: schemas of every part, every formula worked out anew.
# usage: check.sh FILE.xlsx ...
# Builds the judge once into a cache folder (needs java 17, mvn and, that once, a network). Exit codes: 0 nothing found,
# 1 findings, 3 the judge cannot be built here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v java >/dev/null && command -v mvn >/dev/null || { echo "java and mvn are needed to judge workbooks" >&2; exit 3; }
sum=$(cat "$here/pom.xml" "$here/Check.java" | sha256sum | cut -c1-16)
cache=${CAREREACH_ORACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/carereach/oracle}
made=$cache/$sum
if [ ! -f "$made/classpath" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/build.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cp "$here/pom.xml" "$here/Check.java" "$work/"
	if ! mvn -q -B -f "$work/pom.xml" compile dependency:copy-dependencies -DoutputDirectory="$work/jars" >"$work/log" 2>&1; then
		tail -n 20 "$work/log" >&2
		echo "the judge cannot be built" >&2
		exit 3
	fi
	mkdir -p "$made"
	cp -r "$work/target/classes" "$work/jars" "$made/"
	echo "$made/classes:$made/jars/*" >"$made/classpath"
fi
exec java -Dorg.apache.logging.log4j.level=ERROR -Dlog4j2.level=ERROR -cp "$(cat "$made/classpath")" Check "$@"
