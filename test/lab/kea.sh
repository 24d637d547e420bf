#!/usr/bin/env bash
# Fetches ISC Kea 3.0 (kea-dhcp6 and its hooks) with all libraries that it
# needs, down to libc, into a folder of its own, and prints that folder. Kea
# runs from there through the tree's own loader: nothing is installed, no root
# is needed, and the machine may be older than the Kea.
#
# The packages come from the mirror that the machine's own apt uses: Debian 13
# with backports, else Debian 14. apt checks the signatures. The folder is
# $LEASEROUTE_CACHE/kea, or .cache/kea in the project; a second call finds it
# there, and calls at the same time wait for one another.
set -euo pipefail

readonly package=kea-dhcp6-server
readonly version=3.0
readonly recipe="$package $version, recipe 1" # changes when an old tree will not do

say() { printf 'kea.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

main() {
	local cache=${LEASEROUTE_CACHE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.cache}
	mkdir -p "$cache"
	cache=$(cd "$cache" && pwd)
	exec 9>"$cache/kea.lock"
	flock 9
	if [[ $(cat "$cache/kea/.recipe" 2>/dev/null) != "$recipe" ]]; then
		fetch "$cache"
	fi
	echo "$cache/kea"
}

# fetch CACHE makes CACHE/kea, whole or not at all.
fetch() {
	local cache=$1 suite mirror tool
	for tool in apt-get dpkg flock; do
		command -v "$tool" >/dev/null || die "$tool is missing: Kea $version is fetched as Debian packages"
	done
	SECONDS=0
	say "fetching Kea $version and its libraries into $cache/kea (once; about 20 s, 90 MB)"
	rm -rf "$cache"/kea.work-* # of a run that was killed: the lock is ours
	work=$(mktemp -d "$cache/kea.work-XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mirrors >"$work/mirrors"
	[[ -s $work/mirrors ]] || die "apt knows no package source: see /etc/apt/sources.list and /etc/apt/sources.list.d"
	while read -r mirror; do
		for suite in trixie-backports forky; do
			if download "$work" "$mirror" "$suite"; then
				unpack "$work" "$cache/kea"
				say "took $(find "$work/archives" -name '*.deb' | wc -l) packages from $suite in $SECONDS s"
				return
			fi
		done
	done <"$work/mirrors"
	sed 's/^/  /' "$work/log" >&2
	die "no source that apt knows has $package $version (tried trixie-backports and forky; apt's words are above)"
}

# mirrors prints the archives of the machine's own apt sources, one a line,
# those of security updates left out.
mirrors() {
	# shellcheck disable=SC2016  # apt fills these in
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk '$2 !~ /security/ && $1 !~ /security/ && $3 == "main" && !seen[$1]++ { print $1 }'
}

# download WORK MIRROR SUITE gets the packages into WORK/archives, as if
# nothing at all were installed.
download() {
	local work=$1 mirror=$2 suite=$3 options='' key
	for key in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[[ -e $key ]] && options="[signed-by=$key]"
	done
	rm -rf "$work"/lists "$work"/archives
	mkdir -p "$work"/{lists,archives}/partial
	: >"$work/status"
	echo "deb $options $mirror $suite main" >"$work/sources.list"
	if [[ $suite == trixie-backports ]]; then
		echo "deb $options $mirror trixie main" >>"$work/sources.list"
	fi
	local apt=(apt-get -q -y
		-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=-
		-o "Dir::State=$work" -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status"
		-o "Dir::Cache=$work" -o "Dir::Cache::Archives=$work/archives" -o "Dir::Log=$work"
		-o "APT::Sandbox::User=$(id -un)" -o APT::Get::AllowUnauthenticated=false
		-o Acquire::Languages=none -o Acquire::Retries=3
		-o Acquire::Check-Valid-Until=false # a testing suite's index may be past its date
		-o Debug::NoLocking=true)
	{
		"${apt[@]}" --error-on=any update &&
			"${apt[@]}" -t "$suite" --no-install-recommends --download-only install "$package"
	} >"$work/log" 2>&1 </dev/null && compgen -G "$work/archives/${package}_${version}.*" >/dev/null
}

# unpack WORK TREE turns the packages into TREE, which appears complete.
unpack() {
	local work=$1 tree=$2 deb
	mkdir "$work/tree"
	for deb in "$work"/archives/*.deb; do
		dpkg -x "$deb" "$work/tree"
	done
	rm -rf "$work"/tree/usr/share/{doc,man,locale,info,lintian}
	echo "$recipe" >"$work/tree/.recipe"
	rm -rf "$tree"
	mv "$work/tree" "$tree"
}

main "$@"
