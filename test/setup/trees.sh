# Trees of other releases of Debian, to run things in. Sourced after stage.sh
# and debian.sh by test/setup/check-versions and check-package.
#
#	open_trees			begins: with the packages that it takes, and, at the end,
#						an end of all that was started. Needs root
#	find_tree VERSION	sets "tree" to one that has that PostgreSQL, or could
#	make_tree RELEASE NAME
#						a bare tree of that release in $trees
#	run_apart, run_in, run_alone_in
#						run a command apart, with a tree as its root, without a network
#
#	$work			a directory for a while
#	$trees			where trees are: CACHE, or a part of $work
#	$environment	what runs in a tree finds of ours
#
# A script defines sweep_trees, which removes what it left in trees.

# Where the source tree is in a tree.
SOURCE=/srv/order_gateway
environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
	"TERM=${TERM:-dumb}")

work=
trees=
tree=
job=

# Run a command apart, as a process group that clean_up can end as a whole.
run_apart()
{
	local status=0

	set -m
	"$top/test/setup/apart" "$@" </dev/null &
	job=$!
	set +m
	wait "$job" || status=$?
	job=
	return $status
}

# Run a command in a tree.
run_in()
{
	local root=$1
	shift

	run_apart --root="$root" env -i "${environment[@]}" "$@"
}

run_alone_in()
{
	local root=$1
	shift

	run_apart --alone --root="$root" env -i "${environment[@]}" "$@"
}

clean_up()
{
	local status=$?

	trap - EXIT
	trap '' INT TERM HUP
	if [ -n "$job" ]; then
		kill -TERM -- "-$job" 2>/dev/null || true
		wait "$job" || true
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "== kept: $work${tree:+, $tree}" >&2
	else
		sweep_trees
		rm -rf "$work"
	fi
	exit $status
}

open_trees()
{
	local lock

	[ "$(id -u)" -eq 0 ] || fail "make $(basename "$0") needs root"
	"$top/test/setup/packages" versions
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/order_gateway.XXXXXX")
	mkdir -p "${CACHE:-$work/trees}"
	trees=$(cd "${CACHE:-$work/trees}" && pwd)
	exec {lock}<"$trees"
	if ! flock --nonblock "$lock"; then
		phase "waiting for another check in $trees"
		flock "$lock"
	fi
}

# A tree is made beside its place, which it takes when it is whole.
make_tree()
{
	local release=$1 name=$2
	local new=$work/$name log=$work/$name.log
	local script=/usr/share/debootstrap/scripts/$release

	[ ! -d "$trees/$name" ] || return 0
	find_mirror || return 1
	# All newer releases are made in the same way.
	[ -e "$script" ] || script=${script%/*}/sid
	phase "tree: $release, from $mirror"
	if ! run_apart debootstrap --variant=minbase --include=make \
		--keyring="$KEYRING" "$release" "$new" "$mirror" "$script" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -rf "$new"
		return 1
	fi
	apt_settings >"$new/etc/apt/apt.conf.d/99outside"
	mv "$new" "$trees/$name"
}

find_tree()
{
	local version=$1 release

	for tree in "$trees"/*; do
		[ ! -x "$tree/usr/lib/postgresql/$version/bin/postgres" ] || return 0
	done
	tree=
	find_mirror || return 1
	release=$(release_with "postgresql-$version")
	if [ -z "$release" ]; then
		complain_of_suites >&2
		echo "found no postgresql-$version in Debian's $SUITES" >&2
		return 1
	fi
	make_tree "$release" "$release" || return 1
	tree=$trees/$release
}

# Our source tree, and the way to name servers, for what runs in a tree.
bring_source()
{
	rm -rf "$1$SOURCE"
	mkdir -p "$1$SOURCE"
	copy_source "$1$SOURCE"
	bring_names "$1"
}

bring_names()
{
	cp --dereference --remove-destination /etc/resolv.conf "$1/etc/resolv.conf"
}
