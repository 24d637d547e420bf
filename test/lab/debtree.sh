#!/usr/bin/env bash
# Sourced by kea.sh, peers.sh, prometheus.sh, routers.sh and system.sh: trees of
# unpacked Debian packages.
#
# A tree is a folder that holds some programs with all libraries that they
# need, down to libc. They run from there through the tree's own loader:
# nothing is installed, no service is started, no root is needed, and the
# machine may be of another release than the packages.
#
# The packages come from the mirror that the machine's own apt uses, and apt
# checks the signatures. Trees are in $LEASEROUTE_CACHE, or in .cache of the
# project.

say() { printf '%s: %s\n' "$tree" "$*" >&2; }
die() { say "$*"; exit 1; }

# debtree TREE RECIPE COST SUITES PACKAGES prints the folder of the tree. If it
# is not there it fetches it, which takes COST, from the first of the SUITES
# that has all PACKAGES. PACKAGES are apt's names, with =VERSION where the
# beginning of the version matters. RECIPE changes when an older tree will not
# do. Calls at the same time wait for one another.
debtree() {
	tree=$1 # for say
	local recipe=$2 cost=$3 suites=$4 cache
	shift 4
	cache=${LEASEROUTE_CACHE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.cache}
	mkdir -p "$cache"
	cache=$(cd "$cache" && pwd)
	exec 9>"$cache/$tree.lock"
	flock 9
	if [[ $(cat "$cache/$tree/.recipe" 2>/dev/null) != "$recipe" ]]; then
		say "fetching $recipe into $cache/$tree (once; about $cost)"
		fetch "$cache" "$recipe" "$suites" "$@"
	fi
	echo "$cache/$tree"
}

# fetch CACHE RECIPE SUITES PACKAGE... makes CACHE/$tree, whole or not at all.
fetch() {
	local cache=$1 recipe=$2 suites=$3 suite mirror tool
	shift 3
	for tool in apt-get dpkg flock; do
		command -v "$tool" >/dev/null || die "$tool is missing: Debian packages are fetched"
	done
	rm -rf "$cache/$tree".work-* # of a run that was killed: the lock is ours
	work=$(mktemp -d "$cache/$tree.work-XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mirrors >"$work/mirrors"
	[[ -s $work/mirrors ]] || die "apt knows no package source: see /etc/apt/sources.list and /etc/apt/sources.list.d"
	while read -r mirror; do
		for suite in $suites; do
			if download "$work" "$mirror" "$suite" "$@"; then
				unpack "$work" "$recipe" "$cache/$tree"
				return
			fi
		done
	done <"$work/mirrors"
	sed 's/^/  /' "$work/log" >&2
	die "no source that apt knows has $* (tried $suites; apt's words are above)"
}

# mirrors prints the archives of the machine's own apt sources, one a line,
# those of security updates left out.
mirrors() {
	# shellcheck disable=SC2016  # apt fills these in
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk '$2 !~ /security/ && $1 !~ /security/ && $3 == "main" && !seen[$1]++ { print $1 }'
}

# download WORK MIRROR SUITE PACKAGE... gets the packages and all that they
# depend on into WORK/archives, as if nothing at all were installed.
download() {
	local work=$1 mirror=$2 suite=$3 options='' key want
	shift 3
	for key in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[[ -e $key ]] && options="[signed-by=$key]"
	done
	rm -rf "$work"/lists "$work"/archives
	mkdir -p "$work"/{lists,archives}/partial
	: >"$work/status"
	echo "deb $options $mirror $suite main" >"$work/sources.list"
	if [[ $suite == *-backports ]]; then
		echo "deb $options $mirror ${suite%-backports} main" >>"$work/sources.list"
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
			"${apt[@]}" -t "$suite" --no-install-recommends --download-only install "${@%%=*}"
	} >"$work/log" 2>&1 </dev/null || return
	for want in "$@"; do
		[[ $want != *=* ]] || compgen -G "$work/archives/${want%%=*}_${want#*=}.*" >/dev/null || return
	done
}

# unpack WORK RECIPE FOLDER turns the packages into FOLDER, which appears
# complete. What no program in a tree reads is left out. To a dpkg that runs in
# the tree the packages are installed.
unpack() {
	local work=$1 recipe=$2 folder=$3 deb
	mkdir -p "$work"/tree/var/lib/dpkg/{info,updates,triggers}
	for deb in "$work"/archives/*.deb; do
		dpkg -x "$deb" "$work/tree"
		printf 'Status: install ok installed\n%s\n\n' "$(dpkg-deb -f "$deb")" >>"$work/tree/var/lib/dpkg/status"
	done
	rm -rf "$work"/tree/usr/share/{doc,man,locale,info,lintian,perl,perl5} "$work"/tree/usr/lib/*/{perl,perl-base,gconv}
	echo "$recipe" >"$work/tree/.recipe"
	rm -rf "$folder"
	mv "$work/tree" "$folder"
}
